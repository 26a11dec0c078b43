// Notes over HTTP, kept as one JSON file in DATA_DIR.
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import express from "express";

const port = Number(process.env.PORT ?? 3000);
const dataDir = process.env.DATA_DIR ?? "data";
const file = path.join(dataDir, "notes.json");

async function read() {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
}

// One write after the other, each to a new file that then takes the old one's name.
let queue = Promise.resolve();
function add(text) {
  const result = queue.then(async () => {
    const notes = [...(await read()), { text, at: new Date().toISOString() }];
    await mkdir(dataDir, { recursive: true });
    await writeFile(`${file}.part`, JSON.stringify(notes));
    await rename(`${file}.part`, file);
    return notes.at(-1);
  });
  queue = result.catch(() => {});
  return result;
}

const app = express();
app.use(express.json({ limit: "16kb" }));
app.get("/healthz", (_request, response) => response.json({ status: "ok" }));
app.get("/notes", async (_request, response) => response.json(await read()));
app.post("/notes", async (request, response) => {
  const text = request.body?.text;
  if (typeof text !== "string" || text.trim() === "") {
    return response.status(400).json({ error: "text must be a non-empty string" });
  }
  response.status(201).json(await add(text.trim()));
});

const server = app.listen(port, () => console.log(`listening on ${port}`));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
