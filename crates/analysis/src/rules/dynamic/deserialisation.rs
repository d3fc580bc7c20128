//! Objects are rebuilt by a format that can run code.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Call, Effects};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "deserialisation",
    category: Category::DynamicCode,
    capability: Some(Capability::Deserialisation),
    severity: Severity::Info,
    message: "Rebuilds objects in a way that can run code of whoever wrote the data.",
    why: "Formats such as pickle run code of whoever wrote the data, so a payload may hide in what looks like data.",
    false_positives: "Scientific and caching libraries use them on their own files, so it is INFO. A safe loader of \
          YAML is not reported.",
    example: include_str!("deserialisation/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let safe_loader = |call: &&Call<'_>| {
        let loader = call.option("Loader").or(call.positional(1)).and_then(|loader| loader.path.as_deref());
        &*call.path == "yaml.load" && loader.is_some_and(|loader| loader.contains("Safe"))
    };
    hits.push_calls(source.facts, source.calls(Effects::DESERIALISE).filter(|call| !safe_loader(call)));
}
