//! Names: the one spelling of a dotted name, which environment variables speak of secrets, what is the name of a file.

use oxc_allocator::Allocator;

use super::value::{Constant, MAX_TEXT, Text};
use super::words::Words;

/// Longest dotted name that is followed.
const MAX_PATH: usize = 160;

/// `base` and `name` joined by a dot, in the one spelling that the table of APIs uses; nothing when it grows too long.
pub(super) fn join<'a>(arena: &'a Allocator, base: &str, name: &str) -> Option<Text<'a>> {
    if base.len() + name.len() >= MAX_PATH {
        return None;
    }
    let transparent = matches!(name, "default" | "__dict__" | "__wrapped__" | "prototype");
    if transparent {
        return Some(Text::made(arena, base));
    }
    if base == "module" && name == "_load" {
        return Some("require".into());
    }
    if matches!(name, "get" | "__getitem__" | "__getattribute__") && matches!(base, "builtins" | "__builtins__") {
        return Some("builtins.get".into());
    }
    if TRANSPARENT_BASES.contains(base) {
        return Some(Text::made(arena, name));
    }
    Some(put_together(arena, [base, ".", name]))
}

/// The name of what calling `path` returns; nothing when it grows too long.
pub(super) fn join_call<'a>(arena: &'a Allocator, path: &str) -> Option<Text<'a>> {
    (path.len() < MAX_PATH).then(|| put_together(arena, [path, "()", ""]))
}

/// The one spelling of three pieces in a row, at most [`MAX_PATH`] and two bytes: made in place, since there is one for
/// every member and every call of a file.
fn put_together<'a>(arena: &'a Allocator, pieces: [&str; 3]) -> Text<'a> {
    let mut whole = [0; MAX_PATH + 2];
    let mut length = 0;
    for piece in pieces {
        if let Some(room) = whole.get_mut(length..length + piece.len()) {
            room.copy_from_slice(piece.as_bytes());
            length += piece.len();
        }
    }
    match std::str::from_utf8(&whole[..length]) {
        Ok(whole) => canonical(arena, whole),
        Err(_) => Text::from(""),
    }
}

/// Objects whose members are the globals themselves.
static TRANSPARENT_BASES: Words<12> = Words::new([
    "globalThis",
    "window",
    "global",
    "self",
    "builtins",
    "__builtins__",
    "__builtin__",
    "globals()",
    "locals()",
    "process.mainModule",
    "require.main",
    "module",
]);

/// The one spelling of a name that goes by several.
fn canonical<'a>(arena: &'a Allocator, path: &str) -> Text<'a> {
    // Most names begin like none of these.
    if !matches!(
        path.as_bytes(),
        [b'p', b'a' | b'o' | b'r', ..]
            | [b'c', b'o' | b'r', ..]
            | [b'm', b'o', ..]
            | [b'F' | b'u' | b'n', ..]
            | [b'O', b'b', ..]
            | [b's', b'i' | b'y', ..]
    ) {
        return Text::made(arena, path);
    }
    let exact = match path {
        "pathlib.Path.home()"
        | "pathlib.Path.cwd()"
        | "pathlib.PosixPath()"
        | "pathlib.PurePath()"
        | "pathlib.Path().joinpath()"
        | "pathlib.Path().resolve()"
        | "pathlib.Path().expanduser()"
        | "pathlib.Path().absolute()"
        | "pathlib.Path().with_name()"
        | "pathlib.Path().with_suffix()" => "pathlib.Path()",
        "constructor._load" | "createRequire()" | "module.createRequire()" | "module.constructor._load" => "require",
        "process.getBuiltinModule" => "require",
        "Function.constructor" | "Object.getPrototypeOf().constructor" => "Function",
        "process.binding" | "process._linkedBinding" => "process.binding",
        _ => "",
    };
    if !exact.is_empty() {
        return exact.into();
    }
    for (from, to) in [
        ("posix.", "os."),
        ("sys.modules.", ""),
        ("nt.", "os."),
        ("six.moves.", ""),
        ("urllib.request.request.", "urllib.request."),
    ] {
        if let Some(rest) = path.strip_prefix(from) {
            return Text::Made(arena.alloc_concat_strs_array([to, rest]));
        }
    }
    Text::made(arena, path)
}

