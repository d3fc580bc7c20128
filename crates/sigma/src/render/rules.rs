//! Rules as a list, one of them in full, and the page `docs/rules.md`.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::{Value, json};
use sigma_analysis::RuleEntry;
use sigma_core::{Category, Confidence, Finding, Reach, SecurityLevel, Severity};
use sigma_council::OriginFinding;

use crate::args::Format;
use crate::render::markdown::escape;
use crate::render::table;

/// When code runs, with the words of the documentation.
const REACHES: [(Reach, &str); 5] = [
    (Reach::Install, "installation"),
    (Reach::Import, "import"),
    (Reach::EntryPoint, "entry point"),
    (Reach::Call, "call"),
    (Reach::Test, "tests, examples, docs"),
];

const SEVERITIES: [Severity; 5] = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];

/// Every rule.
pub fn list(entries: &[RuleEntry], format: Format) -> Result<String> {
    Ok(match format {
        Format::Json => format!("{:#}\n", Value::Array(entries.iter().map(value).collect())),
        Format::Markdown => page(entries),
        Format::Table => {
            let mut rows = table::plain_table();
            rows.set_header(["rule", "category", "severity", "what"]);
            for entry in entries {
                rows.add_row([entry.id.clone(), word(&entry.category), span(entry), entry.message.clone()]);
            }
            format!("{rows}\n\n{} rules; sigma explain RULE tells more.\n", entries.len())
        }
    })
}

/// One rule in full.
pub fn explain(entry: &RuleEntry, format: Format) -> Result<String> {
    Ok(match format {
        Format::Json => {
            let mut rule = value(entry);
            rule["levels"] = levels(entry);
            format!("{rule:#}\n")
        }
        Format::Markdown => section(entry),
        Format::Table => text(entry),
    })
}

/// What the council says about origins has no rule of the engine behind it.
pub fn explain_origin(finding: &OriginFinding, format: Format) -> String {
    let OriginFinding { code, level, what } = finding;
    match format {
        Format::Json => format!("{:#}\n", json!({"id": code, "level": level, "message": what})),
        Format::Markdown => format!("### {code}\n\n{what}\n\nLevel: {level}.\n"),
        Format::Table => format!("{code}\n  {what}\n\nLevel\n  {level}\n"),
    }
}

fn value(entry: &RuleEntry) -> Value {
    json!({
        "id": entry.id, "category": entry.category, "capability": entry.capability, "severities": entry.severities,
        "message": entry.message, "why": entry.why, "falsePositives": entry.false_positives,
        "example": entry.example, "origin": entry.origin,
    })
}

/// For each severity and reach the level, sure and unsure.
fn levels(entry: &RuleEntry) -> Value {
    let rows = entry.severities.iter().rev().flat_map(|severity| {
        REACHES.iter().map(move |(reach, _)| {
            let at = |confidence| level(entry.category, *severity, *reach, confidence);
            json!({"severity": severity, "reach": reach, "level": at(Confidence::High), "whenUnsure": at(Confidence::Low)})
        })
    });
    rows.collect()
}

fn text(entry: &RuleEntry) -> String {
    let mut out = format!("{}\n  {}\n\n", entry.id, entry.message);
    let mut line = |name: &str, text: &str| {
        if !text.is_empty() {
            let _ = writeln!(out, "{name}\n{}", indented(text.trim_end()));
        }
    };
    let capability = entry.capability.map_or(String::new(), |capability| format!("; proves {}", word(&capability)));
    line("Category and severity", &format!("{}, {}{capability}", word(&entry.category), span(entry)));
    line("Why", &entry.why);
    line("Innocent code", &entry.false_positives);
    line("Example", &entry.example);
    line("Defined in", entry.origin.as_deref().unwrap_or_default());
    let mut rows = table::plain_table();
    rows.set_header(std::iter::once("severity").chain(REACHES.map(|(_, words)| words)));
    for severity in entry.severities.iter().rev() {
        rows.add_row(
            std::iter::once(word(severity)).chain(REACHES.map(|(reach, _)| cell(entry.category, *severity, reach))),
        );
    }
    let _ = writeln!(
        out,
        "Level, by when the code runs (in brackets: when the rule is unsure)\n{}",
        indented(&rows.to_string())
    );
    out
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {}\n", line.trim_end())).collect()
}

