//! Which arguments of a call matter for what it does.
//!
//! In: a call and its arguments. Out: what is run of a command, what is told to somebody, where the call connects to. The
//! rest says how the work is to be done: where to work, how long to wait, which proxy to take.

use super::bits::{Effects, Taint};
use super::builder::Argument;
use super::expression::union;
use super::name::names_file;
use super::value::{Constant, Value};

/// What a call's arguments are made of, as far as they matter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Matter {
    /// All of them.
    pub all: Taint,
    /// Only the address, where nothing else of it matters: what stands there says where to go, and tells nobody anything.
    pub place: Taint,
    /// What the arguments say of the call itself.
    pub effects: Effects,
}

/// How a command is started, not what it is.
const STARTING: [&str; 20] = [
    "env",
    "cwd",
    "stdout",
    "stderr",
    "stdio",
    "preexec_fn",
    "creationflags",
    "startupinfo",
    "timeout",
    "check",
    "text",
    "encoding",
    "errors",
    "bufsize",
    "close_fds",
    "capture_output",
    "start_new_session",
    "universal_newlines",
    "windowsHide",
    "detached",
];

/// How a connection is made, not what is said over it.
const CONNECTING: [&str; 18] = [
    "context",
    "timeout",
    "verify",
    "cert",
    "proxies",
    "proxy",
    "allow_redirects",
    "stream",
    "ssl",
    "connector",
    "agent",
    "httpAgent",
    "httpsAgent",
    "dispatcher",
    "signal",
    "ca",
    "rejectUnauthorized",
    "maxRedirects",
];

/// Options of a request that only asks.
const ASKING: [&str; 9] =
    ["headers", "method", "redirect", "responseType", "cache", "keepalive", "hostname", "path", "followRedirect"];

/// What of a call's arguments matters; `all` is what they are made of.
pub(super) fn matter(path: &str, effects: Effects, arguments: &[Argument<'_>], all: Taint) -> Matter {
    match () {
        _ if all.is_empty() => Matter::default(),
        _ if matches!(path, "eval" | "exec" | "compile") => Matter { all: code(path, arguments), ..Matter::default() },
        _ if effects.any(Effects::SPAWN) => {
            let read = read_as_code(arguments);
            let effects = if read.is_empty() { Effects::NONE } else { Effects::EVAL };
            Matter { all: command(arguments) | read, effects, ..Matter::default() }
        }
        _ if effects.any(Effects::NET | Effects::PREPARE) => request(path, arguments),
        _ => Matter { all, ..Matter::default() },
    }
}

/// What a call is given beside options of these names.
fn without<'v, 'a: 'v>(arguments: impl Iterator<Item = &'v Argument<'a>>, names: &[&str]) -> Taint {
    arguments.fold(Taint::NONE, |all, argument| match &argument.name {
        Some(name) if names.contains(&&**name) => all,
        _ => all | fields_without(&argument.value, names),
    })
}

/// What a value is made of beside fields of these names.
pub(super) fn fields_without(value: &Value<'_>, names: &[&str]) -> Taint {
    let Constant::Record(fields) = &value.constant else { return value.whole_taint() };
    let (mut dropped, mut kept) = (Taint::NONE, Taint::NONE);
    for (name, value) in fields.iter() {
        let side = if names.contains(&&**name) { &mut dropped } else { &mut kept };
        *side |= value.whole_taint();
    }
    value.whole_taint().without(dropped.without(kept))
}

/// What is handed to a function of the same file, without the environment that a child process is to be given. `all` is
/// what the arguments are made of.
pub(super) fn handed(arguments: &[Argument<'_>], all: Taint) -> Taint {
    if all.is_empty() { all } else { without(arguments.iter(), &["env"]) }
}

/// Python's `eval`, `exec` and `compile` run their first argument. The others are names for it, and a file name; they are
/// run only by code that says so, which a text that stands in the source may.
fn code(path: &str, arguments: &[Argument<'_>]) -> Taint {
    match run_as_code(path, arguments) {
        Some(code) => code.value.whole_taint(),
        None => union(arguments.iter().map(|argument| &argument.value)),
    }
}

fn run_as_code<'v, 'a>(path: &str, arguments: &'v [Argument<'a>]) -> Option<&'v Argument<'a>> {
    let code = arguments.iter().find(|argument| argument.name.as_deref().is_none_or(|name| name == "source"))?;
    (path == "compile" || !matches!(code.value.constant, Constant::Text(_))).then_some(code)
}

/// Arguments that may name a file which is run.
pub(super) fn runnable<'v, 'a>(path: &str, arguments: &'v [Argument<'a>]) -> &'v [Argument<'a>] {
    match matches!(path, "eval" | "exec" | "compile") && run_as_code(path, arguments).is_some() {
        true => &arguments[..1],
        false => arguments,
    }
}

