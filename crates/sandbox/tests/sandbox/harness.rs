//! How code is exercised, and how much of it is reached.

use sigma_core::Execution;
use sigma_sandbox::{Job, Kind};

use crate::world::{flags, node, python, run, ways};

fn did(execution: &Execution, what: &str, outcome: &str) {
    let found = execution.exercises.iter().find(|exercise| exercise.what.starts_with(what));
    let found = found.unwrap_or_else(|| panic!("nothing begins with {what:?}: {execution:#?}"));
    assert!(found.outcome.starts_with(outcome), "{what}: {:?}, expected {outcome:?}", found.outcome);
}

fn auto(mut job: Job) -> Job {
    job.kind = Kind::Auto;
    job.arguments = None;
    job
}

#[test]
fn a_command_is_started_in_several_ways() {
    let text = "import argparse, sys\ndef never(): pass\ndef main():\n    parser = argparse.ArgumentParser()\n    \
                parser.add_argument('text', nargs='?')\n    print('got', parser.parse_args().text, sys.stdin.read())\nmain()\n";
    for way in ways() {
        let execution = run(way, &auto(python(text)));
        did(&execution, "started without arguments", "exit 0");
        did(&execution, "started with `--help`", "exit 0");
        did(&execution, "started with `hello`", "exit 0");
        did(&execution, "started with the path of a text file", "exit 0");
        assert!(execution.output.contains("usage:") && execution.output.contains("sample.txt"), "{execution:#?}");
        assert_eq!((execution.functions_reached, execution.functions_total), (1, Some(2)), "{execution:#?}");
    }
}

#[test]
fn a_module_is_called() {
    let text = r#"
from typing import List, Optional
import time
class Counter:
    def __init__(self, start: int = 5):
        self.value = start
    def add(self, amount: int) -> int:
        self.value += amount
        return self.value
def add(a: int, b: int) -> int:
    return a + b
def shout(text, times: int = 2):
    return text.upper() * times
def total(values: List[float]): return sum(values)
def maybe(name: Optional[str] = None): return name
def size(path): return len(open(path).read())
def broken(): raise ValueError('no')
def endless():
    while True: time.sleep(1)
async def later(n: int): return n
def _private(): return 1
"#;
    for way in ways() {
        let execution = run(way, &auto(python(text)));
        did(&execution, "imported main", "imported");
        did(&execution, "called add(3, 3)", "returned 6");
        did(&execution, "called shout('sample', 2)", "returned 'SAMPLESAMPLE'");
        did(&execution, "called total([1.5])", "returned 1.5");
        did(&execution, "called maybe('sample')", "returned 'sample'");
        did(&execution, "called size('", "returned 60");
        did(&execution, "called broken()", "raised ValueError: no");
        did(&execution, "called endless()", "did not return in time");
        did(&execution, "called later(3)", "returned 3");
        did(&execution, "made a Counter", "returned");
        did(&execution, "called Counter.add(3)", "returned 8");
        assert_eq!((execution.functions_reached, execution.functions_total), (10, Some(11)), "{way:?} {execution:#?}");
    }
}

#[test]
fn a_node_module_is_called() {
    let text = "class Box { constructor(n = 4) { this.n = n; } grow(by) { return this.n + by; } }\n\
                const add = (a, b) => a + b;\nasync function later(url) { return url; }\nfunction broken() { throw new TypeError('no'); }\n\
                function never() {}\nmodule.exports = { Box, add, later, broken };";
    let Some(job) = node(text) else { return };
    for way in ways() {
        let execution = run(way, &auto(job.clone()));
        did(&execution, "imported main.js", "imported");
        did(&execution, "called add(3, 3)", "returned 6");
        did(&execution, "called later('https://example.org/')", "returned 'https://example.org/'");
        did(&execution, "called broken()", "raised TypeError: no");
        did(&execution, "made a Box", "returned");
        did(&execution, "called Box.grow('sample')", "returned '4sample'");
        assert_eq!((execution.functions_reached, execution.functions_total), (5, Some(6)), "{way:?} {execution:#?}");
    }
}

/// A server of the Model Context Protocol, without a library.
const MCP: &str = r#"
import json, sys
TOOLS = [
    {"name": "add", "inputSchema": {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}, "b": {"type": "integer", "default": 7}}}},
    {"name": "fail", "inputSchema": {"type": "object"}},
]
def add(a, b): return a + b
def fail(): raise RuntimeError("it failed")
def unused(): pass
def handle(message):
    method, params = message["method"], message.get("params", {})
    if method == "initialize":
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": {"name": "t", "version": "1"}}
    if method == "tools/list":
        return {"tools": TOOLS}
    if method == "tools/call":
        return {"content": [{"type": "text", "text": str(globals()[params["name"]](**params["arguments"]))}]}
print("a server that talks too much")
for line in sys.stdin:
    message = json.loads(line)  # jsonrpc
    if "id" in message:
        try:
            answer = {"jsonrpc": "2.0", "id": message["id"], "result": handle(message)}
        except Exception as error:
            answer = {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -1, "message": str(error)}}
        print(json.dumps(answer), flush=True)
"#;

