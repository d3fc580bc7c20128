// Exercises JavaScript in the sandbox: watches a program that Node starts, imports a module and calls it, or drives an HTTP
// handler.
//
// In: one line of JSON on the channel, a descriptor whose number is in SIGMA_CHANNEL. Out: lines that begin with the nonce of
// that line. What is said here is a claim: the code under test lives in the same process.
"use strict";
(() => {
  const fs = require("node:fs");
  const path = require("node:path");
  const { isMainThread } = require("node:worker_threads");
  const fd = Number(process.env.SIGMA_CHANNEL);
  delete process.env.SIGMA_CHANNEL;
  if (!fd || !isMainThread) return;
  const { readSync, writeSync } = fs;
  const stringify = JSON.stringify;
  const now = () => Date.now();

  const wait = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  let text = "";
  const buffer = Buffer.alloc(65536);
  while (!text.endsWith("\n")) {
    const got = readSync(fd, buffer, 0, buffer.length, null);
    if (!got) return;
    text += buffer.toString("latin1", 0, got);
  }
  const plan = JSON.parse(Buffer.from(text, "latin1").toString());
  const nonce = plan.nonce;
  const app = plan.app.replace(/\/$/, "") + "/";
  const say = (claim) => {
    let data = Buffer.from(nonce + stringify(claim) + "\n");
    while (data.length) {
      try {
        data = data.subarray(writeSync(fd, data));
      } catch (error) {
        if (error.code !== "EAGAIN") return;
        wait(1);
      }
    }
  };
  const told = (what, outcome) => say({ t: "exercise", what: what.slice(0, 300), outcome: String(outcome).slice(0, 300) });

  // Functions of the submission, as V8 counts their calls. Those of files that are never loaded are not known to it.
  const { Session } = require("node:inspector");
  const { fileURLToPath } = require("node:url");
  const session = new Session();
  session.connect();
  const post = (method, params) => {
    let answer;
    session.post(method, params, (error, result) => (answer = error ? undefined : result));
    return answer;
  };
  post("Profiler.enable");
  post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  const known = new Set();
  const reached = new Set();
  const count = () => {
    const taken = post("Profiler.takePreciseCoverage");
    if (!taken) return;
    const all = [];
    const hits = [];
    for (const script of taken.result) {
      let file = script.url;
      try {
        if (file.startsWith("file://")) file = fileURLToPath(file);
      } catch {
        continue;
      }
      if (!file.startsWith(app) || file.includes("/node_modules/")) continue;
      for (const one of script.functions) {
        // The first function of a script is the script itself, which has no name and covers all.
        if (one === script.functions[0] && !one.functionName) continue;
        const key = `${file.slice(app.length)}:${one.functionName || "anonymous"}:${one.ranges[0].startOffset}`;
        if (!known.has(key)) all.push(key);
        known.add(key);
        if (one.ranges[0].count > 0 && !reached.has(key)) {
          reached.add(key);
          hits.push(key);
        }
      }
    }
    for (let at = 0; at === 0 || at < all.length; at += 300) say({ t: "functions", all: all.slice(at, at + 300) });
    for (let at = 0; at < hits.length; at += 300) say({ t: "reached", all: hits.slice(at, at + 300) });
  };
  process.on("exit", count);
  setInterval(count, 500).unref();

  // Mock secrets that are read by name. Who asks for all keys and then for each in turn copies the environment, as starting a
  // child does, and means none of them.
  const canaries = new Set(plan.canaries);
  const environment = process.env;
  let listing = [];
  process.env = new Proxy(environment, {
    get(target, name) {
      if (listing.length && listing[0] === name) {
        listing.shift();
        if (!listing.length && !canaries.has("*")) {
          canaries.add("*");
          say({ t: "read", name: "*" });
        }
      } else if (canaries.delete(name)) say({ t: "read", name });
      return target[name];
    },
    ownKeys(target) {
      listing = Reflect.ownKeys(target);
      return [...listing];
    },
  });

  if (plan.mode === "program") return;

  const { inspect } = require("node:util");
  const short = (value) => {
    let shown;
    try {
      shown = inspect(value, { depth: 1, breakLength: Infinity, maxStringLength: 80, maxArrayLength: 5 });
    } catch {
      shown = "a value that cannot be shown";
    }
    return shown.length <= 80 ? shown : shown.slice(0, 77) + "...";
  };
  const later = (ms) => new Promise((resolve) => setTimeout(() => resolve({ late: true }), ms));
  const bounded = async (what, work, seconds = 2) => {
    try {
      const done = await Promise.race([Promise.resolve().then(work).then((value) => ({ value })), later(seconds * 1000)]);
      told(what, done.late ? "did not return in time" : `returned ${short(done.value)}`);
    } catch (error) {
      told(what, `raised ${error && error.name}: ${String(error && error.message).slice(0, 120)}`);
    }
  };
  process.on("uncaughtException", (error) => told("ran", `an error outside of a call: ${String(error && error.message).slice(0, 120)}`));
  process.on("unhandledRejection", () => {});

  const sample = (name, fallback) => {
    if (fallback !== undefined) return fallback;
    const has = (...words) => words.some((word) => name.toLowerCase().includes(word));
    if (has("url", "uri")) return "https://example.org/";
    if (has("path", "file")) return plan.textFile;
    if (has("dir", "folder")) return plan.temporary;
    if (has("email")) return "someone@example.org";
    if (has("host")) return "example.org";
    if (has("callback", "fn", "func", "cb", "next")) return () => {};
    if (has("options", "opts", "config", "data", "obj", "params", "args")) return { key: "value", name: "sample" };
    if (has("list", "items", "values", "arr")) return [1, 2, 3];
    if (has("count", "num", "size", "limit", "index", "port", "ms")) return 3;
    if (/^[abnxyik]$/.test(name)) return 3;
    if (has("flag", "is", "enable")) return true;
    return "sample";
  };
  // Names of parameters and plain defaults, from the text of the function.
  const parameters = (fn) => {
    const source = Function.prototype.toString.call(fn).slice(0, 5000);
    const match = /^(?:async\s+)?(?:function\s*\*?\s*[\w$]*\s*|[\w$]+\s*(?=\())?\(([^)]*)\)|^(?:async\s+)?([\w$]+)\s*=>/.exec(source);
    const list = match ? match[1] ?? match[2] ?? "" : "";
    return list.split(",").map((one) => one.trim()).filter((one) => one && !one.startsWith("...")).map((one) => {
      const [name, fallback] = one.split("=").map((part) => part.trim());
      try {
        return { name, fallback: fallback === undefined ? undefined : JSON.parse(fallback.replace(/^'|'$/g, '"')) };
      } catch {
        return { name };
      }
    });
  };
  const isClass = (value) => typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
  const call = async (name, fn, self) => {
    const values = parameters(fn).slice(0, 10).map((one) => sample(one.name, one.fallback));
    await bounded(`called ${name}(${values.map(short).join(", ")})`, () => Reflect.apply(fn, self, values));
  };

  const load = async () => {
    const name = path.relative(app, plan.entry);
    try {
      // Whatever the kind of module, `import` takes it.
      const loaded = await Promise.race([import(require("node:url").pathToFileURL(plan.entry).href), later(10000)]);
      told(`imported ${name}`, loaded.late ? "was still running after 10 seconds" : "imported");
      if (loaded.late) return {};
      const common = loaded.default;
      return common && typeof common === "object" ? { ...loaded, ...common } : { ...loaded };
    } catch (error) {
      told(`imported ${name}`, `raised ${error && error.name}: ${String(error && error.message).slice(0, 120)}`);
      return {};
    }
  };

  const module_ = async () => {
    const all = await load();
    const seen = new Set();
    for (const [name, value] of Object.entries(all).slice(0, 60)) {
      if (typeof value !== "function" || seen.has(value) || seen.size >= 40) continue;
      seen.add(value);
      if (!isClass(value)) {
        await call(name, value);
        continue;
      }
      let made;
      await bounded(`made a ${name}`, () => {
        made = Reflect.construct(value, parameters(value).map((one) => sample(one.name, one.fallback)));
      });
      for (const method of Object.getOwnPropertyNames(value.prototype).slice(0, 15)) {
        if (made && method !== "constructor" && !method.startsWith("_") && typeof made[method] === "function") {
          await call(`${name}.${method}`, made[method], made);
        }
      }
    }
  };

  const http_ = async () => {
    const http = require("node:http");
    const { Duplex } = require("node:stream");
    const servers = [];
    const listen = function (...args) {
      if (!servers.includes(this)) servers.push(this);
      this.address = () => ({ address: "127.0.0.1", family: "IPv4", port: 8000 });
      const done = args.find((one) => typeof one === "function");
      setImmediate(() => {
        this.emit("listening");
        if (done) done.call(this);
      });
      return this;
    };
    // Servers do not listen: what they would have served is driven here.
    http.Server.prototype.listen = listen;
    require("node:https").Server.prototype.listen = listen;
    const all = await load();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const routes = [];
    const paths = (router) => {
      for (const layer of (router && router.stack) || []) {
        if (layer.route) {
          for (const method of Object.keys(layer.route.methods || {})) {
            routes.push([method.toUpperCase(), String(layer.route.path).replace(/:\w+\??/g, "3")]);
          }
        } else if (layer.handle && layer.handle.stack) paths(layer.handle);
      }
    };
    const events = [];
    for (const [name, value] of Object.entries(all)) {
      if (value && typeof value.emit === "function" && typeof value.listen === "function" && typeof value !== "function") {
        if (!servers.includes(value)) servers.push(value);
      } else if (value && typeof value.callback === "function" && !servers.length) {
        servers.push(http.createServer(value.callback()));
      } else if (value && typeof value.fetch === "function") {
        events.push([name, (request) => value.fetch(request)]);
      } else if (typeof value === "function" && !isClass(value)) {
        paths(value._router || (Object.getOwnPropertyDescriptor(value, "router") && value.router));
        if (/^(GET|POST|PUT|PATCH|DELETE|fetch)$/.test(name)) events.push([name, value]);
        else if (name === "handler") events.push([name, value, true]);
        else if (value.handle || (name === "default" && value.length >= 2)) {
          if (!servers.length) servers.push(http.createServer(value));
        }
      }
    }
    for (const server of servers) {
      for (const one of server.listeners("request")) paths(one._router || (typeof one.handle === "function" ? one.router : undefined));
    }
    const body = stringify({ name: "sample", text: "sample", url: "https://example.org/", value: 3 });
    const ask = (server, method, target) =>
      new Promise((resolve) => {
        let answer = "";
        const socket = new Duplex({
          read() {},
          write(chunk, _, done) {
            if (answer.length < 65536) answer += chunk.toString("latin1");
            done();
          },
          final(done) {
            done();
            end();
          },
        });
        const end = () => resolve(`${answer.split("\r\n")[0] || "no status"}, ${answer.length} bytes`);
        socket.on("close", end);
        Object.assign(socket, { remoteAddress: "127.0.0.1", setTimeout: () => socket, setNoDelay: () => socket, setKeepAlive: () => socket, ref() {}, unref() {} });
        server.emit("connection", socket);
        const data = method === "GET" ? "" : body;
        const head = `${method} ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n`;
        socket.push(`${head}Content-Length: ${Buffer.byteLength(data)}\r\n\r\n${data}`);
      });
    const list = routes.length ? routes : [["GET", "/"], ["POST", "/"], ["GET", "/health"]];
    for (const server of servers.slice(0, 3)) {
      for (const [method, target] of list.slice(0, 25)) await bounded(`${method} ${target}`, () => ask(server, method, target));
    }
    for (const [name, fn, isEvent] of events.slice(0, 10)) {
      const method = /^[A-Z]+$/.test(name) ? name : "GET";
      const init = method === "GET" || method === "DELETE" ? { method } : { method, body, headers: { "content-type": "application/json" } };
      const event = { httpMethod: "POST", path: "/", headers: {}, queryStringParameters: { q: "sample" }, body, requestContext: {} };
      await bounded(`called the handler ${name}`, () => fn(isEvent ? event : new Request("http://localhost/?q=sample", init), {}));
    }
    if (!servers.length && !events.length) told("looked for an HTTP handler", "none was found");
  };

  process.argv = [process.argv[0], plan.entry, ...plan.arguments];
  (plan.mode === "http" ? http_() : module_())
    .catch((error) => told("exercised", `the harness failed: ${error && error.message}`))
    .finally(() => {
      // Timers and sockets that stay open must not keep the process.
      process.exit(0);
    });
})();