/// What is told to a command, and of what is run the words that are run.
fn command(arguments: &[Argument<'_>]) -> Taint {
    const RUN: Taint = Taint::DECODED.with(Taint::REMOTE).with(Taint::DOWNLOADED);
    let told = without(arguments.iter(), &STARTING);
    let Some(words) = words(arguments) else { return told };
    let run = run_among(&words);
    // What other files hold may be code: it counts where it is run, and where an address makes it something told.
    let concrete = if told.any(Taint::ADDRESS) { told } else { told.concrete() };
    concrete.without(RUN) | run
}

/// What an interpreter that is given no script reads from its standard input: `run(["python", "-"], input=text)`.
fn read_as_code(arguments: &[Argument<'_>]) -> Taint {
    let option = |argument: &Argument<'_>| match &argument.name {
        Some(name) => (&**name == "input").then(|| argument.value.whole_taint()),
        None => argument.value.field("input").map(Value::whole_taint),
    };
    let Some(input) = arguments.iter().find_map(option).filter(|taint| !taint.is_empty()) else { return Taint::NONE };
    let first = || arguments.iter().find(|argument| argument.name.is_none()).map(|argument| vec![&argument.value]);
    let Some(words) = words(arguments).or_else(first) else { return Taint::NONE };
    let alone = words.iter().skip(1).all(|word| matches!(word.as_text(), Some("-" | "-s" | "-i" | "-u")));
    let name = match (words[0].as_text(), words[0].path.as_deref()) {
        (Some(text), _) => name_of(text),
        (None, Some("sys.executable")) => "python".to_owned(),
        (None, Some("process.execPath" | "process.argv0")) => "node".to_owned(),
        _ => return Taint::NONE,
    };
    let reads =
        name.starts_with("python") || matches!(&*name, "node" | "sh" | "bash" | "zsh" | "dash" | "perl" | "ruby");
    if alone && reads { input } else { Taint::NONE }
}

/// The words of a command that is given as a list: `["tar", "xf", file]`, `spawn("tar", ["xf", file])`.
fn words<'v, 'a>(arguments: &'v [Argument<'a>]) -> Option<Vec<&'v Value<'a>>> {
    let plain = |index: usize| arguments.iter().filter(|a| a.name.is_none()).nth(index).map(|a| &a.value);
    let named = || arguments.iter().find(|a| a.name.as_deref() == Some("args")).map(|a| &a.value);
    let first = plain(0).or_else(named)?;
    if !first.items().is_empty() {
        return Some(first.items().iter().collect());
    }
    let rest = plain(1)?;
    (!rest.items().is_empty()).then(|| std::iter::once(first).chain(rest.items()).collect())
}

/// True for a word of a command that names a file which was downloaded, where that file is started.
pub(super) fn starts<'a>(arguments: &[Argument<'a>], is_downloaded: impl Fn(&Value<'a>) -> Taint) -> Option<Taint> {
    let words = words(arguments)?;
    Some(counted(&words, |value| is_downloaded(value)))
}

