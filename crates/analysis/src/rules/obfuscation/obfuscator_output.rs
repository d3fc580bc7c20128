//! The shapes that obfuscators leave: names, tables of texts, alphabets of six characters, protected byte code.

use std::sync::LazyLock;

use aho_corasick::packed;
use sigma_core::{Category, Severity};

use crate::facts::{Effects, When};
use crate::language::Language;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "obfuscator-output",
    category: Category::Obfuscation,
    capability: None,
    severity: Severity::Medium,
    message: "The code went through an obfuscator, which hides what it does.",
    why: "Source is published to be read. A tool that renames everything, hides every text in a table and decodes it \
          while running is used so that nobody can tell what the package does.",
    false_positives: "Minifiers shorten names but neither hide texts nor decode them, so they are not seen. Vendors who \
                      protect what they sell are: HIGH where nothing else explains it, CRITICAL where the code runs \
                       at installation, or starts something or talks to the network while it is loaded, or where a module \
                       is nothing but an encrypted block, which nobody can vouch for. A packer is MEDIUM. \
                       One line that gives many built-in functions other names, `exec` among them, is CRITICAL too.",
    example: include_str!("obfuscator_output/hit.js"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    if let Some(place) = source.facts.renamed {
        let hit = hits.at(source.facts, place).severity(Severity::High).loaded(Severity::Critical);
        hits.push(hit.message("Built-in functions get other names, many at once, to hide which of them is called."));
    }
    let text = source.facts.source;
    let Some((at, kind, strong)) = shape(source) else { return };
    let acts = Effects::EVAL | Effects::SPAWN | Effects::NET | Effects::NATIVE;
    // What cannot be told because the very names of modules are hidden counts as if it were known.
    let hides = || ["require(_0x", "import(_0x", "ethereum"].iter().any(|word| text.contains(word));
    let acting = source.calls(acts).any(|call| source.facts.when(call.place) == When::Load) || hides();
    let line = text.get(at..).unwrap_or_default().chars().take(120).collect::<String>();
    // Code that cannot be read at all need not show that it acts.
    let unreadable = strong && (kind.contains("PyArmor") || kind.contains("JSFuck"));
    // Nobody can say anything of a module that is nothing but an encrypted block.
    let encrypted = unreadable && memchr::memmem::find(text.as_bytes(), b"b'\\x50\\x59").is_some();
    // At installation nothing has to be protected from the reader.
    let [called, loaded, installed] = match strong {
        _ if encrypted => [Severity::High, Severity::Critical, Severity::Critical],
        _ if unreadable && kind.contains("JSFuck") => [Severity::High, Severity::Critical, Severity::Critical],
        _ if unreadable => [Severity::High; 3],
        true if acting => [Severity::High, Severity::Critical, Severity::Critical],
        true => [Severity::High, Severity::High, Severity::Critical],
        // Byte code and packers of a product apart, nobody publishes code that must be unpacked to be read.
        false => {
            [Severity::Medium, if kind.contains("packed") { Severity::High } else { Severity::Medium }, Severity::High]
        }
    };
    let hit = hits.at_offset(at, &line).severity(called).loaded(loaded).installed(installed).message(kind);
    hits.push(hit);
}

