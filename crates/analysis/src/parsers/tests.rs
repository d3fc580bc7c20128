use super::*;
use crate::facts::When;

/// Every call as `line when path(first text) taint`, every environment read and local fact, one a line.
pub(super) fn told(source: &str, language: Language) -> String {
    let (lines, not_parsed) = with_facts(source, language, false, 400, |facts| {
        let mut lines: Vec<String> = Vec::new();
        for call in &facts.calls {
            let when = if facts.when(call.place) == When::Load { "load" } else { "call" };
            let first = call.arguments.first().and_then(|argument| argument.value.as_prefix()).unwrap_or("?");
            lines.push(format!("{when} {}({first})", &*call.path));
        }
        for read in &facts.environment {
            lines.push(format!(
                "env {}{}",
                read.name.as_deref().unwrap_or("?"),
                if read.secret { " secret" } else { "" }
            ));
        }
        lines
    });
    assert_eq!(not_parsed, None, "{source}");
    lines.join("\n")
}

fn python(source: &str, expect: &str) {
    assert_eq!(told(source, Language::Python), expect, "{source}");
}

fn javascript(source: &str, expect: &str) {
    assert_eq!(told(source, Language::JavaScript), expect, "{source}");
}

/// A source of more than 16 KiB tells what its few lines of interest tell alone, whichever side of the others they stand on.
fn larger(language: Language, quiet: impl Fn(u32) -> String, source: &str, expect: &str) {
    let alone = told(source, language);
    assert!(alone.contains(expect), "{source}\ntells\n{alone}");
    let quiet: String = (0..600).map(quiet).collect();
    assert!(quiet.len() > 16 << 10);
    for source in [format!("{source}\n{quiet}"), format!("{quiet}\n{source}")] {
        assert_eq!(told(&source, language), alone, "{}", &source[..200]);
    }
}

#[test]
fn larger_sources_are_read_again_where_it_matters() {
    let javascript = |source: &str, expect: &str| {
        let quiet = |n: u32| format!("function quiet{n}(a, b) {{ const sum = a + b * {n}; return sum }}\n");
        larger(Language::JavaScript, quiet, source, expect);
    };
    let python = |source: &str, expect: &str| {
        let quiet = |n: u32| format!("def quiet{n}(a, b):\n    total = a + b * {n}\n    return total\n");
        larger(Language::Python, quiet, source, expect);
    };
    // What a function is given by a call further down.
    javascript("function get(u) { return require('http').get(u) }\nget('https://a.b/')", "http.get(https://a.b/)");
    python("import requests\ndef get(u):\n    requests.get(u)\nget('https://a.b/')", "requests.get(https://a.b/)");
    // Something to call, of a function in which nothing was found before.
    javascript(
        "fetch('https://c.d/')\nfunction run(e, c) { e.exec(c) }\nrun(require('child_process'), 'id')",
        "load child_process.exec(id)",
    );
    // A member and a variable that come to mean something further down.
    javascript(
        "fetch('https://c.d/')\nclass A { send() { this.web.post('https://a.b/') } connect() { this.web = require('axios') } }",
        "call axios.post(https://a.b/)",
    );
    python(
        "import os\nos.system('x')\nclass A:\n    def send(self):\n        self.web.post('https://a.b/')\n    \
         def connect(self):\n        import requests\n        self.web = requests\n",
        "call requests.post(https://a.b/)",
    );
    javascript(
        "let proc; fetch('https://c.d/')\nfunction f() { proc.exec('id') }\nfunction g() { proc = require('child_process') }",
        "call child_process.exec(id)",
    );
    // What is passed over is told all the same.
    javascript(
        "function get(u) { return fetch(u) }\nget('https://a.b/')\nfunction token() { return process.env.NPM_TOKEN }",
        "env NPM_TOKEN secret",
    );
    // Methods that are called before they are read.
    javascript(
        "class A { run() { this.act('id') } act(c) { require('child_process').exec(c) } }\nnew A().run()",
        "load child_process.exec(id)",
    );
    python(
        "import os\nclass A:\n    def run(self):\n        self.act('id')\n    def act(self, c):\n        os.system(c)\nA().run()",
        "load os.system(id)",
    );
}