/// What the words are made of that are run.
fn run_among(words: &[&Value<'_>]) -> Taint {
    counted(words, |value| value.whole_taint())
}

/// Programs that install packages by their names.
const INSTALLS_BY_NAME: [&str; 9] = ["bun", "conda", "gem", "npm", "pip", "pip3", "pnpm", "uv", "yarn"];

/// What counts of the words of a command: of a program that runs what it is given everything, or what stands for code; of
/// any other only the program itself.
fn counted<'v, 'a: 'v>(words: &[&'v Value<'a>], of: impl Fn(&Value<'a>) -> Taint) -> Taint {
    let Some((program, rest)) = words.split_first() else { return Taint::NONE };
    let all = || rest.iter().fold(of(program), |all, word| all | of(word));
    let name = match (program.as_text(), program.path.as_deref()) {
        (Some(text), _) => name_of(text),
        (None, Some("sys.executable")) => "python".to_owned(),
        (None, Some("process.execPath" | "process.argv0")) => "node".to_owned(),
        (None, _) => return all(),
    };
    if name.starts_with("python") || matches!(&*name, "py" | "pythonw" | "node" | "nodejs" | "deno" | "bun") {
        return interpreted(program, rest, of);
    }
    match &*name {
        // What they fetch is not run; where they are sent may be hidden.
        "curl" | "wget" => of(program) | all().without(Taint::REMOTE | Taint::DOWNLOADED),
        name if ARGUMENTS_ARE_DATA.contains(&name) => of(program),
        name if RUNS_ARGUMENTS.contains(&name) => all(),
        // What is installed by the name that an answer or a file of answers gives is what the index answers for it.
        name if INSTALLS_BY_NAME.contains(&name) => {
            let file = |word: &&&Value<'a>| word.as_text().is_some() || word.origin.as_deref().is_some_and(names_file);
            let files = rest.iter().filter(file).fold(Taint::NONE, |all, word| all | of(word));
            of(program) | files.without(Taint::REMOTE)
        }
        // What an answer says is data to any other program; a file that was fetched may be more.
        _ => of(program) | all().without(Taint::REMOTE),
    }
}

/// The words that an interpreter runs: the script, and what follows a flag that says code follows.
fn interpreted<'v, 'a: 'v>(program: &Value<'a>, rest: &[&'v Value<'a>], of: impl Fn(&Value<'a>) -> Taint) -> Taint {
    let mut run = of(program);
    let (mut script, mut code) = (false, false);
    let pip = rest.windows(2).any(|pair| pair[0].as_text() == Some("-m") && pair[1].as_text() == Some("pip"));
    for word in rest {
        // An installer runs what it installs.
        if pip {
            run |= of(word).and(Taint::DOWNLOADED | Taint::ADDRESS);
        }
        let flag = word.as_text().filter(|text| text.starts_with('-'));
        if !script || code {
            run |= of(word);
        }
        code =
            flag.is_some_and(|flag| matches!(flag, "-e" | "-p" | "-pe" | "--eval" | "-c" | "-m" | "-r" | "--require"));
        script |= flag.is_none() && word.as_text().is_none_or(|text| text != "run");
    }
    run
}

/// The name of a program, whatever the folder.
fn name_of(program: &str) -> String {
    let name = program.trim().rsplit(['/', '\\']).next().unwrap_or(program).to_ascii_lowercase();
    name.strip_suffix(".exe").map_or(name.clone(), str::to_owned)
}

/// Programs that look at their arguments, move or unpack them, and do not run them.
const ARGUMENTS_ARE_DATA: [&str; 34] = [
    "7z",
    "attrib",
    "chmod",
    "chown",
    "codesign",
    "cp",
    "du",
    "file",
    "getconf",
    "git",
    "gpg",
    "gunzip",
    "gzip",
    "icacls",
    "ldd",
    "lipo",
    "ls",
    "md5sum",
    "mkdir",
    "mv",
    "net",
    "otool",
    "rm",
    "rsync",
    "sha256sum",
    "shasum",
    "stat",
    "strip",
    "tar",
    "unzip",
    "which",
    "xattr",
    "xz",
    "zip",
];

/// Programs that run what they are given, or what a name among it stands for.
const RUNS_ARGUMENTS: [&str; 42] = [
    "ash",
    "awk",
    "bash",
    "bunx",
    "busybox",
    "cmd",
    "cscript",
    "dash",
    "docker",
    "dotnet",
    "env",
    "explorer",
    "fish",
    "go",
    "java",
    "kubectl",
    "ksh",
    "lua",
    "make",
    "mshta",
    "msiexec",
    "nohup",
    "npx",
    "open",
    "osascript",
    "perl",
    "php",
    "powershell",
    "pwsh",
    "regsvr32",
    "ruby",
    "rundll32",
    "setsid",
    "sh",
    "ssh",
    "start",
    "sudo",
    "timeout",
    "wine",
    "wscript",
    "xargs",
    "zsh",
];