/// Where the first sign stands, what it is, and whether nothing but hiding explains it.
fn shape(source: &Source<'_>) -> Option<(usize, &'static str, bool)> {
    let (text, find) = (source.facts.source, |sign: &str| source.find(sign));
    let (bytes, facts) = (text.as_bytes(), source.facts);
    if facts.language == Language::Shell {
        return letters_by_place(text)
            .map(|at| (at, "The script takes its commands letter by letter out of a text.", true));
    }
    if facts.language == Language::Python {
        // What the file runs: tools that protect code, or look for it, speak of it in texts and import the same modules.
        for sign in ["__pyarmor__(", "pyarmor_runtime()"].into_iter().filter(|sign| source.holds(sign)) {
            let mut places = memchr::memmem::find_iter(bytes, sign.as_bytes()).take(100);
            if let Some(at) = places.find(|at| is_statement(&text[..*at], &text[*at..])) {
                return Some((at, "The code is protected by PyArmor: what runs cannot be read.", true));
            }
        }
        return walls(text).map(|at| (at, "Names are walls of characters that look alike.", true));
    }
    let (names, first) = hexadecimal_names(bytes);
    if names >= 20 {
        // The table of texts is turned until a sum fits: nothing else is written so.
        let turned = find("shift").is_some() && (find("!![]").is_some() || find("--").is_some());
        // Or the function that makes the table puts another in its own place, so that the table is made once.
        let once = text.contains("=function(){return _0x");
        return Some((first, RULE.message, turned && names >= 40 || once));
    }
    if let Some(at) = hexadecimal_table(bytes) {
        return Some((at, "Every constant stands in a table and is taken out of it by a hexadecimal number.", true));
    }
    if let Some(at) = table_made_once(bytes) {
        return Some((at, "Every text stands in a table that a function makes once and then stands in for.", true));
    }
    let packer = "eval(function(p,a,c,k,e,";
    if let Some(at) = find(packer) {
        return Some((at, "The code is packed: it is put together from words and run.", false));
    }
    for (sign, kind) in [
        ("(![]+[])[+", "The code is written with six characters (JSFuck)."),
        ("=~[];", "The code is written with signs only (JJEncode)."),
        ("\u{ff9f}\u{3c9}\u{ff9f}\u{ff89}", "The code is written as faces (AAEncode)."),
    ] {
        // A few pieces stand in tests of minifiers; a program needs thousands.
        let fits = |at: usize| signs_around(&bytes[at..]) || sign.starts_with('\u{ff9f}');
        if let Some(at) = find(sign).filter(|at| fits(*at)) {
            return Some((at, kind, true));
        }
    }
    None
}

/// True where protected code is called with its bytes, or its runtime started: `__pyarmor__(.., b'`, `pyarmor_runtime()`.
fn is_statement(before: &str, rest: &str) -> bool {
    let line = before.rsplit(['\n', ';']).next().unwrap_or(before).trim_start();
    let head = &rest.as_bytes()[..rest.len().min(120)];
    let bytes = memchr::memmem::find(head, b"b'").is_some() || memchr::memmem::find(head, b"b\"").is_some();
    line.is_empty() && (rest.starts_with("pyarmor_runtime()") || rest.starts_with("__pyarmor__(") && bytes)
}

/// Names such as `_0x3f2a`: how many, at most 200, and where the first stands.
fn hexadecimal_names(bytes: &[u8]) -> (u32, usize) {
    let (mut names, mut first) = (0, 0);
    for at in memchr::memmem::find_iter(bytes, b"_0x") {
        let digits = bytes[at + 3..].iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits >= 4 {
            first = if names == 0 { at } else { first };
            names += 1;
        }
        if names >= 200 {
            break;
        }
    }
    (names, first)
}

/// `function a(){const t=[..];a=function(){return t};return a()}` around a long list of texts, whatever the names: the
/// table of an obfuscator that was told to write short ones. Where the assignment stands.
fn table_made_once(bytes: &[u8]) -> Option<usize> {
    let name_before = |end: usize| {
        let start = bytes[..end].iter().rposition(|byte| !is_name(*byte)).map_or(0, |at| at + 1);
        bytes.get(start..end).filter(|name| !name.is_empty())
    };
    memchr::memmem::find_iter(bytes, b"=function(){return ").take(1_000).find(|at| {
        let Some(outer) = name_before(*at) else { return false };
        let rest = &bytes[at + 19..];
        let table = rest.iter().take_while(|byte| is_name(**byte)).count();
        let after = rest.get(table..).unwrap_or_default();
        let after = after.strip_prefix(b";").unwrap_or(after);
        let returns = [b"};return ", outer, b"();"].concat();
        // The list ends right before, with many texts in it.
        let before = at.checked_sub(outer.len() + 1).and_then(|end| bytes.get(end.saturating_sub(4_000)..=end));
        let texts = |before: &[u8]| memchr::memmem::find_iter(before, b"','").take(10).count() >= 10;
        table > 0 && after.starts_with(&returns) && before.is_some_and(|b| b.ends_with(b"];") && texts(b))
    })
}

