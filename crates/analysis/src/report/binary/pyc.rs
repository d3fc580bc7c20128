//! What Python's compiled files name.
//!
//! In: the bytes of a `.pyc`. Out: the names and texts of its code objects. The format is that of `marshal` (CPython,
//! Python/marshal.c); it is read with a list of things to do instead of recursion, every length is checked against what
//! is left, and nothing is ever rebuilt or run.

use std::collections::BTreeSet;

use sigma_core::Capability;

use crate::facts::{Taint, find_mention};

/// Names of one file that are kept.
const MAX_NAMES: usize = 20_000;
/// Texts of one file that are kept.
const MAX_TEXTS: usize = 20_000;
/// Bytes of all kept texts.
const MAX_TEXT_BYTES: usize = 4 << 20;
/// Objects of one file that are read; a file of ordinary code has one for every ten bytes.
const MAX_OBJECTS: usize = 1_000_000;
/// Objects inside objects; the compiler itself stops at a hundred levels of code.
const MAX_DEPTH: usize = 10_000;

/// What a compiled file names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Compiled {
    /// Names of modules, functions, attributes and globals.
    pub names: BTreeSet<String>,
    /// Texts among its constants, in order.
    pub texts: Vec<String>,
    /// Whether all of it could be read.
    pub whole: bool,
}

impl Compiled {
    /// Reads a compiled file as far as it can be read.
    pub fn read(bytes: &[u8]) -> Self {
        let mut compiled = Self::default();
        let Some(layout) = Layout::of(bytes) else { return compiled };
        let mut reader =
            Reader { rest: bytes.get(layout.header..).unwrap_or_default(), refs: Vec::new(), interned: Vec::new() };
        compiled.whole = reader.all(&layout, &mut compiled).is_some();
        compiled
    }

    /// True when one of its names is `name`, or a part of a dotted one.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    fn any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.has(name))
    }

    /// What its names make it able to do.
    pub fn capabilities(&self) -> BTreeSet<Capability> {
        let table: [(&[&str], Capability); 5] = [
            (NETWORK, Capability::NetworkClient),
            (SPAWN, Capability::Process),
            (RUN, Capability::DynamicCode),
            (&["environ", "getenv"], Capability::Environment),
            (&["ctypes", "CDLL", "WinDLL"], Capability::NativeCode),
        ];
        table.into_iter().filter(|(names, _)| self.any(names)).map(|(_, capability)| capability).collect()
    }

    /// What about it a rule would not take for ordinary, in words.
    pub fn suspicion(&self) -> Option<&'static str> {
        let mentions =
            |taint: Taint| self.texts.iter().any(|text| find_mention(text).is_some_and(|m| taint.any(m.taint)));
        let (runs, spawns, network) = (self.any(RUN), self.any(SPAWN), self.any(NETWORK));
        match () {
            _ if runs && self.any(DECODE) => Some("decodes and runs code"),
            _ if runs && network => Some("loads code over the network and runs it"),
            _ if network && mentions(Taint::CREDENTIAL_PATH) => {
                Some("names a store of credentials and connects to somebody")
            }
            _ if network && mentions(Taint::EXFIL_HOST) => Some("names an address that collects stolen data"),
            _ if network && spawns && self.texts.iter().any(|text| text.contains("://")) => {
                Some("connects to an address and starts programs")
            }
            _ => None,
        }
    }

    /// A name or an address in it that `source` does not hold, and whether it is one that does something.
    pub fn missing_from(&self, source: &str) -> Option<(String, bool)> {
        let words: std::collections::HashSet<&str> =
            source.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).collect();
        // The compiler gives a class's private names its own, and writes names of its own between two underscores.
        let own = |name: &str| (name.starts_with("__") && name.ends_with("__")) || name.starts_with('.');
        let mangled =
            |name: &str| name.strip_prefix('_').and_then(|name| name.find("__").map(|at| name[at..].to_owned()));
        let known =
            |name: &str| words.contains(name) || mangled(name).is_some_and(|name| words.contains(name.as_str()));
        let mut missing = self.names.iter().filter(|name| !own(name) && name.is_ascii() && !known(name));
        let acts = |name: &&String| [RUN, SPAWN, NETWORK, DECODE].iter().any(|list| list.contains(&name.as_str()));
        if let Some(name) = missing.clone().find(acts) {
            return Some((name.clone(), true));
        }
        let host = |text: &String| Some(text.split_once("://")?.1.split(['/', ':', '?']).next()?.to_owned());
        let hosts = self.texts.iter().filter_map(host).filter(|host| host.contains('.') && host.is_ascii());
        if let Some(host) =
            hosts.into_iter().find(|host| !host.split('.').all(|part| words.contains(part) || part.contains('-')))
        {
            return Some((host, true));
        }
        missing.next().map(|name| (name.clone(), false))
    }
}

