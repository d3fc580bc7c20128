//! Markdown for pull requests and reports. Everything from a package is escaped: a name, a warning or a piece of
//! evidence must not become a link, an image or markup.

use std::fmt::Write as _;

use sigma_certificate::PackageAnalysis;
use sigma_pipeline::{Audit, Decision, WaiverUse};

use super::words;

pub fn audit(audit: &Audit, analysis: &PackageAnalysis, decision: &Decision, waivers: &[WaiverUse]) -> String {
    let (verdict, reasons) = words::decision(decision);
    let mut out = format!("## SIGMA audit: {verdict}\n\n{}\n", escape(&words::heading(audit)));
    if !reasons.is_empty() {
        out.push('\n');
        for reason in reasons {
            let _ = writeln!(out, "- {}", escape(reason.lines().next().unwrap_or_default()));
        }
    }
    out.push_str("\n| package | version | depth | sha256 | status | level | advisories | origin | warnings |\n");
    out.push_str("| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for entry in &analysis.packages {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            escape(&entry.package_name),
            escape(words::version(entry)),
            escape(words::depth(entry.dependency_type)),
            entry.distribution_sha256.map_or("-".to_owned(), |digest| digest.short()),
            words::status(entry.status),
            words::level(entry),
            words::advisories(entry),
            words::origin(entry),
            entry.warnings.len()
        );
    }
    for entry in analysis.packages.iter().filter(|entry| words::needs_explaining(entry)) {
        let _ = writeln!(
            out,
            "\n**{} {}** {}\n",
            escape(&entry.package_name),
            escape(words::version(entry)),
            words::level(entry)
        );
        if let Some(reason) = &entry.reason {
            let _ = writeln!(out, "- {}", escape(&reason.replace('\n', " ")));
        }
        if let Some(news) = &entry.new_since {
            let _ = writeln!(out, "- {}", escape(news));
        }
        for warning in &entry.warnings {
            let (sentence, seen) = words::warning(warning);
            let _ = writeln!(out, "- {}", escape(&sentence));
            if let Some(seen) = seen {
                let _ = writeln!(out, "  {}", escape(&seen));
            }
        }
    }
    if !audit.refused.is_empty() {
        out.push_str("\n### Refused\n\n");
        for refused in &audit.refused {
            let reason = format!("{}: {}", refused.reason.describe(), refused.advice);
            let _ = writeln!(
                out,
                "- {} {} ({})",
                escape(&refused.at.to_string()),
                escape(&refused.declaration),
                escape(&reason)
            );
        }
    }
    let mut section = |title: &str, lines: Vec<String>| {
        let _ = writeln!(out, "\n### {title}\n");
        for line in lines {
            let _ = writeln!(out, "- {}", escape(&line));
        }
    };
    if !audit.problems.is_empty() {
        section("Notes", audit.problems.iter().map(|problem| format!("{} {}", problem.at, problem.message)).collect());
    }
    section("Totals", words::totals(analysis));
    section("Not checked", words::not_checked(audit, analysis));
    if !waivers.is_empty() {
        section("Waivers", words::waivers(waivers));
    }
    out
}

/// Backslash-escapes ASCII punctuation that Markdown or HTML could read (CommonMark 0.31, section 2.4), and breaks up
/// what GitHub would turn into a link or a mention by itself.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '!' | '|' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    // GitHub makes links of these on sight, escaped or not.
    out.replace("://", ":&#47;&#47;").replace("www.", "www&#46;")
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_from_a_package_is_markup() {
        assert_eq!(
            escape("![x](https://evil.example)<img> @me a|b"),
            "\\!\\[x\\]\\(https:&#47;&#47;evil.example\\)&lt;img&gt; &#64;me a\\|b"
        );
    }
}