#[test]
fn python_names_are_resolved() {
    python("from os import system as s\ns('id')", "load os.system(id)");
    python("import subprocess as sp\ndef f():\n    sp.run(['id'])", "call subprocess.run(?)");
    python("__import__('os').system('id')", "load os.system(id)");
    python("import importlib\nimportlib.import_module('sub' + 'process').call('x')", "load subprocess.call(x)");
    python("import os\ngetattr(os, 'sys' + 'tem')('id')", "load os.system(id)");
    python("import os\nos.__dict__['system']('id')", "load os.system(id)");
    python("__builtins__['ex' + 'ec']('1')\neval.__call__", "load exec(1)");
    python(
        "import requests\ns = requests.Session()\ns.post('https://a.b/')",
        "load requests.Session().post(https://a.b/)",
    );
    python("import os\nos = fake()\nos.system('x')", "");
    python("def f(open):\n    open('x')", "");
}

#[test]
fn javascript_names_are_resolved() {
    javascript("const {exec: e} = require('child_process'); e('id')", "load child_process.exec(id)");
    javascript("import {execSync} from 'node:child_process'; execSync(`id`)", "load child_process.execSync(id)");
    javascript("require('child_' + 'process').spawn('id')", "load child_process.spawn(id)");
    javascript("(0, eval)('1'); globalThis['ev' + 'al']('2')", "load eval(1)\nload eval(2)");
    javascript(
        "const p = require('util').promisify(require('child_process').exec); p('id')",
        "load child_process.exec(id)",
    );
    javascript("[].constructor.constructor('return this')()", "load Function(return this)");
    javascript(
        "import('fs').then(fs => 1); const f = await import('fs'); f.writeFileSync('a', 'b')",
        "load fs.writeFileSync(a)",
    );
    javascript("function f() { return process.env.NPM_TOKEN + process.env['HOME'] }", "env NPM_TOKEN secret\nenv HOME");
    javascript("const {env: {AWS_SECRET}} = process", "env AWS_SECRET secret");
    javascript("require('child_process').exec.call(null, 'id')", "load child_process.exec(id)");
}

#[test]
fn constants_are_folded() {
    python("eval(chr(49) + '+' + ''.join(['1', '2']) + '43'[::-1])", "load eval(1+1234)");
    python(
        "import base64\nx = 'aWQ='\nexec(base64.b64decode(x).decode())",
        "load exec(id)\nload base64.b64decode(aWQ=)",
    );
    python("u = 'https://a.b'\nimport requests\nrequests.get(f'{u}/x/{y}')", "load requests.get(https://a.b/x/)");
    javascript("eval(Buffer.from('aWQ=', 'base64').toString())", "load eval(id)");
    javascript(
        "eval(String.fromCharCode(105, 100)); eval('di'.split('').reverse().join(''))",
        "load eval(id)\nload eval(id)",
    );
    javascript("fetch(`https://a.b/${x}`)", "load fetch(https://a.b/)");
}

#[test]
fn what_runs_when_the_file_is_loaded() {
    python(
        "import os\ndef main():\n    inner()\ndef inner():\n    os.system('a')\ndef other():\n    os.system('b')\nmain()",
        "load os.system(a)\ncall os.system(b)",
    );
    javascript(
        "const c = require('child_process'); (() => { c.exec('a') })(); function f() { c.exec('b') }",
        "load child_process.exec(a)\ncall child_process.exec(b)",
    );
    javascript(
        "const c = require('child_process'); setTimeout(() => c.exec('a'), 5)",
        "load setTimeout(?)\nload child_process.exec(a)",
    );
    python(
        "from setuptools.command.install import install\nimport os\nclass I(install):\n    def run(self):\n        os.system('a')",
        "load os.system(a)",
    );
}

#[test]
fn what_stands_under_the_main_guard_runs_only_in_a_program() {
    let source = "import os\nif __name__ == '__main__':\n    os.system('a')\n";
    for (program, expect) in [(false, When::Call), (true, When::Load)] {
        let when = |facts: &mut Facts<'_>| facts.when(facts.calls[0].place);
        assert_eq!(with_facts(source, Language::Python, program, 400, when).0, expect);
    }
}