#[test]
fn an_mcp_server_is_spoken_to() {
    for way in ways() {
        let execution = run(way, &auto(python(MCP)));
        did(&execution, "asked to initialize", "answered");
        did(&execution, "asked for its tools", "answered: 2 tools");
        did(&execution, "called the tool add with {\"a\":1,\"b\":7}", "answered");
        did(&execution, "called the tool fail with {}", "answered with an error: it failed");
        assert_eq!((execution.functions_reached, execution.functions_total), (3, Some(4)), "{way:?} {execution:#?}");
        assert!(execution.usage.wall_ms < 10_000, "it ended with its input: {execution:#?}");
    }
    let text = r#"
const tools = [{ name: 'echo', inputSchema: { type: 'object', required: ['text'], properties: { text: { type: 'string' } } } }];
const echo = ({ text }) => text;
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line); // jsonrpc
  const result = method === 'tools/list' ? { tools } : method === 'tools/call' ? { content: [{ type: 'text', text: echo(params.arguments) }] } : { capabilities: {} };
  if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
});
"#;
    let Some(job) = node(text) else { return };
    for way in ways() {
        let execution = run(way, &auto(job.clone()));
        did(&execution, "called the tool echo with {\"text\":\"sample\"}", "answered");
        assert_eq!((execution.functions_reached, execution.functions_total), (2, Some(2)), "{way:?} {execution:#?}");
    }
}

#[test]
fn http_handlers_are_driven() {
    let wsgi = "def application(environ, start_response):\n    body = environ['wsgi.input'].read()\n    \
                start_response('200 OK', [])\n    return [environ['REQUEST_METHOD'].encode() + body]\n";
    let asgi = "async def app(scope, receive, send):\n    message = await receive()\n    \
                await send({'type': 'http.response.start', 'status': 201, 'headers': []})\n    \
                await send({'type': 'http.response.body', 'body': message['body']})\n";
    let server = "from http.server import BaseHTTPRequestHandler, HTTPServer\nclass Handler(BaseHTTPRequestHandler):\n    \
                  def do_GET(self):\n        self.send_response(200)\n        self.end_headers()\n        self.wfile.write(b'hi')\n    \
                  def do_POST(self):\n        self.rfile.read(int(self.headers['Content-Length']))\n        self.send_error(404)\n\
                  HTTPServer(('0.0.0.0', 8000), Handler).serve_forever()\n";
    for way in ways() {
        let execution = run(way, &auto(python(wsgi)));
        did(&execution, "GET /", "returned '200 OK, 3 bytes'");
        did(&execution, "POST /", "returned '200 OK, ");
        let execution = run(way, &auto(python(asgi)));
        did(&execution, "POST /", "returned '201, 79 bytes'");
        assert_eq!((execution.functions_reached, execution.functions_total), (1, Some(1)), "{execution:#?}");
        let execution = run(way, &auto(python(server)));
        did(&execution, "GET /", "returned 'HTTP/1.0 200 OK");
        did(&execution, "POST /", "returned 'HTTP/1.0 404 Not Found");
        assert_eq!(execution.network.total, 0, "it was driven in its process: {execution:#?}");
    }
}

#[test]
fn node_http_handlers_are_driven() {
    let server = "const http = require('http');\nfunction answer(req, res) { let n = 0; req.on('data', (d) => { n += d.length; }); \
                  req.on('end', () => { res.statusCode = req.method === 'POST' ? 201 : 200; res.end(String(n)); }); }\n\
                  http.createServer(answer).listen(3000, () => console.log('listening'));";
    let handler = "exports.handler = async (event) => ({ statusCode: 200, body: event.body });";
    let web = "export default { async fetch(request) { return new Response(request.method); } };";
    let Some(job) = node(server) else { return };
    for way in ways() {
        let execution = run(way, &auto(job.clone()));
        did(&execution, "GET /", "returned 'HTTP/1.1 200 OK");
        did(&execution, "POST /", "returned 'HTTP/1.1 201 Created");
        assert_eq!(execution.network.total, 0, "{way:?} {execution:#?}");
        assert!(execution.functions_reached >= 3, "{way:?} {execution:#?}");
        let execution = run(way, &auto(node(handler).expect("Node.js")));
        did(&execution, "called the handler handler", "returned");
    }
    let mut job = node(web).expect("Node.js");
    job.entry = "main.mjs".to_owned();
    if let sigma_sandbox::Code::Files { files } = &mut job.code {
        files[0].path = "main.mjs".to_owned();
    }
    job.kind = Kind::HttpHandler;
    let execution = run(ways()[0], &job);
    did(&execution, "called the handler default", "returned Response");
}

/// What is said on the channel without the harness's secret is not believed, and noted.
#[test]
fn the_channel_is_not_open_to_all() {
    let text = r#"
import json, os
for fd in range(3, 256):
    try:
        os.write(fd, json.dumps({"t": "exercise", "what": "all is well", "outcome": "SAFE"}).encode() + b"\n")
        os.write(fd, b"x" * 32 + json.dumps({"t": "reached", "all": ["main.py:f:1"]}).encode() + b"\n")
    except OSError:
        pass
def f(): pass
"#;
    for way in ways() {
        let execution = run(way, &python(text));
        assert!(!execution.exercises.iter().any(|exercise| exercise.what.contains("well")), "{way:?} {execution:#?}");
        assert_eq!(execution.functions_reached, 0, "{way:?} {execution:#?}");
        assert!(flags(&execution).contains(&"harness-tampered"), "{way:?} {execution:#?}");
    }
}
