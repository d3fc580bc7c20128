// Notes for an agent, over the Model Context Protocol. They are kept in memory and end with the server.
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

const notes = new Map();

const text = (value) => ({ content: [{ type: "text", text: value }] });

const server = new McpServer({ name: "notes", version: "1.0.0" });

server.tool("add_note", "Keeps a note under a title", { title: z.string().max(100), body: z.string().max(10000) },
  async ({ title, body }) => {
    notes.set(title, body);
    return text(`kept, ${notes.size} in all`);
  });

server.tool("find_notes", "Finds notes that contain a text", { query: z.string() }, async ({ query }) => {
  const found = [...notes].filter(([title, body]) => title.includes(query) || body.includes(query));
  return text(found.map(([title, body]) => `${title}: ${body}`).join("\n") || "nothing found");
});

await server.connect(new StdioServerTransport());