#[test]
fn what_is_read_again_and_again_is_scanned_instead() {
    // Sixty patterns inside types: each level doubles what a parser of TypeScript reads.
    let patterns = "a as ({b=".repeat(60) + "eval('1')" + &"})=>c".repeat(60);
    for language in [Language::TypeScript, Language::JavaScript] {
        let (calls, not_parsed) = with_facts(&patterns, language, false, 400, |facts| facts.calls.len());
        assert_eq!((calls, not_parsed.is_some()), (1, true), "{language:?}");
    }
}

#[test]
fn a_line_without_the_end_of_a_regular_expression_is_searched_once() {
    let source = "=/[".repeat(300_000) + "\neval('1')";
    let arena = Allocator::default();
    let facts = scan(&arena, &source, Language::JavaScript);
    assert_eq!(facts.calls.len(), 1);
}

#[test]
fn names_that_are_put_together_are_bounded_and_that_is_said() {
    // A quarter of a million names of 150 bytes, which all stay until the file is read.
    let names = format!("import os\np = os.{}\n{}eval('1')", "a".repeat(140), "p.abcdef\n".repeat(250_000));
    let read = |facts: &mut Facts<'_>| (facts.calls.len(), facts.overflow);
    assert_eq!(with_facts(&names, Language::Python, false, 400, read), ((1, true), None));
    let few = names.replacen("p.abcdef\n", "", 200_000);
    assert_eq!(with_facts(&few, Language::Python, false, 400, read), ((1, false), None));
}

#[test]
fn lists_that_stand_for_much_are_not_multiplied() {
    let list = |item: &str| vec![item; 256].join(",");
    // A million times 256 arguments.
    let spreads = format!("a=[{}];f({});eval('1')", list("1"), "...a,".repeat(1_000_000));
    let (calls, _) = with_facts(&spreads, Language::JavaScript, false, 400, |facts| facts.calls.len());
    assert_eq!(calls, 1);
    // 256 texts of 16 KB each, in every one of ten thousand calls: what is short stays known.
    let text = "x".repeat(16_000);
    let source =
        format!("import os\nt='{text}'\na=[{}]\n{}os.system('id')\n", list("t"), "os.system(a)\n".repeat(10_000));
    let (known, last) = with_facts(&source, Language::Python, false, 400, |facts| {
        let known = facts.calls.iter().filter(|call| !call.arguments[0].value.items().is_empty()).count();
        (known, facts.calls.last().and_then(|call| call.arguments[0].value.as_text().map(str::to_owned)))
    })
    .0;
    assert!(known > 0 && known < 20, "{known}");
    assert_eq!(last.as_deref(), Some("id"));
}

#[test]
fn replacing_and_joining_make_nothing_longer_than_the_limit() {
    let text = "x".repeat(16_000);
    for (source, expect) in [
        (format!("t='{text}'\nexec(t.replace('x', t))"), None),
        (format!("t='{text}'\nexec(t.join([t, t]))"), None),
        ("exec('a-b-a'.replace('a', 'cc'))".to_owned(), Some("cc-b-cc")),
        ("exec('--'.join(['a', 'b']))".to_owned(), Some("a--b")),
        ("exec(','.join([]))".to_owned(), Some("")),
    ] {
        let first = |facts: &mut Facts<'_>| facts.calls[0].arguments[0].value.as_text().map(str::to_owned);
        assert_eq!(with_facts(&source, Language::Python, false, 400, first).0.as_deref(), expect);
    }
}

