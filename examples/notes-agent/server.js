// Keeps notes in ./notes and serves them as HTML and JSON.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import express from "express";
import matter from "gray-matter";
import { marked } from "marked";
import { nanoid } from "nanoid";
import { z } from "zod";

const Note = z.object({ title: z.string().min(1).max(200), body: z.string().max(100_000) });
const app = express();
app.use(express.json());
await mkdir("notes", { recursive: true });

app.get("/notes", async (_, response) => {
  const names = (await readdir("notes")).filter((name) => name.endsWith(".md"));
  response.json(names.map((name) => name.slice(0, -3)));
});

app.get("/notes/:id", async (request, response) => {
  const id = z.string().regex(/^[\w-]{21}$/).parse(request.params.id);
  const { data, content } = matter(await readFile(`notes/${id}.md`, "utf8"));
  response.send(`<h1>${encodeURIComponent(data.title)}</h1>${marked.parse(content)}`);
});

app.post("/notes", async (request, response) => {
  const note = Note.parse(request.body);
  const id = nanoid();
  await writeFile(`notes/${id}.md`, matter.stringify(note.body, { title: note.title }));
  response.status(201).json({ id });
});

app.listen(8787, "127.0.0.1");