/// The spelling of a JavaScript module's name: `node:fs/promises` is `fs.promises`.
pub(super) fn module(name: &str) -> String {
    let name = name.strip_prefix("node:").unwrap_or(name);
    match name {
        "fs/promises" => "fs.promises".into(),
        "stream/promises" => "stream.promises".into(),
        "dns/promises" => "dns.promises".into(),
        "graceful-fs" => "fs".into(),
        "builtins" | "__builtin__" => "builtins".into(),
        "posix" | "nt" => "os".into(),
        _ => name.to_owned(),
    }
}

/// The name under which a module is listed: the package, without what is inside of it.
pub(super) fn package_of(module: &str) -> &str {
    let end = match module.strip_prefix('@') {
        Some(scoped) => scoped.match_indices('/').nth(1).map(|(at, _)| at + 1),
        None => module.find(['/', '.']),
    };
    &module[..end.unwrap_or(module.len())]
}

/// True for a path with a part that programs, and not users, keep: `~/.cache/tool`.
pub(super) fn is_own_folder(constant: &Constant<'_>) -> bool {
    let (Constant::Text(text) | Constant::Prefix(text)) = constant else { return false };
    text.len() <= MAX_TEXT
        && text.split(['/', '\\']).any(|part| {
            matches!(part, "AppData" | "Library") || part.len() > 1 && part.starts_with('.') && !part.starts_with("..")
        })
}

/// True when the name of an environment variable speaks of a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let words =
        ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "CREDENTIALS", "APIKEY", "MNEMONIC"];
    let pairs = ["API_KEY", "ACCESS_KEY", "PRIVATE_KEY", "SECRET_KEY", "AUTH_KEY", "ENCRYPTION_KEY"];
    name.split(['_', '-', '.']).any(|part| words.contains(&part)) || pairs.iter().any(|pair| name.contains(pair))
}

/// The part of a dotted name before the last dot, and the one after it.
pub(super) fn split_last(path: &str) -> Option<(&str, &str)> {
    let dot = memchr::memrchr(b'.', path.as_bytes())?;
    Some((&path[..dot], &path[dot + 1..]))
}

/// The last part of a dotted name.
pub(super) fn last_part(path: &str) -> &str {
    split_last(path).map_or(path, |(_, name)| name)
}

/// The last part of a path, when it names a file; a variable's name otherwise.
pub(super) fn file_name(path: &str) -> &str {
    let name = memchr::memrchr2(b'/', b'\\', path.as_bytes()).map_or(path, |at| &path[at + 1..]);
    if name.len() > 2 { name } else { path }
}

/// True for a text that ends in a file's name: `\\setup.exe`.
pub(super) fn names_file(text: &str) -> bool {
    let name = file_name(text);
    let extension = memchr::memrchr(b'.', name.as_bytes()).map_or("", |at| &name[at + 1..]);
    name.len() <= 200
        && (1..=5).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_spelling() {
        let arena = Allocator::default();
        assert_eq!(&*join(&arena, "globalThis", "eval").unwrap(), "eval");
        assert_eq!(&*join(&arena, "axios", "default").unwrap(), "axios");
        assert_eq!(&*join(&arena, "posix", "system").unwrap(), "os.system");
        assert!(join(&arena, &"a".repeat(200), "b").is_none());
        assert_eq!(module("node:fs/promises"), "fs.promises");
        assert_eq!((package_of("@a/b/c"), package_of("a/b"), package_of("os.path")), ("@a/b", "a", "os"));
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        assert!(["NPM_TOKEN", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "openai_api_key"].into_iter().all(is_secret));
        assert!(["PATH", "TOKENIZERS_PARALLELISM", "NODE_ENV", "KEYBOARD"].into_iter().all(|name| !is_secret(name)));
    }
}