/// `docs/rules.md`.
fn page(entries: &[RuleEntry]) -> String {
    let mut out = String::from(
        "# Rules\n\n\
         What the static analysis looks for, and which level it leads to. This page is made from the rules themselves:\n\
         `sigma rules --format markdown > docs/rules.md`; a test compares it. `sigma explain RULE` tells the same of one.\n\n\
         ## From evidence to level\n\n\
         A finding has a severity, and a reach: when its code runs. Together they ask for a level; in brackets, the level\n\
         where the rule is unsure because it saw only tokens or a name that may mean something else. The table is computed\n\
         from `crates/council/src/reasons.rs`. The second panel of the council may ask for more where serious findings\n\
         come together, or disagree, which leaves the package to a person (ARCHITECTURE.md, \"Two phases\").\n\n",
    );
    let heads = REACHES.map(|(_, words)| words).join(" | ");
    let _ = writeln!(out, "| severity | {heads} |\n| --- {}|", "| --- ".repeat(REACHES.len()));
    for severity in SEVERITIES {
        let cells = REACHES.map(|(reach, _)| cell(Category::Process, severity, reach)).join(" | ");
        let _ = writeln!(out, "| {} | {cells} |", word(&severity));
    }
    out.push_str(
        "\nA capability alone is INFO, so what code is merely able to do never leaves CLEAR.\n\n\
         ## Where a package comes from\n\n\
         What the council says about attestations, beside what rules find in files (ARCHITECTURE.md, \"What the ecosystem\n\
         attests\"). A publisher who is another owner, or is no longer attested, is also held to a narrower promise for what is\n\
         new in the files.\n\n\
         | finding | level | what |\n| --- | --- | --- |\n",
    );
    for finding in sigma_council::ORIGIN_FINDINGS {
        let _ = writeln!(out, "| {} | {} | {} |", finding.code, finding.level, finding.what);
    }
    out.push_str("\n## The rules\n\n");
    out.push_str("| rule | category | severity | what |\n| --- | --- | --- | --- |\n");
    for entry in entries {
        let (id, category, span, what) =
            (escape(&entry.id), word(&entry.category), span(entry), escape(&entry.message));
        let _ = writeln!(out, "| [{id}](#{}) | {category} | {span} | {what} |", entry.id.replace('/', ""));
    }
    let mut category = None;
    for entry in entries {
        if category != Some(entry.category) {
            category = Some(entry.category);
            let _ = writeln!(out, "\n## {}", word(&entry.category));
        }
        let _ = write!(out, "\n{}", section(entry));
    }
    out
}

fn section(entry: &RuleEntry) -> String {
    let mut out = format!("### {}\n\n{} Severity: {}.\n", escape(&entry.id), escape(&entry.message), span(entry));
    for (name, text) in [("Why", &entry.why), ("Innocent code", &entry.false_positives)] {
        if !text.is_empty() {
            let _ = writeln!(out, "\n{name}: {}", escape(text));
        }
    }
    if !entry.example.is_empty() {
        // An indented block: no fence that an example could close.
        let code: String = entry.example.trim_end().lines().map(|line| format!("    {line}\n")).collect();
        let _ = write!(out, "\nExample:\n\n{}", code.replace("    \n", "\n"));
    }
    out
}

/// `INFO to HIGH`, or one word.
fn span(entry: &RuleEntry) -> String {
    match (entry.severities.first(), entry.severities.last()) {
        (Some(first), Some(last)) if first != last => format!("{} to {}", word(first), word(last)),
        (Some(only), _) => word(only),
        (None, _) => String::new(),
    }
}

/// The word that the public API uses.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| Some(value.as_str()?.to_owned())).unwrap_or_default()
}

fn cell(category: Category, severity: Severity, reach: Reach) -> String {
    let at = |confidence| level(category, severity, reach, confidence);
    match (at(Confidence::High), at(Confidence::Low)) {
        (sure, unsure) if sure == unsure => sure.to_string(),
        (sure, unsure) => format!("{sure} ({unsure})"),
    }
}

/// What the council makes of such a finding.
fn level(category: Category, severity: Severity, reach: Reach, confidence: Confidence) -> SecurityLevel {
    sigma_council::level_of(&Finding {
        rule: String::new(),
        category,
        capability: None,
        severity,
        confidence,
        reach,
        file: String::new(),
        line: 0,
        evidence: String::new(),
        message: String::new(),
        reached: None,
    })
}
