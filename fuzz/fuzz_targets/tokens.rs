//! Any bytes go through the token scan of each language.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sigma_analysis::fuzzing::{Syntax, scan};

fuzz_target!(|source: &[u8]| {
    for syntax in [Syntax::Python, Syntax::JavaScript] {
        scan(source, syntax);
    }
});
