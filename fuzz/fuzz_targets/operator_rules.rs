//! Any bytes are read as rules of an operator, YARA or declared: problems with a place, or rules that can be listed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sigma_analysis::{OperatorRules, RuleFile};

fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first() else { return };
    let name = if choice % 2 == 0 { "a.yar" } else { "a.toml" };
    match OperatorRules::load(vec![RuleFile { name: name.into(), bytes: bytes.to_vec() }]) {
        Ok(rules) => assert!(!rules.ruleset("1").is_empty()),
        Err(problems) => assert!(!problems.0.is_empty()),
    }
});
