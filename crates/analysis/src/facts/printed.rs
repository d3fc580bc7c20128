//! What the programs print that a call starts, and what they do with what they are told.
//!
//! In: the words of a command and what they are made of. Out: taints of what it prints; whether it sends or runs what is
//! written to its standard input. Nothing is run.

use super::bits::Taint;
use super::builder::Argument;
use super::laid_out::{MAX_COMMAND, MAX_PARTS, MAX_WORDS};
use super::value::{Constant, Value};

/// Programs that print the file that they are given.
const PRINTERS: [&str; 12] =
    ["base64", "cat", "gc", "get-content", "head", "less", "more", "strings", "tac", "tail", "type", "xxd"];

/// Commands that print a token or a password.
const TELLERS: [&[&str]; 20] = [
    &["aws", "configure", "export-credentials"],
    &["aws", "configure", "get"],
    &["aws", "sts", "get-session-token"],
    &["az", "account", "get-access-token"],
    &["gcloud", "auth", "application-default", "print-access-token"],
    &["gcloud", "auth", "print-access-token"],
    &["gcloud", "auth", "print-identity-token"],
    &["gh", "auth", "token"],
    &["git", "credential", "fill"],
    &["heroku", "auth:token"],
    &["kubectl", "config", "view", "--raw"],
    &["netsh", "wlan", "show"],
    &["npm", "token", "list"],
    &["op", "item", "get"],
    &["op", "read"],
    &["pass", "show"],
    &["secret-tool", "lookup"],
    &["security", "dump-keychain"],
    &["security", "find-generic-password"],
    &["security", "find-internet-password"],
];

/// Programs that send what they are told to a host that they are told.
const SENDERS: [&str; 14] = [
    "curl",
    "dig",
    "host",
    "invoke-restmethod",
    "invoke-webrequest",
    "irm",
    "iwr",
    "nc",
    "ncat",
    "netcat",
    "nslookup",
    "ping",
    "telnet",
    "wget",
];

/// The name of a program, in small letters and without its folder.
fn name_of(word: &str) -> String {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word).to_ascii_lowercase();
    name.strip_suffix(".exe").map_or(name.clone(), str::to_owned)
}

/// What a command prints, beside what it is told.
pub(super) fn printed(words: &[&str], told: Taint) -> Taint {
    let Some(program) = words.first().map(|word| name_of(word)) else { return Taint::NONE };
    if told.any(Taint::CREDENTIAL_PATH) && PRINTERS.contains(&&*program) {
        return Taint::CREDENTIAL;
    }
    if matches!(&*program, "env" | "printenv") && words.get(1).is_none_or(|word| matches!(*word, "|" | "-0")) {
        return Taint::ENV_ALL;
    }
    if matches!(&*program, "pbpaste" | "xclip" | "xsel" | "wl-paste" | "get-clipboard")
        || words.contains(&"Get-Clipboard")
    {
        return Taint::WATCHED;
    }
    let tells = TELLERS.iter().any(|teller| teller[0] == program && begin(words, teller))
        || program == "npm" && words.iter().any(|word| word.contains("_authToken"));
    if tells { Taint::CREDENTIAL } else { Taint::NONE }
}

/// True for a command whose program sends what it is told.
pub(super) fn sends(words: &[&str]) -> bool {
    let shell = |word: &str| matches!(word, "powershell" | "pwsh" | "cmd" | "sh" | "bash");
    let Some(first) = words.first().map(|word| name_of(word)) else { return false };
    let sender = |word: &&str| SENDERS.contains(&&*name_of(word));
    SENDERS.contains(&&*first)
        || shell(&first) && words.iter().skip(1).take(8).any(sender)
        || words.windows(2).any(|pair| pair[0] == "|" && sender(&pair[1]))
}

/// What stands for a program that is fed: one that runs what is written to its standard input, or sends it.
pub(super) fn fed<'v>(arguments: &'v [Argument<'_>]) -> Option<&'static str> {
    let plain = arguments.iter().filter(|argument| argument.name.is_none()).take(2).map(|argument| &argument.value);
    let values =
        plain.flat_map(|value| std::iter::once(value).filter(|value| value.items().is_empty()).chain(value.items()));
    // What is not known may be a script.
    let texts = values.filter(|value| match &value.constant {
        Constant::Record(_) => false,
        Constant::List(words) => !words.is_empty(),
        _ => true,
    });
    // One that is too long to be a command stands for a script, too.
    let text = |value: &'v Value<'_>| value.as_text().filter(|text| text.len() <= MAX_COMMAND).unwrap_or("?");
    let words = texts.take(MAX_PARTS).flat_map(|value| text(value).split_ascii_whitespace());
    let words: Vec<&str> = words.take(MAX_WORDS).collect();
    what_is_fed(&words)
}

fn what_is_fed(words: &[&str]) -> Option<&'static str> {
    let program = name_of(words.first()?);
    let runs = |program: &str| {
        program.starts_with("python")
            || matches!(
                program,
                "node" | "sh" | "bash" | "zsh" | "dash" | "perl" | "ruby" | "powershell" | "pwsh" | "cmd"
            )
    };
    // One of two, as the system is: `windows ? "cmd.exe" : "/bin/bash"`.
    let alone = words.iter().skip(1).all(|word| {
        matches!(*word, "-" | "-s" | "-i" | "-u" | "-NoProfile" | "-Command" | "/q" | "/Q") || runs(&name_of(word))
    });
    let runs = runs(&program);
    match () {
        () if runs && alone => Some("interpreter()"),
        () if SENDERS.contains(&&*program) => Some("sender()"),
        () => None,
    }
}

/// True for words that begin like others, after the first.
fn begin(words: &[&str], others: &[&str]) -> bool {
    words.len() >= others.len() && words.iter().zip(others).skip(1).all(|(word, other)| word == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_known_by_what_they_print() {
        let check = |line: &str, told, expect: Taint| {
            let words: Vec<&str> = line.split(' ').collect();
            assert!(printed(&words, told) == expect, "{line}");
        };
        check("cat ~/.ssh/id_rsa", Taint::CREDENTIAL_PATH, Taint::CREDENTIAL);
        check("ls ~/.ssh", Taint::CREDENTIAL_PATH, Taint::NONE);
        check("/usr/bin/env", Taint::NONE, Taint::ENV_ALL);
        check("env node a.js", Taint::NONE, Taint::NONE);
        check("gh auth token", Taint::NONE, Taint::CREDENTIAL);
        check("gh auth login", Taint::NONE, Taint::NONE);
    }

    #[test]
    fn programs_are_fed() {
        assert_eq!(what_is_fed(&["bash"]), Some("interpreter()"));
        assert_eq!(what_is_fed(&["bash", "a.sh"]), None);
        assert_eq!(what_is_fed(&["nc", "example.org", "80"]), Some("sender()"));
        assert!(sends(&["cmd", "/c", "curl", "-d"]) && !sends(&["git", "push"]));
    }
}
