//! What command lines do, whichever shell reads them.
//!
//! In: a text that is handed to a shell, the words of a process that is started, or a whole script. Out: [`Deeds`]. One
//! view serves scripts, `package.json` and the command lines inside of code. It judges constant text only.

mod code;
mod kinds;
mod program;
mod split;
mod tells;
mod whole;

pub(crate) use program::program_of;
pub(crate) use split::{Command, split};
pub(super) use whole::whole;

use super::bits::{Deeds, Effects, Taint};
use super::{Call, Deed, Value};
use program::{judge_commands, judge_with};

/// Longest command line of a call that is read: 64 KiB.
const MAX_LINE: usize = 64 << 10;

/// What a command line does.
pub(crate) fn deeds_of_text(line: &str) -> Deeds {
    let mut all = tells::of_text(line);
    judge_commands(&split(line), 0, &mut |deeds, _, _| all |= deeds);
    all
}

/// What the commands of a script do, each with its first byte and the one past its last.
pub(crate) fn deeds_with_places(script: &str, commands: &[Command]) -> Vec<(Deeds, usize, usize)> {
    let mut found = Vec::new();
    judge_commands(commands, 0, &mut |deeds, start, end| found.push((deeds, start, end)));
    tells::of_lines(script, &mut |deeds, start, end| found.push((deeds, start, end)));
    found.sort_unstable_by_key(|(_, start, end)| (*start, *end));
    found
}

/// What the processes that the calls of a file start do. A file that one of them downloads may be run by another.
pub(super) fn deeds_of_calls(calls: &[Call<'_>], source: &str, python: bool) -> Vec<Deed> {
    let mut fetched = Vec::new();
    let spawns = calls.iter().filter(|call| call.effects.any(Effects::SPAWN));
    let written = |call: &Call<'_>| {
        let first = call.positional(0).filter(|_| call.effects.any(Effects::SHELL))?;
        let open = first.as_text().is_none() && first.taint.any(Taint::JOINED);
        open.then(|| whole(source.get(call.place.start as usize..call.place.end as usize)?, python))?
    };
    let deeds = spawns.map(|call| {
        let what = deeds_of_call(call, written(call).as_deref(), &mut fetched);
        Deed { what, place: call.place }
    });
    deeds.filter(|deed| !deed.what.is_empty()).collect()
}

/// What the process does that a call starts; `written` is its command line past what is not known.
fn deeds_of_call(call: &Call<'_>, written: Option<&str>, fetched: &mut Vec<String>) -> Deeds {
    let mut what = Deeds::NONE;
    let mut words: Vec<String> = Vec::new();
    let mut listed = false;
    let mut line = |text: &str| {
        what |= tells::of_text(text);
        judge_with(&split(text), fetched, &mut |deeds| what |= deeds);
    };
    if let Some(text) = written {
        line(text);
    }
    let word = |value: &Value<'_>| match (value.as_prefix(), value.path.as_deref()) {
        (Some(text), _) => text.to_owned(),
        (None, Some("sys.executable")) => "python".to_owned(),
        (None, Some("process.execPath" | "process.argv0")) => "node".to_owned(),
        _ => "?".to_owned(),
    };
    for argument in call.arguments.iter().filter(|argument| argument.name.as_deref() != Some("env")).take(8) {
        let value = &argument.value;
        // `'start /b ' + path`: only the name of the file is known of what follows.
        let named = value.origin.as_deref().filter(|origin| value.as_text().is_none() && origin.contains('.'));
        if let (Some(text), Some(origin)) = (value.as_prefix().filter(|text| text.len() <= 2000), named) {
            line(&format!("{text}{origin}"));
            words.push(text.to_owned());
            continue;
        }
        match (value.as_prefix(), value.items()) {
            (Some(text), _) if text.len() <= MAX_LINE => {
                line(text);
                words.push(text.to_owned());
            }
            // A list of one is a whole line when a shell reads it.
            (_, [only]) if only.as_text().is_some_and(|text| text.contains(' ')) => {
                line(only.as_text().unwrap_or_default());
            }
            (_, items) => {
                listed |= !items.is_empty();
                words.extend(items.iter().map(word));
            }
        }
    }
    // `spawn({ file: "sh", args: [...] })`, the form beneath `child_process`.
    if let Some(list) = call.option("args").filter(|list| words.is_empty() && !list.items().is_empty()) {
        words.extend(list.items().iter().map(word));
        listed = true;
    }
    if listed || words.len() > 1 {
        let end = words.iter().map(String::len).sum();
        what |= tells::of_text(&words.join(" "));
        let command = Command { words, end, ..Command::default() };
        judge_with(&[command], fetched, &mut |deeds| what |= deeds);
    }
    // What flows into a command that connects somewhere leaves the machine.
    let telling = Taint::HOST_INFO | Taint::ENV_ALL | Taint::CREDENTIAL | Taint::OUTPUT;
    if what.any(Deeds::FETCHES) && call.taint.any(telling) {
        what |= Deeds::SENDS;
    }
    if hides_window(call) {
        what |= Deeds::HIDDEN;
    }
    what
}

/// True when an option of the call hides the window of what it starts: `creationflags=CREATE_NO_WINDOW`, or a child that
/// is detached from everything.
fn hides_window(call: &Call<'_>) -> bool {
    let flags = call.option("creationflags");
    let named = |value: &Value<'_>| {
        value
            .path
            .as_deref()
            .is_some_and(|path| path.ends_with("CREATE_NO_WINDOW") || path.ends_with("DETACHED_PROCESS"))
            || matches!(value.constant, super::Constant::Number(number) if number & 0x0800_0008 != 0)
    };
    let is_true =
        |name: &str| call.option(name).is_some_and(|value| matches!(value.constant, super::Constant::Bool(true)));
    let quiet = call.option("stdio").is_some_and(|value| value.as_text() == Some("ignore"));
    flags.is_some_and(named) || (is_true("detached") && quiet)
}

#[cfg(test)]
mod tests;
