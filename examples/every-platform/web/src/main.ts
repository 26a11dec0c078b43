import "./style.css";

const API = import.meta.env.VITE_API_URL ?? "";
const app = document.querySelector<HTMLElement>("#app")!;
app.innerHTML = `
  <h1>Reading list</h1>
  <form><input name="title" placeholder="A title" required /> <button>Add</button></form>
  <ul></ul>
  <p role="status"></p>`;
const list = app.querySelector("ul")!;
const status = app.querySelector("[role=status]")!;

async function ask(options?: RequestInit): Promise<void> {
  const answer = await fetch(`${API}/api/books`, options);
  if (!answer.ok) throw new Error(`the API answered ${answer.status}`);
  const books: { id: number; title: string }[] = await answer.json();
  list.replaceChildren(...books.map((book) => Object.assign(document.createElement("li"), { textContent: book.title })));
  status.textContent = `${books.length} to read`;
}

const failed = (error: Error): void => void (status.textContent = error.message);

app.querySelector("form")!.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target as HTMLFormElement;
  const body = JSON.stringify({ title: new FormData(form).get("title") });
  ask({ method: "POST", headers: { "Content-Type": "application/json" }, body }).then(() => form.reset(), failed);
});
ask().catch(failed);
