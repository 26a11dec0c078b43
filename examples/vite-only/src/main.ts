import { contrast } from "./contrast";
import "./style.css";

const app = document.querySelector<HTMLElement>("#app")!;
app.innerHTML = `
  <h1>Colour contrast</h1>
  <label>Text <input type="color" name="text" value="#17212b" /></label>
  <label>Background <input type="color" name="paper" value="#f6f8fa" /></label>
  <p class="sample">The quick brown fox</p>
  <output></output>`;
const text = app.querySelector<HTMLInputElement>("[name=text]")!;
const paper = app.querySelector<HTMLInputElement>("[name=paper]")!;
const sample = app.querySelector<HTMLElement>(".sample")!;

function show(): void {
  const ratio = contrast(text.value, paper.value);
  sample.style.color = text.value;
  sample.style.backgroundColor = paper.value;
  app.querySelector("output")!.textContent = `${ratio.toFixed(2)} : 1, ${ratio >= 4.5 ? "enough for text" : "too little for text"}`;
}

text.addEventListener("input", show);
paper.addEventListener("input", show);
show();
