//! What a run did, in a few sentences made from the counts.

use sigma_core::SandboxTier;

use super::Seen;

/// Examples of a list that are named.
const NAMED: usize = 3;

/// The description.
pub fn describe(seen: &Seen) -> String {
    let mut out = Vec::new();
    let isolation = match seen.tier {
        SandboxTier::Namespaces => "in its own namespaces, without a network",
        SandboxTier::Filtered => {
            "without namespaces of its own, its system calls filtered and its sockets leading nowhere"
        }
    };
    out.push(format!(
        "The code ran {isolation} ({}): {}.",
        seen.interpreter,
        count(seen.exercises.len() as u64, "exercise", "exercises")
    ));
    if let Some(reason) = &seen.lower {
        out.push(format!("Namespaces were not to be had here ({reason})."));
    }
    // Of a program without functions of its own there is nothing to reach.
    if let Some(total @ 1..) = seen.functions_total {
        out.push(format!("{} of its {} were reached.", seen.functions_reached, count(total, "function", "functions")));
    }
    if seen.network.total > 0 {
        let names = seen.network.listed.iter().filter_map(|attempt| {
            let to = attempt.host.as_deref().or(attempt.destination.as_deref())?;
            Some(format!("{to} ({})", attempt.protocol))
        });
        out.push(format!(
            "It tried {} to reach the network{}; nothing left the sandbox.",
            times(seen.network.total),
            among(names)
        ));
    }
    if seen.spawns.total > 0 {
        let names = seen.spawns.listed.iter().map(|spawn| spawn.program.clone());
        out.push(format!("It tried {} to start a program{}.", times(seen.spawns.total), among(names)));
    }
    if seen.writes.total > 0 {
        out.push(format!(
            "It tried {} to write, create, change or remove a file{}.",
            times(seen.writes.total),
            among(seen.writes.listed.iter().cloned())
        ));
    }
    let refused: u64 = seen.refused.values().sum();
    if refused > 0 {
        out.push(format!(
            "{} refused{}.",
            count(refused, "system call was", "system calls were"),
            among(seen.refused.keys().cloned())
        ));
    }
    if !seen.canaries_read.is_empty() {
        out.push(format!("Of the mock secrets it read {}.", list(seen.canaries_read.iter().cloned(), 8)));
    }
    if !seen.canaries_leaked.is_empty() {
        out.push(format!(
            "Mock secrets turned up in what it tried to send, start or write: {}.",
            list(seen.canaries_leaked.keys().cloned(), 8)
        ));
    }
    if seen.encrypted > 0 {
        let connections = count(seen.encrypted, "connection was", "connections were");
        out.push(format!("{connections} encrypted: what they would have carried is not known."));
    }
    if seen.network.total + seen.spawns.total + seen.writes.total + refused == 0 {
        out.push("It did not try to reach the network, start a program or write a file.".to_owned());
    }
    if seen.left_behind > 0 {
        out.push(format!("{} went on after its end and were killed.", count(seen.left_behind, "process", "processes")));
    }
    if seen.memory_hit {
        out.push("It was ended at its limit of memory.".to_owned());
    }
    if seen.late {
        out.push("It still ran at its limit of time and was ended.".to_owned());
    }
    out.join(" ")
}

fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn times(number: u64) -> String {
    if number == 1 { "once".to_owned() } else { format!("{number} times") }
}

fn among(names: impl Iterator<Item = String>) -> String {
    let named = list(names, NAMED);
    if named.is_empty() { String::new() } else { format!(", among others {named}") }
}

fn list(names: impl Iterator<Item = String>, most: usize) -> String {
    let mut shown: Vec<String> = Vec::new();
    for name in names {
        if !shown.contains(&name) {
            shown.push(name);
        }
        if shown.len() == most {
            break;
        }
    }
    shown.join(", ")
}