const RUN: &[&str] = &["exec", "eval", "execfile", "compile", "run_code"];
const DECODE: &[&str] = &[
    "b64decode",
    "b32decode",
    "b85decode",
    "a85decode",
    "unhexlify",
    "fromhex",
    "decompress",
    "Fernet",
    "decrypt",
    "loads",
];
const SPAWN: &[&str] = &[
    "system",
    "popen",
    "Popen",
    "subprocess",
    "check_output",
    "startfile",
    "spawnl",
    "spawnv",
    "execv",
    "execve",
    "create_subprocess_shell",
    "create_subprocess_exec",
];
const NETWORK: &[&str] = &[
    "urlopen",
    "urlretrieve",
    "requests",
    "socket",
    "httpx",
    "aiohttp",
    "urllib3",
    "HTTPSConnection",
    "HTTPConnection",
    "create_connection",
    "websocket",
    "paramiko",
];

/// How a version of Python lays out a code object.
struct Layout {
    /// Bytes before the first object.
    header: usize,
    /// Numbers before the first object of a code object.
    numbers: usize,
    /// Objects: code, constants, names and so on.
    objects: &'static [Role],
    /// Objects behind the line number.
    behind: usize,
}

impl Layout {
    /// By the magic number (importlib/_bootstrap_external.py lists them).
    fn of(bytes: &[u8]) -> Option<Self> {
        use Role::{Code, Constant, Name, Other};
        // Code, constants, names, locals, free and cell variables, file, name; or, from 3.11 on: code, constants, names,
        // locals, their kinds, file, name, qualified name.
        const OBJECTS: &[Role] = &[Code, Constant, Name, Name, Other, Other, Other, Other];
        let magic = u16::from_le_bytes([*bytes.first()?, *bytes.get(1)?]);
        Some(match magic {
            // Python 2.3 to 2.7.
            62_000..=62_300 => Self { header: 8, numbers: 4, objects: OBJECTS, behind: 1 },
            3000..=3219 => Self { header: 8, numbers: 5, objects: OBJECTS, behind: 1 },
            3220..=3389 => Self { header: 12, numbers: 5, objects: OBJECTS, behind: 1 },
            3390..=3400 => Self { header: 16, numbers: 5, objects: OBJECTS, behind: 1 },
            // 3.8: positional-only arguments.
            3401..=3449 => Self { header: 16, numbers: 6, objects: OBJECTS, behind: 1 },
            // 3.11: one table of locals, a qualified name, a table of exceptions.
            3450..=3999 => Self { header: 16, numbers: 5, objects: OBJECTS, behind: 2 },
            _ => return None,
        })
    }
}

/// What an object is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Bytecode, which is not read.
    Code,
    /// Constants: texts among them are kept.
    Constant,
    /// Names.
    Name,
    /// Anything else.
    Other,
}

/// Something left to read.
enum Task {
    /// So many objects in this role.
    Objects(Role, usize),
    /// Pairs of objects until a null.
    Pairs,
    /// A number.
    Number,
}

