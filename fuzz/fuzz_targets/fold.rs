//! Valid programs full of literals, put together from the input, are folded: texts that are joined, reversed, decoded,
//! replaced and put together again. Random bytes would hardly ever parse.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sigma_analysis::fuzzing::{Syntax, parse};
use sigma_fuzz::program;

fuzz_target!(|input: &[u8]| {
    for syntax in [Syntax::Python, Syntax::JavaScript] {
        parse(program(input, syntax == Syntax::Python).as_bytes(), syntax);
    }
});
