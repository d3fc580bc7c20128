//! Shell scripts, PowerShell and batch files: commands, told to the [`Builder`].
//!
//! In: the text of a script. Out: mentions, calls of the programs that connect somewhere, and deeds. A script runs when
//! something starts it, so nothing in it counts as run when the package is loaded.

use crate::facts::{Argument, Builder, Command, Taint, Value, deeds_with_places, program_of, split};

/// Tells what a script does.
pub(super) fn read<'a>(source: &'a str, builder: &mut Builder<'a>) {
    let function = builder.declare_function(0);
    let frame = builder.enter(function);
    let commands = split(source);
    tell(&commands, builder);
    for (what, start, end) in deeds_with_places(source, &commands) {
        let place = builder.place(start as u32, end as u32);
        builder.deed(what, place);
    }
    builder.leave(frame);
}

fn tell(commands: &[Command], builder: &mut Builder<'_>) {
    for command in commands {
        let place = builder.place(command.start as u32, command.end as u32);
        let values: Vec<Value<'_>> = command
            .words
            .iter()
            .map(|word| {
                let word = builder.made(word);
                builder.literal(word, place)
            })
            .collect();
        if let Some(file) = &command.writes {
            let file = builder.made(file);
            builder.literal(file, place);
        }
        let path = format!("shell.{}", program_of(command).map(|(name, _)| name).unwrap_or_default());
        let arguments = values.into_iter().map(|value| Argument { name: None, value }).collect();
        let path = builder.made(&path);
        builder.call(Value::at_path(path), arguments, Taint::NONE, place);
        tell(&command.substitutions, builder);
    }
}
