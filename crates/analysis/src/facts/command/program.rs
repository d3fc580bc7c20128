//! What single programs do with their arguments, and what pipes and downloads make of several.

use super::kinds::{
    connector, destroyer, disarmer, installer, is_decoder, names_secret, specialist, starter, takes_input, tells_data,
    tells_machine, utf16_base64,
};
use super::split::{Command, MAX_DEPTH, split};
use super::{code, tells};
use crate::facts::bits::Deeds;

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

pub(super) fn name_of(word: &str) -> String {
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
pub(super) struct Stream {
    pub remote: bool,
    pub decoded: bool,
    pub data: bool,
}

/// A command whose program is known.
pub(super) struct Run<'c> {
    pub name: &'c str,
    pub arguments: &'c [String],
    pub command: &'c Command,
    pub stream: Stream,
    pub inside: Deeds,
}

impl Run<'_> {
    pub(super) fn has(&self, words: &[&str]) -> bool {
        self.arguments.iter().any(|argument| words.iter().any(|word| argument.eq_ignore_ascii_case(word)))
    }

    pub(super) fn any(&self, parts: &[&str]) -> bool {
        self.arguments.iter().any(|argument| {
            let argument = argument.to_ascii_lowercase();
            parts.iter().any(|part| argument.contains(part))
        })
    }

    pub(super) fn after(&self, flags: &[&str]) -> Option<&String> {
        let at = self.arguments.iter().position(|argument| flags.iter().any(|f| argument.eq_ignore_ascii_case(f)))?;
        self.arguments.get(at + 1)
    }

    /// The arguments that are no flags.
    pub(super) fn plain(&self) -> impl Iterator<Item = &String> {
        self.arguments.iter().filter(|argument| !argument.starts_with('-'))
    }

    pub(super) fn rest(&self, from: usize) -> String {
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

pub(super) fn is_short(flag: &str, letter: char) -> bool {
    flag.starts_with('-') && !flag.starts_with("--") && flag.contains(letter)
}

pub(super) fn is_shell(name: &str) -> bool {
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

pub(super) fn is_interpreter(name: &str) -> bool {
    is_shell(name)
        || matches!(name, "cmd" | "node" | "bun" | "deno" | "perl" | "ruby" | "php" | "osascript" | "py" | "pythonw")
        || name.strip_prefix("python").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

pub(super) fn is_fetcher(name: &str) -> bool {
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