#[test]
fn repeated_long_texts_are_read() {
    let long = "x".repeat(4 << 20);
    for (head, line) in [
        (
            format!("import os\ns = '{long}'\n"),
            "exec(s + a)\nos.path.join(s, 'b')\nx[s]\ns.replace('a', 'b')\n__import__(s)\n",
        ),
        (format!("s = '{}'\n", &long[..16_000]), "t = s + s\nu = s.lower() + t\nexec(u + s)\n"),
    ] {
        let source = head + &line.repeat(4_000);
        let (calls, not_parsed) = with_facts(&source, Language::Python, false, 400, |facts| facts.calls.len());
        assert!(calls >= 4_000 && not_parsed.is_none());
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read(parts in proptest::collection::vec("[a-z]{1,4}|[-+*/=.,:;!?(){}<>\\[\\]'\"`$@#\\\\ \n]|\\PC", 0..60)) {
        let source = parts.concat();
        for language in [Language::Python, Language::JavaScript, Language::TypeScript] {
            let (confidence, not_parsed) = with_facts(&source, language, false, 400, |facts| facts.confidence);
            proptest::prop_assert!(not_parsed.is_none() || confidence < Confidence::High);
            let arena = Allocator::default();
            let scanned = scan(&arena, &source, language);
            proptest::prop_assert_eq!(scanned.source.len(), source.len());
        }
    }
}

#[test]
fn what_does_not_parse_is_told_and_scanned() {
    let run = |facts: &mut Facts<'_>| {
        let calls: Vec<String> = facts.calls.iter().map(|call| call.path.to_string()).collect();
        (calls.join(" "), facts.imports.iter().cloned().collect::<Vec<_>>().join(" "))
    };
    let ((calls, imports), not_parsed) = with_facts(
        "const cp = require('child_process');\n%%% cp.exec('id') }}}",
        Language::JavaScript,
        false,
        400,
        run,
    );
    assert_eq!((calls.as_str(), imports.as_str()), ("child_process.exec", "child_process"));
    assert_eq!(not_parsed.unwrap().reason, SkipReason::NotParsed);
    let ((calls, imports), not_parsed) = with_facts(
        "import os, sys\nprint 'old'\nos.system('id')\nexec 'code' in ns\n",
        Language::Python,
        false,
        400,
        run,
    );
    assert!(calls.contains("os.system"), "{calls}");
    assert!(imports.contains("os"));
    assert_eq!(not_parsed.unwrap().reason, SkipReason::NotParsed);
}

/// Reads `source` on a thread with a small stack; true when it was too deep for a parser.
fn is_too_deep(source: String, language: Language) -> bool {
    let read = move || with_facts(&source, language, false, 400, |_| ()).1;
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(read).unwrap();
    thread.join().unwrap().is_some_and(|not_parsed| not_parsed.reason == SkipReason::TooDeep)
}

