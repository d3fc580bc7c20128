//! Declarations made fit to show: printable, and without the credentials that URLs may carry.

use sigma_core::printable;

/// Longest declaration shown, in characters.
const LONGEST: usize = 300;

/// A declaration as written, without credentials and query strings in its URLs, printable and cut to a length.
pub(super) fn declaration(text: &str) -> String {
    // What lies far beyond the cut is not looked at; the margin is for credentials that are taken out.
    let mut end = text.len().min(16 << 10);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut rest = &text[..end];
    let mut clean = String::with_capacity(rest.len());
    while let Some(at) = rest.find("//") {
        let (before, after) = rest.split_at(at + 2);
        clean.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';')).unwrap_or(after.len());
        let (url, tail) = after.split_at(end);
        clean.push_str(&without_secrets(url));
        rest = tail;
    }
    clean.push_str(rest);
    printable(clean.trim(), LONGEST)
}

/// `url` is what follows `//`: `user:password@host/path?query#fragment`.
fn without_secrets(url: &str) -> String {
    let authority = &url[..url.find(['/', '?', '#', '\\']).unwrap_or(url.len())];
    let mut kept = url;
    if let Some(at) = authority.rfind('@') {
        kept = &url[at + 1..];
    } else if let Some((_, port)) = authority.split_once(':')
        && !port.bytes().all(|b| b.is_ascii_digit())
        && let Some(at) = url.rfind('@')
    {
        // Not a port, so a password that holds a slash or the like: everything up to the last `@` goes.
        kept = &url[at + 1..];
    }
    match kept.split_once('?') {
        None => kept.to_owned(),
        Some((path, query)) => match query.split_once('#') {
            Some((_, fragment)) => format!("{path}?…#{fragment}"),
            None => format!("{path}?…"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::declaration;

    #[test]
    fn credentials_are_removed_and_the_rest_is_kept() {
        let check = |text: &str, expect: &str| assert_eq!(declaration(text), expect);
        check("requests==2.0", "requests==2.0");
        check("-i https://user:pa55@host/simple/", "-i https://host/simple/");
        check("a @ git+https://token@github.com/o/r@v1.0#egg=a", "a @ git+https://github.com/o/r@v1.0#egg=a");
        check("https://h/a.whl?sig=SECRET#sha256=00", "https://h/a.whl?…#sha256=00");
        check("https://user:pa/55@host/x", "https://host/x");
        check("https://host:8080/x@1", "https://host:8080/x@1");
        check("https://a:b@h/ and https://c:d@i/", "https://h/ and https://i/");
        check("//registry/:_x=\u{1b}[0m", "//registry/:_x=\\u{1b}[0m");
        assert!(declaration(&"é".repeat(100_000)).len() < 700);
    }
}
