//! Any bytes are read as Python: parsed or scanned, with every place inside the source.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sigma_analysis::fuzzing::{Syntax, parse};

fuzz_target!(|source: &[u8]| {
    parse(source, Syntax::Python);
});
