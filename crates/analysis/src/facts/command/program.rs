//! What single programs do with their arguments, and what pipes and downloads make of several.

use super::split::{Command, MAX_DEPTH, split};
use super::{code, tells};
use crate::facts::bits::{Deeds, Signs, Taint};
use crate::facts::mention;

/// The program that a command starts, in lower case without folder and `.exe`, and the index of its word.
pub(crate) fn program_of(command: &Command) -> Option<(String, usize)> {
    let mut words = command.words.iter().enumerate().peekable();
    let mut wrapped = false;
    while let Some((index, word)) = words.next() {
        let assignment = word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        let flag = wrapped && (word.starts_with('-') || (word.starts_with('/') && word.len() == 2) || word.is_empty());
        if assignment || flag || matches!(word.as_str(), "{" | "}" | "!") {
            continue;
        }
        let name = name_of(word);
        if WRAPPERS.contains(&name.as_str()) && words.peek().is_some() {
            wrapped = true;
            continue;
        }
        return Some((name, index));
    }
    None
}

/// Programs and words that start what follows them.
const WRAPPERS: [&str; 24] = [
    "sudo", "doas", "env", "nohup", "time", "command", "builtin", "then", "do", "else", "if", "while", "until",
    "start", "call", "setsid", "stdbuf", "nice", "timeout", "xargs", "busybox", "exec", "elif", "sleep",
];

fn name_of(word: &str) -> String {
    let name = word.trim_start_matches('@').rsplit(['/', '\\']).next().unwrap_or(word).to_ascii_lowercase();
    name.strip_suffix(".exe").map(str::to_owned).unwrap_or(name)
}

/// Judges commands in order; `found` gets what each does, and its place.
pub(super) fn judge_commands(commands: &[Command], depth: u32, found: &mut impl FnMut(Deeds, usize, usize)) {
    let mut judge = Judge { fetched: Vec::new(), told: Vec::new(), fifo: false, depth };
    judge.list(commands, &mut |deeds, command| {
        if !deeds.is_empty() {
            found(deeds, command.start, command.end);
        }
    });
}

/// Judges the commands of one call among others; `fetched` are the files that earlier ones downloaded.
pub(super) fn judge_with(commands: &[Command], fetched: &mut Vec<String>, found: &mut impl FnMut(Deeds)) {
    let mut judge = Judge { fetched: std::mem::take(fetched), told: Vec::new(), fifo: false, depth: 0 };
    judge.list(commands, &mut |deeds, _| found(deeds));
    *fetched = judge.fetched;
}

/// Files that are remembered as downloaded.
const MAX_FETCHED: usize = 64;

struct Judge {
    /// Names of files that were downloaded.
    fetched: Vec<String>,
    /// Names of variables that hold what a command told of the machine.
    told: Vec<String>,
    /// Whether a named pipe was made, through which a shell may answer a connection.
    fifo: bool,
    depth: u32,
}

/// What flows through a pipe.
#[derive(Clone, Copy, Default)]
struct Stream {
    remote: bool,
    decoded: bool,
    data: bool,
}

/// A command whose program is known.
struct Run<'c> {
    name: &'c str,
    arguments: &'c [String],
    command: &'c Command,
    stream: Stream,
    inside: Deeds,
}

impl Run<'_> {
    fn has(&self, words: &[&str]) -> bool {
        self.arguments.iter().any(|argument| words.iter().any(|word| argument.eq_ignore_ascii_case(word)))
    }

    fn any(&self, parts: &[&str]) -> bool {
        self.arguments.iter().any(|argument| {
            let argument = argument.to_ascii_lowercase();
            parts.iter().any(|part| argument.contains(part))
        })
    }

    fn after(&self, flags: &[&str]) -> Option<&String> {
        let at = self.arguments.iter().position(|argument| flags.iter().any(|f| argument.eq_ignore_ascii_case(f)))?;
        self.arguments.get(at + 1)
    }

    /// The arguments that are no flags.
    fn plain(&self) -> impl Iterator<Item = &String> {
        self.arguments.iter().filter(|argument| !argument.starts_with('-'))
    }

    fn rest(&self, from: usize) -> String {
        self.arguments.get(from..).unwrap_or_default().join(" ")
    }
}

