//! Machine code is put into memory and run.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Call, Effects, Signs, Value};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "memory-code",
    category: Category::DynamicCode,
    capability: Some(Capability::NativeCode),
    severity: Severity::High,
    message: "Puts machine code into memory and runs it.",
    why: "Code that exists only in memory leaves no file to scan; loaders of implants work like this.",
    false_positives: "Compilers at run time and debuggers use single functions of this kind; only several steps together are reported.",
    example: include_str!("memory_code/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let native = source.calls(Effects::NATIVE).collect::<Vec<_>>();
    let called = |names: &[&str]| native.iter().any(|call| names.iter().any(|name| call.path.ends_with(name)));
    let steps = [
        called(&["VirtualAlloc", "VirtualAllocEx", "VirtualProtect", "VirtualProtectEx"]),
        called(&["RtlMoveMemory", "WriteProcessMemory", "RtlCopyMemory"]),
        called(&["CreateThread", "CreateRemoteThread", "QueueUserAPC", "EnumWindows", "CallWindowProcA"]),
    ];
    let steps = steps.into_iter().filter(|step| *step).count();
    if steps >= 2 {
        let calls = native.iter().filter(|call| call.path.contains("kernel32") || call.path.contains("ntdll"));
        for call in calls.take(3) {
            let hit = hits.at(source.facts, call.place);
            let called = if steps == 3 { Severity::Critical } else { Severity::High };
            hits.push(hit.severity(called).loaded(Severity::Critical));
        }
        return;
    }
    // `mmap(..., PROT_EXEC)` whose address becomes a function.
    let has = |text: &str| source.holds(text);
    let mapped = (has("PROT_EXEC") && has("mmap(")) || has(".mprotect(");
    if mapped
        && (has("addressof(") || has("from_buffer("))
        && let Some(at) = source.find("CFUNCTYPE(")
    {
        // When it runs is told by the native call that stands nearest.
        let call = native.iter().min_by_key(|call| (call.place.start as usize).abs_diff(at));
        let hit = match call {
            Some(call) => hits.at(source.facts, call.place).severity(Severity::Medium),
            None => hits.at_offset(at, "CFUNCTYPE").severity(Severity::Medium),
        };
        hits.push(hit.loaded(Severity::High).message("Makes memory executable and calls what it put there."));
    }
    // A program that exists only as an open descriptor: `execve("/proc/self/fd/3", ..)`.
    if has("memfd_create") || has("syscall(") {
        let descriptor = |call: &&Call<'_>| {
            let program = call.positional(0).map(|first| first.items().first().unwrap_or(first));
            let name = program.and_then(Value::as_prefix).unwrap_or_default();
            name.starts_with("/proc/") && name.contains("/fd/") || name.starts_with("/dev/fd/")
        };
        for call in source.calls(Effects::SPAWN).filter(descriptor).take(3) {
            let hit = hits.at(source.facts, call.place).severity(Severity::High).loaded(Severity::Critical);
            hits.push(hit.message("Starts a program that exists in memory only."));
        }
    }
    if source.different(Signs::INJECTION) >= 3 && source.does(Effects::NATIVE | Effects::IMPORT | Effects::SPAWN) {
        for mention in source.signs(Signs::INJECTION).take(3) {
            let hit = hits.at(source.facts, mention.place).severity(Severity::High);
            hits.push(hit.message(format!("Names what puts code into memory: {}.", mention.what)));
        }
    }
}
