//! No figure of the bound may be below the measured one, whatever the source.

use proptest::prelude::*;

use super::*;

#[path = "../../../tests/hostile/mod.rs"]
#[allow(dead_code)] // Only the bytes of a shape are asked for.
mod hostile;

const LANGUAGES: [Language; 3] = [Language::Python, Language::JavaScript, Language::TypeScript];

#[test]
fn ordinary_code_has_a_bound() {
    for (language, source) in [
        (Language::Python, "def f(a, b):\n    if a: # b\n        return [x for x in (1, 'a\\'b')]\n"),
        (Language::JavaScript, "if(a){b(/[/]/g)}else{c=`${d}`}\nvar x=1/2\nclass A{b(){return(c)}}\n/** d */\nf();"),
        (Language::TypeScript, "export const a = (b: C<D, E>): F => b as G; // h\n"),
    ] {
        for times in [1, 10, 1000] {
            assert!(check(&source.repeat(times), language), "{language:?}, {times} times");
        }
    }
}

#[test]
fn sources_that_were_once_above_their_bound() {
    assert!(check("(a?()`                                                     (`\n~\n;=>{):>d", Language::JavaScript));
    assert!(check("(e?(`${=(a/e/", Language::TypeScript));
}

#[test]
fn the_bound_of_hostile_files_is_not_below() {
    for shape in hostile::SHAPES {
        for size in [300, 8_000] {
            let bytes = shape.bytes(shape.head() + size);
            let source = String::from_utf8_lossy(&bytes);
            for language in LANGUAGES {
                check(&source, language);
            }
        }
    }
}

/// Pieces of which sources are made that no one would write.
const PIECES: &[&str] = &[
    "(",
    "[",
    "{",
    ")",
    "]",
    "}",
    "(",
    ")",
    "{",
    "}",
    ",",
    ";",
    "\n",
    " ",
    "\t",
    "\r",
    "\u{b}",
    "\u{c}",
    "\"",
    "'",
    "`",
    "${",
    "/",
    "//",
    "/*",
    "*/",
    "#",
    "\\",
    "\\\n",
    "=>",
    "=",
    "==",
    "<",
    ">",
    "<=",
    "**",
    "*",
    "+",
    "-",
    "!",
    "?",
    ":",
    "?(",
    "? (",
    "~",
    "@",
    "%",
    ".",
    "a",
    "bc",
    "$",
    "_x",
    "é",
    "漢",
    "\u{2028}",
    "1",
    "0x1f",
    "1$",
    "5é",
    "if",
    "do",
    "in",
    "of",
    "as",
    "is",
    "or",
    "for",
    "new",
    "not",
    "and",
    "try",
    "else",
    "with",
    "void",
    "from",
    "case",
    "while",
    "await",
    "yield",
    "async",
    "keyof",
    "throw",
    "class",
    "typeof",
    "delete",
    "lambda",
    "return",
    "default",
    "finally",
    "function",
    "satisfies",
    "instanceof",
    "extends",
    "else ",
    "elsewhere",
    "if (",
    "while(a)",
    "=>{",
    ")=>",
    "a?(b):c=>d",
    "({a=",
    "([",
    "`a${b}c`",
    "'t'",
    "\"u\"",
    "/re/",
    "/[/]/g",
    "// c\n",
    "/* c */",
    "; else",
    "} in",
    "}\n//x\nfoo ",
    "f(a)",
    "\u{feff}",
    "\0",
    "\"\"\"",
    "'''",
    "#!x\n",
    "=> ",
    "\n    ",
    "\n        ",
    "                                                                ",
    "                    ",
    // Many tokens in a row: what ends a statement is looked for only where many are open.
    "a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q+r+s+t+u+v+w+x+y+z+0+1+2+3+4+5+6+7+8+9+a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q+r+s+t+u+v",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn the_bound_is_not_below_what_is_measured(
        few in proptest::collection::vec(0..PIECES.len(), 1..12),
        all in any::<bool>(),
        picks in proptest::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..80),
        times in 1..6_usize,
    ) {
        let mut source = String::new();
        for (pick, space) in picks {
            source += PIECES[if all { pick.index(PIECES.len()) } else { few[pick.index(few.len())] }];
            source += if space { " " } else { "" };
        }
        for language in LANGUAGES {
            check(&source.repeat(times), language);
        }
    }
}