impl Judge {
    fn list(&mut self, commands: &[Command], found: &mut dyn FnMut(Deeds, &Command)) -> Deeds {
        let (mut stream, mut all) = (Stream::default(), Deeds::NONE);
        for command in commands {
            if !command.piped {
                stream = Stream::default();
            }
            let inside = self.list(&command.substitutions, found);
            self.assigned(command);
            let Some((name, index)) = program_of(command) else { continue };
            let arguments = &command.words[index + 1..];
            let run = Run { name: &name, arguments, command, stream, inside };
            let deeds = self.judge(&run);
            found(deeds, command);
            all |= deeds | inside;
            stream.remote |= deeds.any(Deeds::FETCHES);
            stream.decoded |= is_decoder(&run);
            stream.data |= tells_data(&run);
        }
        all
    }

    /// Remembers the variables that a command sets to what another tells of the machine: `E=$(env | base64)`.
    fn assigned(&mut self, command: &Command) {
        if command.substitutions.is_empty() && !command.words.iter().any(|word| word.contains('`')) {
            return;
        }
        for word in &command.words {
            let Some((name, value)) = word.split_once('=') else { continue };
            let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if named && self.told.len() < MAX_FETCHED && (tells_machine(value) || self.holds(value)) {
                self.told.push(name.to_owned());
            }
        }
    }