/// Constructs that nest, as what opens, what stands inside, and what closes.
const PYTHON: &[(&str, &str, &str)] = &[
    ("(", "a", ")"),
    ("[", "a", "]"),
    ("{", "a", "}"),
    ("f(", "a", ")"),
    ("a[", "0", "]"),
    ("{1:", "a", "}"),
    ("not ", "a", ""),
    ("-", "a", ""),
    ("~", "a", ""),
    ("lambda: ", "a", ""),
    ("a if b else ", "c", ""),
    ("a ** ", "b", ""),
    ("await ", "a", ""),
    ("", "a", ".a"),
    ("", "a", "()"),
    ("", "a", "[0]"),
    ("", "a", " + a"),
    ("", "a", " @ a"),
    ("f'{", "a", "}'"),
    ("f\"{f'{", "a", "}'}\""),
    ("(lambda: ", "a", ")"),
    ("[a for a in ", "b", "]"),
    ("yield ", "a", ""),
    ("", "a", " and a or a"),
    ("a < ", "b", ""),
    ("*", "a", ""),
    ("(yield ", "a", ")"),
    ("a := ", "a", ""),
    ("a = ", "a", ""),
];
const JAVASCRIPT: &[(&str, &str, &str)] = &[
    ("(", "a", ")"),
    ("[", "a", "]"),
    ("x={a:", "a", "}"),
    ("f(", "a", ")"),
    ("a[", "0", "]"),
    ("{", "a", "}"),
    ("!", "a", ""),
    ("- ", "a", ""),
    ("~", "a", ""),
    ("x=>", "a", ""),
    ("async x=>", "a", ""),
    ("a?b:", "c", ""),
    ("a?", "b", ":c"),
    ("a**", "b", ""),
    ("await ", "a", ""),
    ("typeof ", "a", ""),
    ("void ", "a", ""),
    ("new ", "a", ""),
    ("", "a", ".a"),
    ("", "a", "()"),
    ("", "a", "[0]"),
    ("", "a", "+a"),
    ("", "a", "?.a"),
    ("", "a", "``"),
    ("`${", "a", "}`"),
    ("a=", "a", ""),
    ("if(a)", "b", ""),
    ("if(a)b;else ", "c", ""),
    ("if(a){}else ", "{}", ""),
    ("for(;;)", "a", ""),
    ("while(a)", "b", ""),
    ("do ", "a", " while(0)\n"),
    ("with(a)", "b", ""),
    ("a:", "b", ""),
    ("function f(){", "", "}"),
    ("class A extends ", "B{}", ""),
    ("<a>", "b", "</a>"),
    ("x=<a b={", "c", "}/>"),
    ("yield ", "a", ""),
    ("", "a", "&&a"),
    ("", "a", "??a"),
    ("", "a", ",a"),
    ("(a,b)=>", "c", ""),
    ("import(", "a", ")"),
    ("{a:", "b", "}"),
    ("[a=", "b", "]=c"),
    ("case a:", "b", ""),
    ("try{", "a", "}catch{}"),
    ("@a ", "class A{}", ""),
];
const TYPESCRIPT: &[(&str, &str, &str)] = &[
    ("type A=(", "a", ")"),
    ("type A=B<", "a", ">"),
    ("x as ", "a", ""),
    ("let a:", "b", ""),
    ("", "a", "!"),
    ("", "a", " as b"),
    ("keyof ", "a", ""),
    ("", "type A=B", "[]"),
    ("a extends b?c:", "d", ""),
    ("<a>", "b", ""),
    ("namespace A{", "", "}"),
    ("()=>", "a", ""),
    ("type A=()=>", "b", ""),
    ("type A=", "b", "|c"),
    ("type A=[", "b", "]"),
    ("type A={a:", "b", "}"),
    ("type A=`${", "b", "}`"),
    ("abstract ", "class A{}", ""),
    ("A<", "b", ">"),
    ("readonly ", "a", ""),
];

#[test]
fn a_hundred_thousand_levels_of_anything_do_not_abort() {
    for (language, constructs) in
        [(Language::Python, PYTHON), (Language::JavaScript, JAVASCRIPT), (Language::TypeScript, TYPESCRIPT)]
    {
        for (open, inside, close) in constructs {
            for levels in [390, 1_500, 9_000, 100_000] {
                let source = format!("{}{inside}{}", open.repeat(levels), close.repeat(levels));
                let prefix = if language == Language::TypeScript && open.starts_with("keyof") { "type A=" } else { "" };
                // Whatever the answer, the process lives. Unfinished code must not fool the measure either.
                is_too_deep(format!("{prefix}{source}"), language);
                is_too_deep(open.repeat(levels), language);
            }
        }
    }
}

#[test]
fn deep_code_is_disclosed_and_still_scanned() {
    for (source, language) in [
        ("(".repeat(100_000), Language::JavaScript),
        ("x=>".repeat(100_000), Language::JavaScript),
        ("[".repeat(100_000), Language::Python),
        ("a.".repeat(100_000) + "a", Language::Python),
        ("-".repeat(100_000) + "a", Language::Python),
    ] {
        assert!(is_too_deep(source, language));
    }
    let hidden = format!("require('child_process').exec('id');{}1{}", "(".repeat(5000), ")".repeat(5000));
    let (calls, not_parsed) = with_facts(&hidden, Language::JavaScript, false, 400, |facts| facts.calls.len());
    assert_eq!((calls, not_parsed.unwrap().reason), (1, SkipReason::TooDeep));
}

#[test]
fn deep_python_blocks_are_measured() {
    let blocks: String = (0..2000).map(|level| format!("{}if a:\n", " ".repeat(level))).collect();
    assert!(is_too_deep(blocks, Language::Python));
}

#[test]
fn any_encoding_becomes_text() {
    assert_eq!(decode(b"\xef\xbb\xbfa"), "a");
    assert_eq!(decode(b"caf\xe9"), "caf\u{e9}");
    assert_eq!(decode(b"\xff\xfea\0b\0"), "ab");
}