/// True for a byte of a name.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')
}

/// `%text:~17,1%`, the way of a batch file to take one letter of a text, so often that words are made of it.
fn letters_by_place(text: &str) -> Option<usize> {
    let letter = |at: &usize| text[*at..].split('%').next().is_some_and(|place| place.ends_with(",1"));
    let mut found = memchr::memmem::find_iter(text.as_bytes(), b":~").filter(letter).take(8);
    let first = found.next()?;
    (found.count() == 7).then_some(first)
}

/// Members by hexadecimal numbers, `x[0x1f]`, so many that hardly a line is without: where the first stands. Minifiers
/// write numbers in decimal, and people write names.
fn hexadecimal_table(bytes: &[u8]) -> Option<usize> {
    // A list of numbers, `[0x4b, 0x212a]`, is no member of anything.
    let member = |at: &usize| {
        let of_something = at.checked_sub(1).is_some_and(|before| {
            bytes[before].is_ascii_alphanumeric() || matches!(bytes[before], b'_' | b'$' | b')' | b']')
        });
        let digits = bytes[at + 3..].iter().take(8).take_while(|byte| byte.is_ascii_hexdigit()).count();
        of_something && bytes.get(at + 3 + digits) == Some(&b']')
    };
    let mut found = memchr::memmem::find_iter(bytes, b"[0x").filter(member).take(400);
    let first = found.next()?;
    let count = 1 + found.count();
    let dense = count >= 400 || count * 60 > bytes.len();
    (count >= 60 && dense).then_some(first)
}

/// True where the next kilobyte holds hardly a letter.
fn signs_around(bytes: &[u8]) -> bool {
    let window = &bytes[..bytes.len().min(1024)];
    let letters = window.iter().filter(|byte| byte.is_ascii_alphanumeric()).count();
    window.len() >= 200 && letters * 5 < window.len()
}

/// What stands in such names; few sources hold any of it.
const SEED: [&str; 5] = ["lIl", "IlI", "OO0", "O0O", "_______"];
static SEEDS: LazyLock<Option<packed::Searcher>> = LazyLock::new(|| packed::Searcher::new(SEED));

/// Names of at least ten characters that are all `l`, `I`, `1`, or all `O`, `0`, or all underscores and those: where the
/// first stands, once there are twenty.
fn walls(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    SEEDS.as_ref().is_none_or(|seeds| seeds.find(bytes).is_some()).then_some(())?;
    let (mut found, mut first, mut next) = (0, 0, 0);
    for seed in SEED {
        for at in memchr::memmem::find_iter(bytes, seed.as_bytes()).take(2_000) {
            if at < next {
                continue;
            }
            let wall = |byte: &&u8| matches!(byte, b'l' | b'I' | b'1' | b'O' | b'0' | b'o' | b'_' | b'i' | b'j');
            let length = bytes[at..].iter().take(200).take_while(wall).count();
            let ends = !bytes.get(at + length).is_some_and(|byte| byte.is_ascii_alphanumeric());
            let begins = at.checked_sub(1).is_none_or(|before| !bytes[before].is_ascii_alphanumeric());
            // A line of underscores in a comment or a text is no name.
            let named = seed != "_______" || matches!(bytes.get(at + length), Some(b'(' | b'=' | b'.' | b','));
            if (10..200).contains(&length) && ends && begins && named {
                first = if found == 0 { at } else { first };
                found += 1;
                if found >= 20 {
                    return Some(first);
                }
            }
            next = at + length;
        }
        next = 0;
    }
    None
}