    /// True for a text into which the shell puts such a variable.
    fn holds(&self, text: &str) -> bool {
        self.told.iter().any(|name| {
            text.match_indices(name.as_str()).any(|(at, _)| {
                let before = &text[..at];
                let after = text[at + name.len()..].bytes().next();
                let ends = after.is_none_or(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_'));
                (before.ends_with('$') || before.ends_with("${")) && ends
            })
        })
    }

    fn judge(&mut self, run: &Run<'_>) -> Deeds {
        let name = run.name;
        let mut deeds = Deeds::NONE;
        if is_interpreter(name) {
            deeds |= self.interpreter(run);
        } else if is_fetcher(name) {
            deeds |= self.fetcher(run);
        } else if matches!(name, "nc" | "ncat" | "netcat" | "socat" | "telnet")
            || (name == "openssl" && run.has(&["s_client"]))
        {
            deeds |= connector(run);
            if self.fifo && (run.command.piped || run.command.writes.is_some()) {
                deeds |= Deeds::REMOTE_SHELL;
            }
        } else if matches!(name, "mkfifo" | "mknod") {
            self.fifo = true;
        } else if matches!(name, "nslookup" | "dig" | "host" | "ping" | "resolve-dnsname") {
            deeds |= Deeds::FETCHES;
            if run.any(&["$(", "`", "%username%", "%computername%", "$env:", "$user", "$hostname"])
                || run.arguments.iter().any(|word| self.holds(word))
            {
                deeds |= Deeds::SENDS_NAME;
            }
        }
        deeds |= installer(run) | destroyer(run) | starter(run) | disarmer(run) | specialist(run);
        let basename = run.command.words.iter().map(|word| name_of(word));
        if !self.fetched.is_empty()
            && (!is_fetcher(name) || is_host(name))
            && !matches!(name, "chmod" | "rm" | "del" | "tar" | "unzip" | "echo" | "mv" | "sha256sum" | "attrib")
            && basename.take(4).any(|word| self.fetched.contains(&word))
        {
            let started = self.fetched.iter().any(|file| file == name) || is_interpreter(name) || is_host(name);
            let opened = run.command.words.iter().any(|word| word.eq_ignore_ascii_case("start")) || name == "open";
            if started || opened {
                deeds |= Deeds::RUNS_DOWNLOAD;
            }
        }
        deeds
    }

    /// Shells and scripting languages.
    fn interpreter(&mut self, run: &Run<'_>) -> Deeds {
        let mut deeds = Deeds::NONE;
        if run.stream.remote && takes_input(run) {
            deeds |= Deeds::RUNS_DOWNLOAD;
        }
        if run.stream.decoded && takes_input(run) {
            deeds |= Deeds::ENCODED;
        }
        if run.inside.any(Deeds::FETCHES) && is_shell(run.name) {
            deeds |= Deeds::RUNS_DOWNLOAD;
        }
        match run.name {
            "powershell" | "pwsh" => deeds | self.powershell(run),
            "cmd" => {
                let from =
                    run.arguments.iter().position(|word| matches!(word.to_ascii_lowercase().as_str(), "/c" | "/k"));
                deeds | from.map_or(Deeds::NONE, |from| self.nested(&run.rest(from + 1)))
            }
            "eval" => deeds | self.nested(&run.rest(0)),
            name if is_shell(name) => {
                let flag = |word: &String| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c');
                let script = run.arguments.iter().position(flag).and_then(|at| run.arguments.get(at + 1));
                deeds | script.map_or(Deeds::NONE, |script| self.nested(script))
            }
            _ => {
                let script = run.after(&["-c", "-e", "-r", "-p", "--eval", "eval"]).map(String::as_str);
                // Ruby and Perl take the code in the same word: `ruby -e'...'`.
                let joined =
                    || run.arguments.iter().find_map(|word| word.strip_prefix("-e").filter(|code| code.len() > 8));
                deeds | script.or_else(joined).map_or(Deeds::NONE, code::judge)
            }
        }
    }

    fn powershell(&mut self, run: &Run<'_>) -> Deeds {
        let mut deeds = Deeds::NONE;
        for (index, argument) in run.arguments.iter().enumerate() {
            let flag = argument.to_ascii_lowercase();
            let Some(flag) = flag.strip_prefix(['-', '/']) else { continue };
            let next = run.arguments.get(index + 1);
            // Every beginning of a flag's name is that flag.
            if matches!(flag, "e" | "ec") || (flag.len() >= 2 && "encodedcommand".starts_with(flag)) {
                deeds |= Deeds::ENCODED;
                if let Some(script) = next.and_then(|text| utf16_base64(text)) {
                    deeds |= self.nested(&script);
                }
                return deeds;
            }
            if !flag.is_empty()
                && "windowstyle".starts_with(flag)
                && next.is_some_and(|n| n.to_ascii_lowercase().starts_with('h'))
            {
                deeds |= Deeds::HIDDEN;
            }
            if matches!(flag, "c") || (flag.len() >= 3 && "command".starts_with(flag)) {
                return deeds | self.nested(&run.rest(index + 1));
            }
        }
        deeds | self.nested(&run.rest(0))
    }

    fn nested(&mut self, script: &str) -> Deeds {
        if self.depth >= MAX_DEPTH {
            return Deeds::NONE;
        }
        self.depth += 1;
        let mut all = tells::of_text(script);
        all |= self.list(&split(script), &mut |_, _| {});
        self.depth -= 1;
        all
    }

    /// Programs that talk to a URL.
    fn fetcher(&mut self, run: &Run<'_>) -> Deeds {
        let mut deeds = Deeds::FETCHES;
        let output = run.after(&["-o", "--output", "-outfile", "--output-document", "-d", "-destination"]);
        // `curl -so file`: short flags stand together, and the last one takes the value.
        let cluster = || {
            let at = run.arguments.iter().position(|flag| {
                let clustered = flag.len() > 2 && flag.starts_with('-') && !flag.starts_with("--");
                clustered && flag.ends_with(if run.name == "wget" { 'O' } else { 'o' })
            })?;
            run.arguments.get(at + 1)
        };
        let output = output.or_else(cluster).cloned().or_else(|| run.command.writes.clone());
        let named = match run.name {
            "certutil" | "bitsadmin" => run.arguments.last().cloned(),
            "wget" if output.is_none() => run.plain().find_map(|url| url.rsplit('/').next().map(str::to_owned)),
            "curl" if run.arguments.iter().any(|flag| is_short(flag, 'O') || flag == "--remote-name") => {
                run.plain().find(|word| word.contains("://")).and_then(|url| url.rsplit('/').next().map(str::to_owned))
            }
            _ => output,
        };
        if let Some(file) = named.filter(|file| !file.is_empty() && file != "-" && self.fetched.len() < MAX_FETCHED) {
            self.fetched.push(name_of(&file));
        }
        match run.name {
            "certutil" if !run.any(&["http"]) => return Deeds::NONE,
            "mshta" | "regsvr32" | "rundll32" | "msiexec" | "wscript" | "cscript" => {
                return if run.any(&["http://", "https://"]) {
                    Deeds::RUNS_DOWNLOAD | Deeds::FETCHES
                } else {
                    Deeds::NONE
                };
            }
            _ => {}
        }
        // A download tells what it wants; who uploads hands something over.
        let body =
            ["-d", "--data", "--data-binary", "--data-raw", "--data-urlencode", "-F", "--form", "-T", "--upload-file"];
        let flags = ["--post-data", "--post-file", "--body-data", "--body-file", "-body", "-infile"];
        let sends = run.arguments.iter().enumerate().any(|(index, argument)| {
            let (flag, joined) = argument.split_once('=').unwrap_or((argument, ""));
            let value =
                if joined.is_empty() { run.arguments.get(index + 1).map_or("", String::as_str) } else { joined };
            let upload = body.contains(&flag) || flags.iter().any(|known| flag.eq_ignore_ascii_case(known));
            let file = matches!(flag, "-T" | "--upload-file" | "--post-file" | "--body-file") || value.contains('@');
            upload
                && (tells_machine(value)
                    || self.holds(value)
                    || (file && (run.stream.data || names_secret(value) || value.contains("/etc/"))))
        });
        let in_address = run.plain().any(|word| word.contains("://") && (tells_machine(word) || self.holds(word)));
        if sends || in_address || (run.stream.data && run.any(&["@-", "@/dev/stdin"])) {
            deeds |= Deeds::SENDS;
        }
        deeds
    }
}

fn is_short(flag: &str, letter: char) -> bool {
    flag.starts_with('-') && !flag.starts_with("--") && flag.contains(letter)
}

fn is_shell(name: &str) -> bool {
    matches!(
        name,
        "sh" | "bash"
            | "zsh"
            | "dash"
            | "ksh"
            | "ash"
            | "fish"
            | "powershell"
            | "pwsh"
            | "source"
            | "."
            | "eval"
            | "iex"
    )
}

/// Programs of Windows that run the library or script they are given.
fn is_host(name: &str) -> bool {
    matches!(name, "regsvr32" | "rundll32" | "mshta" | "msiexec" | "wscript" | "cscript" | "installutil")
}

fn is_interpreter(name: &str) -> bool {
    is_shell(name)
        || matches!(name, "cmd" | "node" | "bun" | "deno" | "perl" | "ruby" | "php" | "osascript" | "py" | "pythonw")
        || name.strip_prefix("python").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

fn is_fetcher(name: &str) -> bool {
    matches!(
        name,
        "curl"
            | "wget"
            | "aria2c"
            | "fetch"
            | "http"
            | "https"
            | "certutil"
            | "bitsadmin"
            | "mshta"
            | "regsvr32"
            | "invoke-webrequest"
            | "iwr"
            | "irm"
            | "invoke-restmethod"
            | "start-bitstransfer"
            | "lynx"
            | "msiexec"
    )
}

/// True for an interpreter that runs what comes through the pipe: it names no script of its own.
fn takes_input(run: &Run<'_>) -> bool {
    run.arguments.iter().all(|word| word.starts_with('-') || word.starts_with('$') || word.starts_with('<'))
        || run.has(&["-s", "-", "/dev/stdin"])
}

fn is_decoder(run: &Run<'_>) -> bool {
    match run.name {
        "base64" | "base32" => run.has(&["-d", "--decode", "-D", "-di"]),
        "xxd" => run.has(&["-r"]) || run.any(&["-r"]),
        "openssl" => run.has(&["-d"]),
        "gunzip" | "gzip" | "zcat" => run.stream.decoded,
        _ => false,
    }
}

/// True for commands whose output is about the machine or its user.
fn tells_data(run: &Run<'_>) -> bool {
    match run.name {
        "env" | "printenv" | "set" | "whoami" | "id" | "hostname" | "uname" | "ifconfig" | "ipconfig"
        | "systeminfo" | "history" | "ps" => true,
        "cat" | "type" | "tar" | "zip" | "base64" | "xxd" | "gzip" => {
            run.stream.data
                || run.arguments.iter().any(|word| names_secret(word) || word.contains("/etc/") || word == "~")
        }
        _ => run.stream.data,
    }
}

fn names_secret(word: &str) -> bool {
    mention::find_all(word).any(|pattern| pattern.taint.any(Taint::CREDENTIAL_PATH)) || word.contains("/.env")
}

/// True for a text into which a shell puts what it knows of the machine, or what a secret file holds.
fn tells_machine(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let computed = lower.contains("$(") || lower.contains('`');
    let machine = [
        "whoami", "hostname", "uname", "printenv", "(env", "`env", "(id", "`id", "ifconfig", "ip addr", "pwd", "cat ",
        "base64", "ls ",
    ];
    let variables = [
        "$user",
        "${user",
        "$hostname",
        "${hostname",
        "$home",
        "%username%",
        "%computername%",
        "%userdomain%",
        "$env:username",
        "$env:computername",
        "$pwd",
    ];
    (computed && machine.iter().any(|word| lower.contains(word)))
        || variables.iter().any(|word| lower.contains(word))
        || secret_variable(text)
}

/// True when a variable whose name speaks of a secret is put into a text.
fn secret_variable(text: &str) -> bool {
    text.split('$').skip(1).any(|rest| {
        let name = rest.trim_start_matches('{');
        let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(name.len());
        crate::facts::is_secret_name(&name[..end])
    })
}

/// `nc`, `socat` and the like.
fn connector(run: &Run<'_>) -> Deeds {
    let mut deeds = Deeds::FETCHES;
    let runs = run.any(&["/bin/sh", "/bin/bash", "cmd.exe", "powershell", "exec:", "system:"])
        || run.has(&["sh", "bash", "cmd", "zsh"]);
    let executes = run
        .arguments
        .iter()
        .any(|flag| is_short(flag, 'e') || is_short(flag, 'c') || flag == "--exec" || flag == "--sh-exec");
    if runs && (executes || run.name == "socat") {
        deeds |= Deeds::REMOTE_SHELL;
    }
    if run.stream.data || run.arguments.iter().any(|word| names_secret(word)) {
        deeds |= Deeds::SENDS;
    }
    deeds
}

/// Package managers.
fn installer(run: &Run<'_>) -> Deeds {
    let module = run.after(&["-m"]).map(String::as_str);
    let first = run.plain().next().map(String::as_str).unwrap_or_default();
    let pip = run.name.starts_with("pip") || module == Some("pip");
    let node = matches!(run.name, "npm" | "yarn" | "pnpm" | "bun" | "cnpm");
    let mut deeds = Deeds::NONE;
    let installs = (pip && run.has(&["install"]))
        || (node && matches!(first, "i" | "install" | "add") && run.plain().nth(1).is_some())
        || matches!(run.name, "npx" | "bunx")
        || (matches!(run.name, "gem" | "cargo" | "brew" | "apt" | "apt-get" | "yum" | "uv" | "choco")
            && run.has(&["install"]));
    if installs {
        deeds |= Deeds::INSTALLS;
        let index = run.after(&["-i", "--index-url", "--extra-index-url", "--registry", "-f", "--find-links"]);
        let index = index.map(String::as_str).or_else(|| {
            let option =
                run.arguments.iter().find(|word| word.starts_with("--index-url=") || word.starts_with("--registry="));
            option.and_then(|word| word.split_once('=')).map(|(_, value)| value)
        });
        let known = [
            "pypi.org",
            "registry.npmjs.org",
            "registry.yarnpkg.com",
            "download.pytorch.org",
            "test.pypi.org",
            "pypi.nvidia.com",
        ];
        let other = index.is_some_and(|index| index.contains("://") && !known.iter().any(|host| index.contains(host)));
        let address = run
            .plain()
            .any(|word| word.starts_with("http://") || word.starts_with("https://") || word.starts_with("git+"));
        if other || (address && index.is_none()) {
            deeds |= Deeds::INSTALLS_ELSEWHERE;
        }
    }
    let publishes = (node && first == "publish")
        || (matches!(run.name, "twine") && first == "upload")
        || (module == Some("twine"))
        || (matches!(run.name, "poetry" | "cargo" | "uv" | "flit" | "hatch") && first == "publish");
    if publishes && !run.has(&["--dry-run"]) {
        deeds |= Deeds::PUBLISHES;
    }
    deeds
}

/// Programs that delete or overwrite.
fn destroyer(run: &Run<'_>) -> Deeds {
    let forced = run.arguments.iter().any(|flag| is_short(flag, 'r') || is_short(flag, 'R') || flag == "--recursive");
    let everything = |word: &String| {
        let word = word.trim_matches('"').trim_end_matches(['*', '/', '\\', '.']).to_ascii_lowercase();
        matches!(
            word.as_str(),
            "" | "~"
                | "$home"
                | "${home}"
                | "/home"
                | "/root"
                | "/users"
                | "/etc"
                | "/usr"
                | "/var"
                | "/boot"
                | "c:"
                | "c:\\users"
                | "c:\\windows"
                | "%userprofile%"
                | "%systemdrive%"
                | "%systemroot%"
                | "$env:userprofile"
                | "$env:systemdrive"
        )
    };
    let rooted = |word: &String| word.starts_with(['/', '~', '$', '%', 'c', 'C', '"']) && everything(word);
    let destroys = match run.name {
        "rm" => forced && run.plain().any(rooted),
        "shred" => run.plain().any(rooted) || (run.stream.data && run.has(&["-u"])),
        "find" => {
            run.plain().next().is_some_and(rooted)
                && (run.has(&["-delete", "shred"]) || (run.has(&["-exec"]) && run.has(&["rm"])))
        }
        "del" | "erase" => run.any(&["/s"]) && run.arguments.iter().any(rooted),
        "rd" | "rmdir" => run.any(&["/s"]) && run.arguments.iter().any(rooted),
        "remove-item" | "ri" => run.any(&["-recurse"]) && run.arguments.iter().any(rooted),
        "format" => run.arguments.first().is_some_and(|drive| drive.len() == 2 && drive.ends_with(':')),
        "dd" => run.any(&["of=/dev/sd", "of=/dev/nvme", "of=/dev/hd", "of=/dev/disk"]),
        "cipher" => run.any(&["/w:"]),
        name => name.starts_with("mkfs") && run.any(&["/dev/"]),
    };
    if destroys { Deeds::DESTROYS } else { Deeds::NONE }
}

/// Programs and files that start other programs later.
fn starter(run: &Run<'_>) -> Deeds {
    let writes = run.command.writes.as_deref();
    let autostart = |text: &str| mention::find_all(text).any(|pattern| pattern.taint.any(Taint::PERSISTENCE_PATH));
    let persists = match run.name {
        "crontab" => run.command.piped || run.has(&["-"]) || run.plain().next().is_some_and(|word| word != "<"),
        "schtasks" => run.any(&["/create"]),
        "reg" => run.has(&["add"]) && run.any(&["currentversion\\run", "winlogon"]),
        "systemctl" => run.has(&["enable"]),
        "launchctl" => run.has(&["load", "bootstrap"]),
        "sc" => run.has(&["create"]),
        "tee" | "copy" | "cp" | "xcopy" | "move" | "mv" => run.arguments.last().is_some_and(|word| autostart(word)),
        "git" => run.any(&["core.hookspath"]) && run.has(&["--global", "--system"]),
        _ => false,
    };
    let keys =
        writes.is_some_and(|file| autostart(file) || file.contains("authorized_keys") || file.contains("/etc/sudoers"));
    if persists || keys { Deeds::PERSISTS } else { Deeds::NONE }
}

/// Programs that turn protection off.
fn disarmer(run: &Run<'_>) -> Deeds {
    let guard = ["defender", "msmpeng", "windefend", "mssense", "wuauserv", "sense", "securityhealth"];
    let disarms = match run.name {
        "netsh" => run.has(&["firewall", "advfirewall"]) && run.has(&["off", "disable"]),
        "sc" | "net" | "net1" => run.has(&["stop", "delete", "config"]) && run.any(&guard[..4]),
        "taskkill" | "pkill" | "killall" => run.any(&["msmpeng", "defender", "littlesnitch", "crowdstrike", "falcond"]),
        "reg" => run.has(&["add"]) && run.any(&["windows defender", "disableantispyware", "enablelua"]),
        "iptables" | "ip6tables" => run.has(&["-F", "--flush"]),
        "ufw" => run.has(&["disable"]),
        "setenforce" => run.has(&["0"]),
        "spctl" => run.has(&["--master-disable", "--global-disable"]),
        "csrutil" => run.has(&["disable"]),
        "wevtutil" => run.has(&["cl", "clear-log"]),
        "xattr" => run.any(&["com.apple.quarantine"]) && run.any(&["-d"]) && run.stream.remote,
        _ => false,
    };
    if disarms { Deeds::DISARMS } else { Deeds::NONE }
}

/// Scanners for secrets, coding agents, miners and the tools of code hosts.
fn specialist(run: &Run<'_>) -> Deeds {
    let agent = matches!(
        run.name,
        "claude" | "gemini" | "q" | "codex" | "cursor-agent" | "copilot" | "aider" | "amp" | "opencode" | "qwen"
    ) || run.any(&["@anthropic-ai/claude-code", "@google/gemini-cli", "@openai/codex"]);
    let free = run.any(&[
        "--dangerously-skip-permissions",
        "--yolo",
        "--trust-all-tools",
        "--dangerously-bypass",
        "--allow-all-tools",
        "--permission-mode=bypasspermissions",
        "bypasspermissions",
    ]) || (run.name == "gemini" && run.has(&["-y"]));
    let mut deeds = Deeds::NONE;
    if agent && free {
        deeds |= Deeds::UNLEASHES_AGENT;
    }
    let mines = matches!(
        run.name,
        "xmrig"
            | "minerd"
            | "cpuminer"
            | "ethminer"
            | "nbminer"
            | "t-rex"
            | "lolminer"
            | "phoenixminer"
            | "xmr-stak"
            | "ccminer"
    );
    let named = run
        .command
        .words
        .iter()
        .take(4)
        .any(|word| mention::find_all(word).any(|pattern| pattern.signs.any(Signs::MINER)));
    if mines
        || (named && !is_fetcher(run.name) && !matches!(run.name, "rm" | "kill" | "pkill" | "killall" | "grep" | "ps"))
    {
        deeds |= Deeds::MINES;
    }
    let scanner = |word: &str| matches!(name_of(word).as_str(), "trufflehog" | "gitleaks");
    if scanner(run.name)
        || (matches!(run.name, "docker" | "npx" | "go") && run.arguments.iter().any(|word| scanner(word)))
    {
        deeds |= Deeds::SCANS_SECRETS;
    }
    let makes = (run.name == "gh" && run.has(&["repo"]) && run.has(&["create"]))
        || (is_fetcher(run.name) && run.any(&["api.github.com/user/repos"]));
    if makes {
        deeds |= Deeds::MAKES_REPOSITORY;
    }
    deeds
}

/// What `powershell -EncodedCommand` runs: UTF-16 in base64.
fn utf16_base64(text: &str) -> Option<String> {
    let bytes = data_encoding::BASE64.decode(text.trim().as_bytes()).ok()?;
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let text: String = char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')).collect();
    (!text.is_empty()).then_some(text)
}
