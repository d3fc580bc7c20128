//! Prose in help texts: as wide as the terminal, however the source breaks it.
//!
//! In: the commands as they are declared. Out: the same commands, whose paragraphs after the options have no line ends of their own.
//! Lines that are indented, such as examples, and the line before them keep theirs.

use clap::Command;

/// Lets every command's paragraphs be wrapped by whoever prints them.
pub fn reflow(command: Command) -> Command {
    let text = command.get_after_help().map(|text| joined(&text.to_string()));
    let command = match text {
        Some(text) => command.after_help(text),
        None => command,
    };
    command.mut_subcommands(reflow)
}

fn joined(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut before = "";
    for (index, line) in text.lines().enumerate() {
        let prose = |line: &str| !line.is_empty() && !line.starts_with(' ');
        if index > 0 {
            joined.push(if prose(before) && prose(line) { ' ' } else { '\n' });
        }
        joined.push_str(line);
        before = line;
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_joined_and_examples_are_not() {
        let check = |text: &str, expect: &str| assert_eq!(joined(text), expect);
        check(
            "One sentence\ngoes on.\n\nExamples:\n  sigma a\n  sigma b",
            "One sentence goes on.\n\nExamples:\n  sigma a\n  sigma b",
        );
        check("Example:\n  sigma a\n\nAnd\nmore.", "Example:\n  sigma a\n\nAnd more.");
        check("", "");
    }

    #[test]
    fn no_help_has_a_line_end_within_a_sentence() {
        use clap::CommandFactory as _;
        let mut open = vec![reflow(crate::args::Args::command())];
        let mut seen = 0;
        while let Some(command) = open.pop() {
            if let Some(text) = command.get_after_help().map(ToString::to_string) {
                seen += 1;
                let lines: Vec<&str> = text.lines().collect();
                for pair in lines.windows(2) {
                    let prose = pair.iter().all(|line| !line.is_empty() && !line.starts_with(' '));
                    assert!(!prose, "{}: {pair:?}", command.get_name());
                }
            }
            open.extend(command.get_subcommands().cloned());
        }
        assert!(seen > 20, "{seen}");
    }

    #[test]
    fn every_command_that_does_something_has_an_example_of_its_own() {
        use clap::CommandFactory as _;
        let mut open = vec![("sigma".to_owned(), crate::args::Args::command())];
        let mut seen = 0;
        while let Some((path, command)) = open.pop() {
            open.extend(command.get_subcommands().map(|one| (format!("{path} {}", one.get_name()), one.clone())));
            if command.is_subcommand_required_set() {
                continue;
            }
            seen += 1;
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let shown = help.lines().any(|line| line.starts_with("  ") && line.contains(&path));
            assert!(shown, "`{path} --help` shows no example:\n{help}");
        }
        assert!(seen > 40, "{seen}");
    }
}
