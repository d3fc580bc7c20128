//! What in a run deserves attention, and how much: one table.

use sigma_core::{NetworkAttempt, RiskFlag, Severity};

use super::Seen;

/// One kind of flag: code, severity, why it has that severity, and the sentence where it applies.
struct Rule {
    code: &'static str,
    severity: Severity,
    why: &'static str,
    applies: fn(&Seen) -> Option<String>,
}

const RULES: &[Rule] = &[
    Rule {
        code: "canary-leaked",
        severity: Severity::Critical,
        why: "a secret was on its way out where everybody on the way can read it, or where it is no secret any more: an \
              address, a name, the arguments of a program. What goes to its own service is encrypted",
        applies: |seen| {
            let ways = |ways: &std::collections::BTreeSet<&str>| ways.iter().copied().collect::<Vec<_>>().join(", ");
            let leaked: Vec<_> = seen.canaries_leaked.iter().filter(|(_, ways)| **ways != ["file"].into()).collect();
            let list = leaked.iter().map(|(name, by)| format!("{name} ({})", ways(by))).collect::<Vec<_>>().join(", ");
            (!leaked.is_empty()).then(|| format!("mock secrets were about to leave the program: {list}"))
        },
    },
    Rule {
        code: "canary-stored",
        severity: Severity::High,
        why: "copying a secret into a file collects it; caches of keys do that too, so it is not critical",
        applies: |seen| {
            let stored = seen.canaries_leaked.iter().filter(|(_, ways)| **ways == ["file"].into());
            let list = stored.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
            (!list.is_empty()).then(|| format!("mock secrets were written into files: {list}"))
        },
    },
    Rule {
        code: "canary-printed",
        severity: Severity::Medium,
        why: "output ends in logs; careless far more often than malicious",
        applies: |seen| {
            let list = seen.canaries_printed.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            (!list.is_empty()).then(|| format!("mock secrets were printed: {list}"))
        },
    },
    Rule {
        code: "credential-file-read",
        severity: Severity::High,
        why: "keys of the user for something else; tools for that very service are the exception and say so",
        applies: |seen| {
            // Python's `requests` opens this one before every request, to see whether it names the host.
            let list = seen.canaries_read.iter().filter(|name| name.starts_with("~/") && *name != "~/.netrc");
            let list = list.map(String::as_str).collect::<Vec<_>>().join(", ");
            (!list.is_empty()).then(|| format!("mock credential files were opened: {list}"))
        },
    },
    Rule {
        code: "network-metadata-service",
        severity: Severity::High,
        why: "the address that hands out a cloud machine's keys; a cloud's own libraries ask there too",
        applies: |seen| {
            let hit = |attempt: &NetworkAttempt| {
                let to = attempt.destination.as_deref().unwrap_or_default();
                to.starts_with("169.254.169.254")
                    || to.starts_with("169.254.170.2")
                    || to.contains("metadata.google.internal")
                    || to.starts_with("[fd00:ec2::254]")
            };
            first(seen, hit).map(|to| format!("tried to reach a cloud's metadata service: {to}"))
        },
    },
    Rule {
        code: "network-bare-address",
        severity: Severity::High,
        why: "an address in the code instead of a name: services have names, command servers often have none",
        applies: |seen| {
            first(seen, |attempt| is_remote(attempt) && attempt.host.is_none() && !is_name_server(attempt))
                .map(|to| format!("tried to reach an address without a name: {to}"))
        },
    },
    Rule {
        code: "network-undeclared",
        severity: Severity::Medium,
        why: "a host that the developer did not declare; most often an omission, and the first thing to look at",
        applies: |seen| {
            let undeclared = |attempt: &NetworkAttempt| {
                let name = if attempt.protocol == "dns" { &attempt.destination } else { &attempt.host };
                name.as_deref().is_some_and(|name| !is_declared(seen, name))
            };
            first(seen, undeclared).map(|to| format!("tried to reach a host that is not declared: {to}"))
        },
    },
    Rule {
        code: "network-unusual-socket",
        severity: Severity::High,
        why: "raw packets, kernel interfaces and virtual machine channels are not what tools use",
        applies: |seen| {
            const ORDINARY: [&str; 6] = ["tcp", "udp", "dns", "unix", "unknown", "icmp"];
            let odd = seen.network.listed.iter().find(|attempt| !ORDINARY.contains(&attempt.protocol.as_str()));
            odd.map(|attempt| format!("tried to open an unusual kind of socket: {}", attempt.protocol))
        },
    },
    Rule {
        code: "local-service",
        severity: Severity::High,
        why: "sockets of the machine lead to its services, such as a container engine that gives root",
        applies: |seen| {
            let local = seen.network.listed.iter().find(|attempt| attempt.protocol == "unix");
            local.map(|attempt| {
                let to = attempt.destination.as_deref().unwrap_or_default();
                format!("tried to reach a local service of the machine: {to}")
            })
        },
    },
    Rule {
        code: "privileged-call",
        severity: Severity::High,
        why: "what only debuggers, container engines and exploits ask the kernel for",
        applies: |seen| {
            const SERIOUS: [&str; 27] = [
                "ptrace",
                "process_vm_readv",
                "process_vm_writev",
                "mount",
                "umount2",
                "pivot_root",
                "chroot",
                "unshare",
                "setns",
                "clone",
                "bpf",
                "perf_event_open",
                "userfaultfd",
                "keyctl",
                "add_key",
                "request_key",
                "init_module",
                "finit_module",
                "kexec_load",
                "reboot",
                "io_uring_setup",
                "pidfd_getfd",
                "open_by_handle_at",
                "seccomp",
                "x32 system call",
                "32-bit system call",
                "signal to a foreign process",
            ];
            let list = seen.refused.keys().map(String::as_str).filter(|name| SERIOUS.contains(name));
            let list = list.collect::<Vec<_>>().join(", ");
            (!list.is_empty()).then(|| format!("asked the kernel for what ordinary programs do not need: {list}"))
        },
    },
    Rule {
        code: "started-from-memory",
        severity: Severity::High,
        why: "a program that is on no disk was to be started: the usual way to hide one",
        applies: |seen| {
            seen.started_from_memory.then(|| "tried to start a program that lies in memory only".to_owned())
        },
    },
    Rule {
        code: "write-persistence",
        severity: Severity::High,
        why: "these files start or admit something later: shell profiles, timers, keys, hooks, start-up folders",
        applies: |seen| {
            const PLACES: [&str; 15] = [
                "/.bashrc",
                "/.bash_profile",
                "/.profile",
                "/.zshrc",
                "/.ssh/",
                "/etc/cron",
                "/var/spool/cron",
                "/etc/init.d",
                "/systemd/",
                "/.config/autostart",
                "/etc/ld.so.preload",
                "/etc/passwd",
                "/etc/sudoers",
                "/.git/hooks",
                "/sitecustomize.py",
            ];
            seen.writes
                .listed
                .iter()
                .find(|path| PLACES.iter().any(|place| path.contains(place)))
                .map(|path| format!("tried to write where programs are started from or users are admitted: {path}"))
        },
    },
    Rule {
        code: "write-outside",
        severity: Severity::Medium,
        why: "tools write into temporary folders, their home and their working folder; elsewhere is worth a look",
        applies: |seen| {
            let usual = ["/dev/shm/", "/work/app", "/proc/self/", seen.home.as_str(), seen.temporary.as_str()];
            seen.writes
                .listed
                .iter()
                .find(|path| !usual.iter().any(|place| path.starts_with(place)))
                .map(|path| format!("tried to write outside its folders: {path}"))
        },
    },
    Rule {
        code: "spawn-tool",
        severity: Severity::Medium,
        why: "shells and transfer tools do whatever a text says; many honest tools use a shell",
        applies: |seen| {
            const TOOLS: [&str; 14] = [
                "sh",
                "bash",
                "dash",
                "zsh",
                "curl",
                "wget",
                "nc",
                "ncat",
                "socat",
                "ssh",
                "scp",
                "powershell",
                "osascript",
                "sudo",
            ];
            let name = |program: &str| program.rsplit('/').next().unwrap_or_default().to_owned();
            let found = seen.spawns.listed.iter().find(|spawn| TOOLS.contains(&name(&spawn.program).as_str()));
            found.map(|spawn| {
                format!(
                    "tried to start {} {}",
                    spawn.program,
                    spawn.arguments.join(" ").chars().take(120).collect::<String>()
                )
            })
        },
    },
    Rule {
        code: "daemonised",
        severity: Severity::High,
        why: "something went on after the program had ended, which is how programs stay",
        applies: |seen| {
            (seen.left_behind > 0).then(|| format!("{} processes went on after the program's end", seen.left_behind))
        },
    },
    Rule {
        code: "flood",
        severity: Severity::Medium,
        why: "so many attempts are a loop at best, and a way to hide one attempt among many",
        applies: |seen| {
            let most = seen.network.total.max(seen.spawns.total).max(seen.writes.total);
            (most > 5_000).then(|| format!("{most} attempts of one kind"))
        },
    },
    Rule {
        code: "harness-tampered",
        severity: Severity::High,
        why: "the code wrote to the channel of the harness, which no program finds by accident",
        applies: |seen| seen.forged.then(|| "wrote to the channel on which the exercises are reported".to_owned()),
    },
    Rule {
        code: "memory-limit",
        severity: Severity::Medium,
        why: "more memory than a tool needs: exhaustion, or simply large data",
        applies: |seen| seen.memory_hit.then(|| "was ended because it used too much memory".to_owned()),
    },
    Rule {
        code: "disk-limit",
        severity: Severity::Medium,
        why: "larger files than a tool needs; with namespaces the kernel says `no space left` instead",
        applies: |seen| seen.disk_hit.then(|| "was ended because its files grew too large".to_owned()),
    },
    Rule {
        code: "time-limit",
        severity: Severity::Info,
        why: "servers never end, so this says little alone",
        applies: |seen| seen.late.then(|| "still ran when its time was over, and was ended".to_owned()),
    },
    Rule {
        code: "encrypted-traffic",
        severity: Severity::Info,
        why: "what is encrypted could not be searched for mock secrets: a limit of this report, not of the code",
        applies: |seen| {
            (seen.encrypted > 0)
                .then(|| format!("what {} encrypted connections would have carried is not known", seen.encrypted))
        },
    },
];

