//! A shell is connected to a socket.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use sigma_core::{Capability, Category, Severity};

use super::shell_command::goes_to_shell;
use crate::facts::{Deeds, Effects, Taint};
use crate::rules::flow::Verdict;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "reverse-shell",
    category: Category::Process,
    capability: Some(Capability::Shell),
    severity: Severity::Critical,
    message: "Connects a shell to a remote host, which can then run any command.",
    why: "A shell whose input and output are a connection lets the other end run any command on the machine.",
    false_positives: "Terminal servers connect shells to sockets that they listen on; only a shell joined to an \
          outgoing connection, or one of the well-known one-line commands, is reported.",
    example: include_str!("reverse_shell/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let connects = source.calls(Effects::NET).any(|call| call.path.contains("connect") || call.path.contains("Socket"));
    let duplicates = source.calls(Effects::DUP).count();
    // `[os.dup2(s.fileno(), n) for n in (0, 1, 2)]` duplicates all three in one call.
    let looped = ["(0, 1, 2)", "(0,1,2)", "[0, 1, 2]", "[0,1,2]", "range(3)"];
    let source_bytes = source.facts.source.as_bytes();
    let turns = duplicates > 0 && looped.iter().any(|all| memchr::memmem::find(source_bytes, all.as_bytes()).is_some());
    let duplicates = if turns { duplicates.max(3) } else { duplicates };
    let listens = source.does(Effects::LISTEN);
    let mut seen = BTreeSet::new();
    for deed in source.deeds(Deeds::REMOTE_SHELL) {
        let hit = hits.at(source.facts, deed.place);
        hits.push(hit);
        seen.insert(deed.place);
    }
    let bytes = source.facts.source.as_bytes();
    let has = |text: &str| memchr::memmem::find(bytes, text.as_bytes()).is_some();
    // The source is searched once, however many programs it starts.
    let pipes = LazyCell::new(|| has(".stdin") && (has(".pipe(") || has("pipeline(")));
    // Python hands bytes from one to the other: what is received is written to the shell, what it prints is sent.
    let pumps = LazyCell::new(|| has("stdin.write") && has("stdout") && has(".recv") && has(".send"));
    let both_ends = LazyCell::new(|| {
        let ends = has(".stdin.write(") || has("pipe(") && has(".stdin)");
        ends && (has("stdout.on(") && has(".write(") || has("stdout.pipe("))
    });
    let receives = LazyCell::new(|| has(".recv(") || has(".makefile("));
    // What a command prints goes to a host that stands in the code.
    let answers = LazyCell::new(|| {
        source.calls(Effects::NET).any(|call| call.taint.any(Taint::OUTPUT) && call.taint.any(Taint::NAMED_HOST))
    });
    for call in source.calls(Effects::SPAWN) {
        let command =
            call.arguments.iter().flat_map(|argument| std::iter::once(&argument.value).chain(argument.value.items()));
        let named = command.filter_map(|value| value.as_prefix()).any(is_reverse_shell);
        let words = call.positional(0).map(|value| value.items().first().unwrap_or(value));
        // One of two commands, as the system is: `["cmd"] if windows else ["bash"]`.
        let program = words.map(|value| value.items().first().unwrap_or(value)).and_then(|v| v.as_text());
        let shell = program.is_some_and(|name| name == "cmd" || SHELLS.iter().any(|shell| name.ends_with(shell)));
        // A socket as the standard streams of a shell, or descriptors duplicated before one is started.
        let streams = ["stdin", "stdout", "stderr"].iter().filter_map(|name| call.option(name));
        let socket = streams.into_iter().any(|value| value.taint.any(Taint::SOCKET));
        // What a child reads and writes goes through the connection: `socket.pipe(child.stdin)`.
        let alone = call.positional(1).is_none_or(|arguments| arguments.items().len() <= 1);
        let small = bytes.len() <= SMALL;
        let piped = shell && alone && small && source.facts.imports.contains("net") && *pipes;
        let pumped = shell && alone && small && connects && call.option("stdin").is_some() && *pumps;
        if named || ((connects || listens) && shell && (duplicates >= 1 || socket)) || (connects && piped) || pumped {
            if !seen.contains(&call.place) {
                hits.push_call(source.facts, call);
            }
            continue;
        }
        // What somebody says in a chat is the command, or the program that it starts.
        let command = call.positional(0).or_else(|| call.option("args"));
        let ordered = command.is_some_and(|value| value.items().first().unwrap_or(value).taint.any(Taint::ORDERED));
        if ordered {
            let hit = hits.at(source.facts, call.place);
            hits.push(hit.message("Runs the commands that somebody sends in a chat."));
            continue;
        }
        // A host that stands in the code is asked for commands, and told what they print.
        let asked = command.is_some_and(|value| {
            let program = value.items().first().unwrap_or(value);
            let whole = value.as_prefix().is_none() && !program.taint.any(Taint::JOINED | Taint::DOWNLOADED);
            program.taint.any(Taint::REMOTE) && program.taint.any(Taint::NAMED_HOST) && whole
        });
        if asked && small && goes_to_shell(call) && *answers {
            let hit = hits.at(source.facts, call.place).severity(Severity::High).loaded(Severity::Critical);
            hits.push(hit.message("Runs the commands that a host sends, and sends back what they print."));
            continue;
        }
        // An interactive shell whose both ends are handed to something that speaks for somebody else.
        let interactive =
            call.positional(1).is_some_and(|list| list.items().first().and_then(|v| v.as_text()) == Some("-i"));
        if shell && interactive && small && *both_ends {
            let hit = hits.at(source.facts, call.place).severity(Severity::High).loaded(Severity::Critical);
            hits.push(hit.message("Starts an interactive shell and hands both its ends to a connection."));
            continue;
        }
        // What a connection says is run: `os.popen(socket.recv(1024).decode())`.
        let heard = call.positional(0).is_some_and(|value| {
            let own =
                value.taint.any(Taint::HOST_INFO) || value.path.as_deref().is_some_and(|path| path.contains("gethost"));
            value.taint.any(Taint::SOCKET) && !own
        });
        if heard && *receives && call.effects.any(Effects::SPAWN | Effects::SHELL) {
            let hit = hits.at(source.facts, call.place);
            hits.push(
                hit.severity(Severity::High)
                    .loaded(Severity::Critical)
                    .message("Runs the commands that a connection sends."),
            );
        }
    }
}

/// What a flow from another file means to this rule: what is said in a chat ends in a command.
pub(in crate::rules) fn verdict(effects: Effects, taint: Taint) -> Option<Verdict> {
    let runs = effects.any(Effects::SPAWN) && taint.any(Taint::ORDERED);
    runs.then_some(([Severity::Critical; 3], "Runs the commands that somebody sends in a chat."))
}

/// A source in which a shell, a connection and a pipe belong together; in a bundle they may be strangers. Bytes.
const SMALL: usize = 64 << 10;

const SHELLS: [&str; 5] = ["sh", "bash", "zsh", "cmd.exe", "powershell.exe"];

/// The one-line shells that everybody copies.
fn is_reverse_shell(command: &str) -> bool {
    let any = |words: &[&str]| words.iter().any(|word| command.contains(word));
    any(&["/dev/tcp/", "/dev/udp/"]) && any(&["sh -i", "bash", "exec "])
        || any(&["nc ", "ncat ", "netcat "]) && any(&[" -e /bin", " -e sh", " -e bash", " -c bash", "-e cmd"])
        || command.contains("mkfifo") && any(&["nc ", "ncat ", "telnet "])
}
