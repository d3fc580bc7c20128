//! What kind of program the code is, told from the text of its entry point. A guess, from the usual forms only; a job may
//! say it instead.

use sigma_core::CodeLanguage;

use crate::Kind;

/// The kinds that an entry point shows, in the order in which they are exercised. Never empty. `manifest`: package.json.
pub fn kinds(language: CodeLanguage, entry: &str, text: &str, manifest: Option<&str>) -> Vec<Kind> {
    // Spaces do not matter: `require.main === module` is written without them too.
    let compact: String = text.split_whitespace().collect();
    let any = |words: &[&str]| words.iter().any(|word| text.contains(word) || compact.contains(word));
    match language {
        CodeLanguage::Python => python(&any),
        CodeLanguage::Node => node(&any, entry, text, manifest),
    }
}

fn python(any: &dyn Fn(&[&str]) -> bool) -> Vec<Kind> {
    let mcp = any(&["FastMCP(", "from mcp.", "import mcp", "fastmcp", "MCPServer(", "stdio_server("])
        || (any(&["jsonrpc"]) && any(&["tools/list"]));
    if mcp {
        return vec![Kind::McpServer];
    }
    let http = any(&[
        "Flask(",
        "FastAPI(",
        "Starlette(",
        "Quart(",
        "BaseHTTPRequestHandler",
        "SimpleHTTPRequestHandler",
        "start_response",
        "Bottle(",
        "aiohttp.web",
        "Sanic(",
        "get_wsgi_application",
        "get_asgi_application",
    ]) || (any(&["async def"]) && any(&["scope"]) && any(&["receive"]) && any(&["send"]));
    if http {
        return vec![Kind::HttpHandler];
    }
    let guarded = any(&["__name__==\"__main__\"", "__name__=='__main__'"]);
    let arguments =
        any(&["sys.argv", "argparse", "import click", "import typer", "from docopt", "import fire", "optparse"]);
    // Text that runs when it is imported anyway is a script.
    let functions = any(&["def "]);
    match (guarded || arguments || !functions, functions && (guarded || !arguments)) {
        (true, true) => vec![Kind::Cli, Kind::Module],
        (true, false) => vec![Kind::Cli],
        _ => vec![Kind::Module],
    }
}

fn node(any: &dyn Fn(&[&str]) -> bool, entry: &str, text: &str, manifest: Option<&str>) -> Vec<Kind> {
    let mcp = any(&["@modelcontextprotocol/", "McpServer(", "StdioServerTransport"])
        || (any(&["jsonrpc"]) && any(&["tools/list"]));
    if mcp {
        return vec![Kind::McpServer];
    }
    let http = any(&[
        "createServer(",
        "require('express')",
        "require(\"express\")",
        "from 'express'",
        "from \"express\"",
        "fastify(",
        "new Koa(",
        "new Hono(",
        "exports.handler",
        "export const handler",
        "export async function GET",
        "export async function POST",
        "(req, res)",
        "fetch(request",
    ]);
    if http && !any(&["process.argv"]) {
        return vec![Kind::HttpHandler];
    }
    let bin = manifest.is_some_and(|manifest| is_bin(manifest, entry));
    let main = any(&["require.main===module", "require.main==module", "import.meta.main"]);
    let exports = any(&[
        "module.exports",
        "exports.",
        "export default",
        "export function",
        "export async",
        "export const",
        "export {",
        "export class",
    ]);
    let command = bin || main || text.starts_with("#!") || any(&["process.argv", "commander", "yargs"]);
    match (command || !exports, exports && (main || !command)) {
        (true, true) => vec![Kind::Cli, Kind::Module],
        (true, false) => vec![Kind::Cli],
        _ => vec![Kind::Module],
    }
}

/// Whether package.json names this file as a command.
fn is_bin(manifest: &str, entry: &str) -> bool {
    let Ok(manifest) = serde_json::from_str::<serde_json::Value>(manifest) else { return false };
    let is_entry =
        |value: &serde_json::Value| value.as_str().is_some_and(|path| path.trim_start_matches("./") == entry);
    match manifest.get("bin") {
        Some(serde_json::Value::Object(names)) => names.values().any(is_entry),
        Some(value) => is_entry(value),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_forms_are_known() {
        let check = |language, text: &str, expect: &[Kind]| {
            assert_eq!(kinds(language, "main.js", text, None), expect, "{text}");
        };
        let (python, node) = (CodeLanguage::Python, CodeLanguage::Node);
        check(python, "print(1)", &[Kind::Cli]);
        check(python, "def add(a, b):\n    return a + b\n", &[Kind::Module]);
        check(python, "def f(): ...\nif __name__ == '__main__':\n    f()", &[Kind::Cli, Kind::Module]);
        check(python, "import argparse\ndef main(): ...\nmain()", &[Kind::Cli]);
        check(python, "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('x')", &[Kind::McpServer]);
        check(python, "from flask import Flask\napp = Flask(__name__)", &[Kind::HttpHandler]);
        check(node, "console.log(1)", &[Kind::Cli]);
        check(node, "module.exports = { add };", &[Kind::Module]);
        check(node, "exports.f = f; if (require.main === module) f();", &[Kind::Cli, Kind::Module]);
        check(node, "import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'", &[Kind::McpServer]);
        check(node, "require('http').createServer((req, res) => res.end()).listen(1)", &[Kind::HttpHandler]);
        let manifest = r#"{"bin": {"tool": "./cli.js"}}"#;
        assert_eq!(kinds(node, "cli.js", "exports.x = 1", Some(manifest)), [Kind::Cli]);
    }
}