struct Reader<'a> {
    rest: &'a [u8],
    /// Texts that later objects may point to; anything else is empty.
    refs: Vec<&'a [u8]>,
    /// The same for interned texts of Python 2.
    interned: Vec<&'a [u8]>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<usize> {
        self.take(1).map(|bytes| usize::from(bytes[0]))
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    /// A count of things that take a byte each at least.
    fn length(&mut self) -> Option<usize> {
        let length = self.number()? as usize;
        (length <= self.rest.len()).then_some(length)
    }

    /// Reads the object at the beginning and all inside it. Nothing when it is damaged or too large.
    fn all(&mut self, layout: &Layout, compiled: &mut Compiled) -> Option<()> {
        let mut tasks = vec![Task::Objects(Role::Constant, 1)];
        let (mut objects, mut bytes) = (0, 0);
        while let Some(task) = tasks.pop() {
            let role = match task {
                Task::Number => {
                    self.number()?;
                    continue;
                }
                Task::Objects(_, 0) => continue,
                Task::Objects(role, 1) => role,
                Task::Objects(role, count) => {
                    tasks.push(Task::Objects(role, count - 1));
                    role
                }
                Task::Pairs if self.rest.first() == Some(&b'0') => {
                    self.take(1)?;
                    continue;
                }
                Task::Pairs => {
                    tasks.push(Task::Pairs);
                    Role::Other
                }
            };
            objects += 1;
            if objects > MAX_OBJECTS || tasks.len() > MAX_DEPTH {
                return None;
            }
            let kind = self.byte()? as u8;
            let text = self.object(kind & 0x7f, kind & 0x80 != 0, role, layout, &mut tasks)?;
            let Some(text) = text.filter(|text| !text.is_empty()) else { continue };
            match role {
                Role::Name if compiled.names.len() < MAX_NAMES && text.len() <= 300 => {
                    let name = String::from_utf8_lossy(text);
                    compiled.names.extend(name.split('.').filter(|part| !part.is_empty()).map(str::to_owned));
                }
                Role::Constant if compiled.texts.len() < MAX_TEXTS && bytes + text.len() <= MAX_TEXT_BYTES => {
                    bytes += text.len();
                    compiled.texts.push(String::from_utf8_lossy(text).into_owned());
                }
                Role::Name | Role::Constant => return None,
                Role::Code | Role::Other => {}
            }
        }
        Some(())
    }

    /// Reads one object; what it holds goes on the list of tasks. Gives its text, if it is one.
    fn object(
        &mut self,
        kind: u8,
        referred: bool,
        role: Role,
        layout: &Layout,
        tasks: &mut Vec<Task>,
    ) -> Option<Option<&'a [u8]>> {
        let at = self.refs.len();
        if referred {
            self.refs.push(&[]);
        }
        let text = match kind {
            b'0' | b'N' | b'F' | b'T' | b'S' | b'.' => None,
            b'i' => self.take(4).map(|_| None)?,
            b'I' | b'g' => self.take(8).map(|_| None)?,
            b'y' => self.take(16).map(|_| None)?,
            b'f' | b'x' => {
                for _ in 0..if kind == b'f' { 1 } else { 2 } {
                    let length = self.byte()?;
                    self.take(length)?;
                }
                None
            }
            b'l' => {
                let digits = self.number()?.cast_signed().unsigned_abs() as usize;
                self.take(digits.checked_mul(2)?).map(|_| None)?
            }
            b's' | b'u' | b'a' | b'A' | b't' => {
                let length = self.length()?;
                let text = self.take(length)?;
                if kind == b't' {
                    self.interned.push(text);
                }
                Some(text)
            }
            b'z' | b'Z' => {
                let length = self.byte()?;
                Some(self.take(length)?)
            }
            b'R' | b'r' => {
                let at = self.number()? as usize;
                let texts = if kind == b'r' { &self.refs } else { &self.interned };
                Some(*texts.get(at)?)
            }
            b'(' | b'[' | b'<' | b'>' => {
                let count = self.length()?;
                tasks.push(Task::Objects(role, count));
                None
            }
            b')' => {
                let count = self.byte()?;
                tasks.push(Task::Objects(role, count));
                None
            }
            b'{' => {
                tasks.push(Task::Pairs);
                None
            }
            b':' => {
                tasks.push(Task::Objects(Role::Other, 3));
                None
            }
            b'c' => {
                self.take(layout.numbers * 4)?;
                tasks.push(Task::Objects(Role::Other, layout.behind));
                tasks.push(Task::Number);
                tasks.extend(layout.objects.iter().rev().map(|role| Task::Objects(*role, 1)));
                None
            }
            _ => return None,
        };
        if let (true, Some(text)) = (referred, text) {
            self.refs[at] = text;
        }
        Some(text)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn short(text: &str) -> Vec<u8> {
        [vec![b'z', text.len() as u8], text.as_bytes().to_vec()].concat()
    }

    fn tuple(items: Vec<Vec<u8>>) -> Vec<u8> {
        [vec![b')', items.len() as u8], items.concat()].concat()
    }

    /// A `.pyc` of Python 3.12 whose code has these names and texts.
    pub fn pyc(names: &[&str], texts: &[&str]) -> Vec<u8> {
        let mut file = vec![0xcb, 0x0d, b'\r', b'\n'];
        file.extend([0; 12]);
        file.push(b'c' | 0x80);
        file.extend([0; 20]);
        file.extend([b's', 2, 0, 0, 0, 9, 0]);
        file.extend(tuple(texts.iter().map(|text| short(text)).collect()));
        file.extend(tuple(names.iter().map(|name| short(name)).collect()));
        file.extend(tuple(Vec::new()));
        file.extend([b's', 0, 0, 0, 0]);
        file.extend([short("a.py"), short("<module>"), short("<module>")].concat());
        file.extend([1, 0, 0, 0]);
        file.extend([b's', 0, 0, 0, 0, b's', 0, 0, 0, 0]);
        file
    }

    #[test]
    fn names_and_texts_are_read() {
        let compiled = Compiled::read(&pyc(&["os", "a.b"], &["https://example.org/x", "N"]));
        assert!(compiled.whole);
        assert_eq!(compiled.names.iter().map(String::as_str).collect::<Vec<_>>(), ["a", "b", "os"]);
        assert_eq!(compiled.texts, ["https://example.org/x", "N"]);
        assert!(compiled.capabilities().is_empty() && compiled.suspicion().is_none());
    }

    #[test]
    fn references_are_followed() {
        let mut file = vec![0xcb, 0x0d, b'\r', b'\n'];
        file.extend([0; 12]);
        // A tuple of a text that is kept, a reference to it, and one to the tuple itself.
        file.extend([b')' | 0x80, 3, b'z' | 0x80, 2, b'h', b'i', b'r', 1, 0, 0, 0, b'r', 0, 0, 0, 0]);
        let compiled = Compiled::read(&file);
        assert!(compiled.whole);
        assert_eq!(compiled.texts, ["hi", "hi"]);
    }

    #[test]
    fn hostile_files_end_early() {
        let mut deep = vec![0xcb, 0x0d, b'\r', b'\n'];
        deep.extend([0; 12]);
        deep.extend(b")\x02".repeat(1_000_000));
        assert!(!Compiled::read(&deep).whole);
        let mut huge = deep[..16].to_vec();
        huge.extend([b'(', 0xff, 0xff, 0xff, 0x7f]);
        assert!(!Compiled::read(&huge).whole);
        let file = pyc(&["exec"], &["x"]);
        for end in 0..file.len() {
            assert!(!Compiled::read(&file[..end]).whole);
        }
        for at in 16..file.len() {
            for value in [0, b'r', b'l', b'{', 0xff] {
                let mut changed = file.clone();
                changed[at] = value;
                Compiled::read(&changed);
            }
        }
    }

    #[test]
    fn what_is_missing_from_the_source_is_told() {
        let compiled = |names: &[&str], texts: &[&str]| Compiled::read(&pyc(names, texts));
        let source = "import os\nclass A:\n    def __x(self): pass\nURL = 'https://a.example.org/'\n";
        assert_eq!(compiled(&["os", "_A__x", "__name__"], &["https://a.example.org/"]).missing_from(source), None);
        assert_eq!(compiled(&["os", "system"], &[]).missing_from(source), Some(("system".into(), true)));
        assert_eq!(compiled(&["old_name"], &[]).missing_from(source), Some(("old_name".into(), false)));
        let other = compiled(&["os"], &["https://b.example.net/"]).missing_from(source);
        assert_eq!(other, Some(("b.example.net".into(), true)));
    }

    #[test]
    fn combinations_are_suspicious() {
        let of = |names: &[&str], texts: &[&str]| Compiled::read(&pyc(names, texts)).suspicion();
        assert!(of(&["exec", "b64decode"], &[]).is_some());
        assert!(of(&["exec", "urlopen"], &[]).is_some());
        assert!(of(&["requests", "post"], &["https://example.org"]).is_none());
        assert!(of(&["subprocess", "run"], &[]).is_none());
    }
}