/// What a request tells, where it goes, and whether it only asks.
fn request(path: &str, arguments: &[Argument<'_>]) -> Matter {
    let Some(first) = arguments.iter().find(|argument| argument.name.is_none()) else {
        return Matter { all: without(arguments.iter(), &CONNECTING), ..Matter::default() };
    };
    if stays_here(&first.value) {
        return Matter::default();
    }
    let others = arguments.iter().filter(|argument| !std::ptr::eq(*argument, first));
    let told = without(others, &CONNECTING).without(Taint::FORGE);
    let place = fields_without(&first.value, &CONNECTING);
    // Where to connect is all that is said.
    if matches!(path.rsplit('.').next(), Some("connect" | "connect_ex")) {
        return Matter { all: told | place, place: place.without(told), effects: Effects::NONE };
    }
    let open = first.value.as_prefix().is_none_or(str::is_empty) && first.value.items().is_empty();
    let is_place = open && !matches!(first.value.constant, Constant::Record(_)) && takes_address(path);
    let mut effects = if asks(path, arguments, first) { Effects::ASKS } else { Effects::NONE };
    let word = |path: &str| path.starts_with("process.argv") || path.starts_with("sys.argv");
    if first.value.path.as_deref().is_some_and(word) {
        effects |= Effects::LED;
    }
    Matter { all: told | place, place: if is_place { place.without(told) } else { Taint::NONE }, effects }
}

/// Calls whose first argument is the address and nothing else.
fn takes_address(path: &str) -> bool {
    let name = path.rsplit('.').next().unwrap_or(path);
    matches!(
        name,
        "fetch" | "get" | "post" | "put" | "patch" | "head" | "delete" | "urlopen" | "urlretrieve" | "Request" | "got"
    )
}

/// True for a request that says nothing beside its address and its headers.
fn asks(path: &str, arguments: &[Argument<'_>], address: &Argument<'_>) -> bool {
    let name = path.rsplit('.').next().unwrap_or(path);
    let may = |option: &str| ASKING.contains(&option) || CONNECTING.contains(&option);
    let reads = |value: &Value<'_>| matches!(value.as_text(), Some("GET" | "HEAD" | "get" | "head"));
    matches!(name, "fetch" | "get" | "head" | "urlopen" | "Request" | "request")
        && arguments.iter().filter(|argument| !std::ptr::eq(*argument, address)).all(|argument| {
            match (&argument.name, &argument.value.constant) {
                (Some(name), _) if &**name == "method" => reads(&argument.value),
                (Some(name), _) => may(name),
                (None, Constant::Record(fields)) => {
                    fields.iter().all(|(name, value)| may(name) && (&**name != "method" || reads(value)))
                }
                (None, _) => argument.value.function.is_some(),
            }
        })
}

/// True for an address on the machine itself.
fn stays_here(address: &Value<'_>) -> bool {
    let host = ["host", "hostname"].iter().find_map(|name| address.field(name)).and_then(Value::as_text);
    let whole = host.is_some() || address.as_text().is_some();
    let Some(text) = host.or_else(|| address.as_prefix()) else { return false };
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = ["localhost", "127.0.0.1", "[::1]", "::1"].iter().find_map(|here| rest.strip_prefix(here));
    // What follows is a path, or a port: not the rest of another name, and no password before one.
    rest.is_some_and(|rest| match rest.strip_prefix(':') {
        Some(port) => !port.contains('@') && port.bytes().next().is_none_or(|byte| byte.is_ascii_digit()),
        None => rest.starts_with('/') || rest.is_empty() && whole,
    })
}

/// True where the address that a request goes to is named by somebody else: nothing at all is known of it.
pub(super) fn goes_where_told(arguments: &[Argument<'_>], receiver: Taint) -> bool {
    let address = |value: &Value<'_>| value.as_prefix().is_some_and(|text| text.contains(['.', '/']));
    receiver.concrete().is_empty()
        && arguments.iter().any(|argument| argument.name.is_none() && argument.value.is_unknown())
        && !arguments.iter().any(|argument| {
            let value = &argument.value;
            address(value)
                || value.items().iter().any(address)
                || ["url", "host", "hostname", "path"].iter().filter_map(|name| value.field(name)).any(address)
                || !value.whole_taint().concrete().is_empty()
        })
}
