//! A shell is connected to a socket.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Effects, Taint};
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
    for call in source.calls(Effects::SPAWN) {
        let command =
            call.arguments.iter().flat_map(|argument| std::iter::once(&argument.value).chain(argument.value.items()));
        let named = command.filter_map(|value| value.as_prefix()).any(is_reverse_shell);
        let program = call.positional(0).map(|value| value.items().first().unwrap_or(value)).and_then(|v| v.as_text());
        let shell = program.is_some_and(|name| SHELLS.iter().any(|shell| name.ends_with(shell)));
        // A socket as the standard streams of a shell, or three descriptors duplicated before one is started.
        let streams = ["stdin", "stdout", "stderr"].iter().filter_map(|name| call.option(name));
        let socket = streams.into_iter().any(|value| value.taint.any(Taint::SOCKET));
        if named || (connects && shell && (duplicates >= 2 || socket)) {
            hits.push_call(source.facts, call);
        }
    }
}

const SHELLS: [&str; 5] = ["sh", "bash", "zsh", "cmd.exe", "powershell.exe"];

/// The one-line shells that everybody copies.
fn is_reverse_shell(command: &str) -> bool {
    let any = |words: &[&str]| words.iter().any(|word| command.contains(word));
    any(&["/dev/tcp/", "/dev/udp/"]) && any(&["sh -i", "bash", "exec "])
        || any(&["nc ", "ncat ", "netcat "]) && any(&[" -e /bin", " -e sh", " -e bash", " -c bash", "-e cmd"])
        || command.contains("mkfifo") && any(&["nc ", "ncat ", "telnet "])
}