fn first(seen: &Seen, hit: impl Fn(&NetworkAttempt) -> bool) -> Option<String> {
    let found = seen.network.listed.iter().find(|attempt| hit(attempt))?;
    let to = found.destination.as_deref().unwrap_or("an unknown destination");
    Some(match &found.host {
        Some(host) => format!("{host} ({to})"),
        None => to.to_owned(),
    })
}

/// An address of another machine.
fn is_remote(attempt: &NetworkAttempt) -> bool {
    let local = |to: &str| {
        to.starts_with("127.") || to.starts_with("[::1]") || to.starts_with("0.0.0.0") || to.starts_with("[::]")
    };
    matches!(attempt.protocol.as_str(), "tcp" | "udp" | "unknown")
        && attempt.destination.as_deref().is_some_and(|to| !local(to))
}

fn is_name_server(attempt: &NetworkAttempt) -> bool {
    attempt.protocol == "udp" && attempt.destination.as_deref().is_some_and(|to| to.ends_with(":53"))
}

/// Whether a host is one of those that the developer declares, or below one.
fn is_declared(seen: &Seen, name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    seen.declared_hosts.iter().any(|declared| {
        let declared = declared.trim_start_matches("*.").trim_end_matches('.').to_ascii_lowercase();
        name == declared || name.strip_suffix(&declared).is_some_and(|rest| rest.ends_with('.'))
    })
}

/// Every kind of flag: its code, its severity, and why it has that severity.
pub fn risk_flags() -> impl Iterator<Item = (&'static str, Severity, &'static str)> {
    RULES.iter().map(|rule| (rule.code, rule.severity, rule.why))
}

/// The flags of a run, most serious first.
pub fn flags(seen: &Seen) -> Vec<RiskFlag> {
    let hits = RULES.iter().filter_map(|rule| {
        let message = (rule.applies)(seen)?;
        Some(RiskFlag { severity: rule.severity, code: rule.code.to_owned(), message })
    });
    let mut flags: Vec<RiskFlag> = hits.collect();
    flags.sort_by_key(|flag| std::cmp::Reverse(flag.severity));
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_stable_words_and_stand_once() {
        let codes: Vec<&str> = risk_flags().map(|(code, ..)| code).collect();
        for code in &codes {
            assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{code}");
            assert_eq!(codes.iter().filter(|other| *other == code).count(), 1, "{code}");
        }
        assert!(risk_flags().all(|(_, _, why)| why.len() > 20));
    }
}
