//! What programs do by themselves: those that connect, install, destroy, start, disarm, and those for one purpose.

use super::program::{Run, is_fetcher, is_short, name_of};
use crate::facts::bits::{Deeds, Signs, Taint};
use crate::facts::mention;

/// True for an interpreter that runs what comes through the pipe: it names no script of its own.
pub(super) fn takes_input(run: &Run<'_>) -> bool {
    run.arguments.iter().all(|word| word.starts_with('-') || word.starts_with('$') || word.starts_with('<'))
        || run.has(&["-s", "-", "/dev/stdin"])
}

pub(super) fn is_decoder(run: &Run<'_>) -> bool {
    match run.name {
        "base64" | "base32" => run.has(&["-d", "--decode", "-D", "-di"]),
        "xxd" => run.has(&["-r"]) || run.any(&["-r"]),
        "openssl" => run.has(&["-d"]),
        "gunzip" | "gzip" | "zcat" => run.stream.decoded,
        _ => false,
    }
}

/// True for commands whose output is about the machine or its user.
pub(super) fn tells_data(run: &Run<'_>) -> bool {
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

pub(super) fn names_secret(word: &str) -> bool {
    mention::find_all(word).any(|pattern| pattern.taint.any(Taint::CREDENTIAL_PATH)) || word.contains("/.env")
}

/// True for a text into which a shell puts what it knows of the machine, or what a secret file holds.
pub(super) fn tells_machine(text: &str) -> bool {
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
pub(super) fn secret_variable(text: &str) -> bool {
    text.split('$').skip(1).any(|rest| {
        let name = rest.trim_start_matches('{');
        let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(name.len());
        crate::facts::is_secret_name(&name[..end])
    })
}

/// `nc`, `socat` and the like.
pub(super) fn connector(run: &Run<'_>) -> Deeds {
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
pub(super) fn installer(run: &Run<'_>) -> Deeds {
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
pub(super) fn destroyer(run: &Run<'_>) -> Deeds {
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
pub(super) fn starter(run: &Run<'_>) -> Deeds {
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
pub(super) fn disarmer(run: &Run<'_>) -> Deeds {
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
pub(super) fn specialist(run: &Run<'_>) -> Deeds {
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
pub(super) fn utf16_base64(text: &str) -> Option<String> {
    let bytes = data_encoding::BASE64.decode(text.trim().as_bytes()).ok()?;
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let text: String = char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')).collect();
    (!text.is_empty()).then_some(text)
}
