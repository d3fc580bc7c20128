//! Built-in functions that are followed rather than reported: what joins, decodes, loads, looks up or hands on.
//!
//! In: the name of a built-in function and its arguments. Out: the value it yields, or nothing for one that is not known here.

use super::bits::{Effects, Signs, Taint};
use super::builder::{Argument, Builder, MAX_FACTS};
use super::expression::union;
use super::links::LOCAL;
use super::name::{is_own_folder, names_file};
use super::told::{hidden, origin_of};
use super::value::{Constant, Text, Value};
use super::{Call, Place, api, fold, name};
use crate::language::Language;

impl<'a> Builder<'a> {
    /// Built-in functions that are followed rather than reported. None is a name of another file or what a call yields.
    pub(super) fn call_builtin(
        &mut self,
        path: &str,
        arguments: &[Argument<'a>],
        taint: Taint,
        place: Place,
    ) -> Option<Value<'a>> {
        if path.starts_with(LOCAL) || path.contains('(') {
            return None;
        }
        let value = |index: usize| arguments.get(index).map(|argument| &argument.value);
        let text = |index: usize| value(index).and_then(Value::as_text);
        let plain = || -> Vec<&Value<'a>> { arguments.iter().map(|argument| &argument.value).collect() };
        let result = match path {
            // The text of such an address is the module: `import("data:text/javascript," + text)`.
            "import" if value(0).and_then(Value::as_prefix).is_some_and(|text| text.starts_with("data:")) => {
                let taint =
                    taint | if value(0)?.as_prefix()?.contains(";base64") { Taint::DECODED } else { Taint::NONE };
                self.note_sink(Effects::EVAL, taint, place);
                if self.facts.calls.len() < MAX_FACTS {
                    let (path, arguments) = (Text::from("import"), arguments.to_vec());
                    let effects = Effects::EVAL | Effects::IMPORT;
                    self.facts.calls.push(Call {
                        path,
                        effects,
                        arguments,
                        taint,
                        discarded: false,
                        waits: self.waiting.now,
                        place,
                    });
                }
                Value::tainted(taint)
            }
            "require" | "__import__" | "importlib.import_module" | "importlib.__import__" | "import" => {
                // A module that was downloaded is code that was downloaded.
                // A bare name is looked up among the installed packages, whatever else is called so.
                let bare = |argument: &Argument<'a>| {
                    argument.value.as_text().is_some_and(|text| !text.contains(['.', '/', '\\']))
                };
                let file = if arguments.first().is_some_and(bare) { &[] } else { arguments };
                if let Some(module) = text(0).filter(|module| self.language == Language::Python && module.len() <= 60) {
                    let module = module.to_owned();
                    self.imports_fetched(&module, place);
                }
                let fetched = self.downloaded_among(file);
                self.note_sink(Effects::EVAL, fetched, place);
                let loaded = fetched | taint;
                if loaded.any(Taint::DOWNLOADED | Taint::REMOTE) && self.has_room(Effects::EVAL) {
                    let (path, effects) = (self.made(path), Effects::EVAL);
                    let arguments = arguments.to_vec();
                    self.facts.calls.push(Call {
                        path,
                        effects,
                        arguments,
                        taint: loaded,
                        discarded: false,
                        waits: self.waiting.now,
                        place,
                    });
                }
                if taint.any(Taint::CREDENTIAL_PATH) {
                    return Some(Value::tainted(Taint::CREDENTIAL | Taint::FILE));
                }
                if taint.any(Taint::DECODED) {
                    self.sign(Signs::HIDDEN_MODULE, "a module whose name an encoding hides", place);
                }
                let module = text(0).filter(|module| module.len() <= 500)?.to_owned();
                let value = self.import(&module);
                // `import a.b` in Python yields `a`, import_module yields `a.b`.
                // With a list of names from it, the module itself.
                let named = arguments.iter().enumerate().any(|(at, argument)| {
                    (argument.name.as_deref() == Some("fromlist") || argument.name.is_none() && at == 3)
                        && !argument.value.items().is_empty()
                });
                let top = path == "__import__" && !module.starts_with('.') && !named;
                if top { Value::at_path(self.made(name::package_of(&module))) } else { value }
            }
            // `eval("os.system")` is the function itself.
            "eval" if text(0).is_some_and(is_dotted) => {
                let name = text(0)?.to_owned();
                let mut parts = name.split('.');
                let mut value = self.name_of(parts.next()?);
                for part in parts {
                    value = self.member(&value, part, place);
                }
                value.path.as_deref().filter(|path| !api::effects(path).is_empty())?;
                value
            }
            "getattr" | "Reflect.get" => {
                let (object, key) = (value(0)?.clone(), value(1)?.clone());
                // A name that callers give is hidden by nobody.
                let worked_out = key.as_text().is_none() && (key.taint.any(Taint::DECODED) || !key.taint.is_given());
                if matches!(object.path.as_deref(), Some("builtins" | "__builtins__")) && worked_out {
                    return Some(Value::at_path("builtins.computed"));
                }
                self.index(&object, &key, place)
            }
            // `vars(builtins).get("exec")`
            "builtins.get" => self.name_of(text(0)?),
            "os.path.expanduser" => {
                let mut value = value(0)?.clone();
                let home = value.as_prefix().is_some_and(|text| text.starts_with('~'));
                if home && !is_own_folder(&value.constant) {
                    value.taint |= Taint::HOME;
                }
                value
            }
            // Whoever fills in arguments means to call it.
            "functools.partial" if arguments.len() > 1 => {
                self.call(value(0)?.clone(), arguments[1..].to_vec(), Taint::NONE, place);
                value(0)?.clone()
            }
            "str" | "String" if value(0)?.path.is_some() && !value(0)?.whole_taint().is_empty() => {
                let value = value(0)?;
                Value { path: None, taint: value.whole_taint(), ..value.clone() }
            }
            "vars" | "staticmethod" | "classmethod" | "util.promisify" | "functools.partial" | "Promise.resolve"
            | "str" | "String" | "shlex.quote" | "os.fspath" | "os.path.expandvars" | "os.path.abspath"
            | "os.path.normpath" | "path.normalize" | "Object.freeze" => value(0)?.clone(),
            "tslib.__importDefault"
            | "tslib.__importStar"
            | "@babel/runtime/helpers/interopRequireDefault"
            | "@babel/runtime/helpers/interopRequireWildcard" => value(0)?.clone(),
            "setattr" | "Object.defineProperty" => {
                let (object, key) = (value(0)?.clone(), text(1).map(str::to_owned));
                let held = match path {
                    "setattr" => value(2)?.clone(),
                    _ => value(2)?.field("value")?.clone(),
                };
                self.set_member(&object, key.as_deref(), &held);
                Value::default()
            }
            // Whoever makes a Proxy means its traps to run.
            "Proxy" => {
                if let Constant::Record(traps) = &value(1)?.constant {
                    let traps: Vec<u32> = traps.iter().filter_map(|(_, trap)| trap.function).collect();
                    traps.into_iter().for_each(|trap| self.runs(trap));
                }
                let mut made = value(0)?.clone();
                made.taint |= taint;
                made
            }
            "dict" | "Object.assign" | "JSON.stringify" | "json.dumps" | "Object.entries" | "Object.fromEntries"
            | "Object.values" => Value::tainted(taint),
            // Whoever goes through the names of all variables means to read them.
            "Object.keys" => Value::tainted(value(0)?.whole_taint().and(Taint::ENV_ALL)),
            "chr" | "String.fromCharCode" | "String.fromCodePoint" => {
                let constant = self.pay(|arena| fold::characters(arena, &plain()));
                // One that is not known may be a drive's letter or a variable's name.
                let lone = path == "chr" && matches!(constant, Constant::Unknown);
                let hidden = match &constant {
                    _ if lone => Taint::CHARACTER,
                    // A control, a space or a quote is written so because it cannot be written otherwise.
                    Constant::Text(text) if is_one(text) && !text.contains(char::is_alphanumeric) => Taint::NONE,
                    Constant::Text(text) if is_one(text) && path == "chr" => Taint::CHARACTER,
                    _ => Taint::DECODED,
                };
                Value { constant, taint: taint | hidden, ..Value::default() }
            }
            // An object that hands out its bytes one by one is a decoder of its own.
            "bytes" | "bytearray" if value(0).is_some_and(|own| self.has_method(own, "__iter__")) => {
                let own = value(0)?.clone();
                self.runs_methods(&own, &["__iter__"]);
                Value::tainted(taint | Taint::DECODED)
            }
            "bytes" | "bytearray" | "Buffer.from" if value(0).is_some_and(|list| !list.items().is_empty()) => {
                let items: Vec<&Value<'a>> = value(0)?.items().iter().collect();
                let constant = self.pay(|arena| fold::characters(arena, &items));
                Value { constant, taint: taint | Taint::DECODED, ..Value::default() }
            }
            "Buffer.from" | "Buffer" => match text(1) {
                Some(encoding @ ("base64" | "hex" | "base64url")) => {
                    let Constant::Text(text) = &value(0)?.constant else {
                        return Some(Value::tainted(taint | Taint::DECODED));
                    };
                    self.budget = self.budget.saturating_sub(text.len() / 4);
                    let constant = self.pay(|arena| fold::decode(arena, encoding, text));
                    if text.starts_with(['%', '{']) && matches!(constant, Constant::Unknown) {
                        // A place that another program fills in: what it puts there is encoded to be carried.
                        return Some(Value::tainted(taint));
                    }
                    let taint = taint | self.look_at_decoded(&constant, place) | hidden(value(0)?);
                    Value { constant, taint: taint | Taint::DECODED, ..Value::default() }
                }
                _ => value(0)?.clone(),
            },
            "os.path.join" | "path.join" | "path.resolve" | "pathlib.Path" | "path.posix.join" => {
                return Some(self.joined_path(path, &plain(), named_by(&plain()), place));
            }
            _ => return None,
        };
        Some(result)
    }

    /// A path put together; parts that are not known stand as `?`, so that the rest is still recognised.
    pub(super) fn joined_path(&mut self, path: &str, parts: &[&Value<'a>], taint: Taint, place: Place) -> Value<'a> {
        if self.budget < fold::MAX_TEXT {
            return Value::tainted(taint);
        }
        let known: Vec<&str> =
            parts.iter().take(32).map(|part| part.as_text().or(folder(part)).unwrap_or("?")).collect();
        let all = parts.iter().all(|part| part.as_text().is_some());
        let text = known.join("/");
        self.budget = self.budget.saturating_sub(text.len());
        let found = if text.len() <= fold::MAX_TEXT { self.taint_of_text(&text, place) } else { Taint::NONE };
        // A `.pth` file beside the packages runs whenever Python starts.
        let site = |part: &&Value<'a>| {
            let path = part.path.as_deref().unwrap_or_default();
            [
                "site.getsitepackages",
                "site.getusersitepackages",
                "sysconfig.get_path",
                "distutils.sysconfig.get_python_lib",
            ]
            .iter()
            .any(|known| path.starts_with(known))
        };
        let starts = parts.last().and_then(|part| part.as_text()).is_some_and(|name| name.ends_with(".pth"));
        let found = if starts && parts.iter().any(site) { found | Taint::PERSISTENCE_PATH } else { found };
        let own = parts.iter().any(|part| is_own_folder(&part.constant));
        let taint = if own { taint.without(Taint::HOME) } else { taint };
        let constant = match all && text.len() <= fold::MAX_TEXT {
            true => self.pay(|arena| Constant::Text(Text::made(arena, &text))),
            false => Constant::Unknown,
        };
        let path = (path == "pathlib.Path").then(|| Text::from("pathlib.Path()"));
        let origin = parts.last().and_then(|part| origin_of(part));
        // A folder below one that is not known: its name is part of what is joined to it later.
        let ends = parts.last().and_then(|part| part.as_text());
        let below = ends.is_some_and(|end| !end.is_empty() && end.len() <= 60 && (!names_file(end) || is_hidden(end)));
        let origin =
            if all || !below { origin } else { Some(self.made(&format!("{BELOW}{}", ends.unwrap_or_default()))) };
        Value { path, constant, taint: taint | found, origin, ..Value::default() }
    }

    /// What a text names that is joined of pieces of which some are not known: `[home, ".aws", "credentials"].join("/")`.
    pub(super) fn joined_by(&mut self, receiver: &Value<'a>, arguments: &[Argument<'a>], place: Place) -> Taint {
        let first = arguments.first().map(|argument| &argument.value);
        let (between, list) = match receiver.as_text() {
            Some(between) => (Some(between), first),
            None => (first.and_then(Value::as_text), Some(receiver)),
        };
        let items = list.map_or(&[][..], Value::items);
        if !matches!(between, Some("/" | "\\")) || !(2..=32).contains(&items.len()) || !self.afford(MAX_JOINED) {
            return Taint::NONE;
        }
        let known: Vec<&str> = items.iter().map(|item| item.as_text().unwrap_or("?")).collect();
        let text = known.join("/");
        if text.len() > MAX_JOINED { Taint::NONE } else { self.taint_of_text(&text, place) }
    }

    /// `folder / name`
    pub fn below(&mut self, folder: &Value<'a>, name: &Value<'a>, place: Place) -> Value<'a> {
        let taint = folder.whole_taint() | name.whole_taint();
        self.joined_path("pathlib.Path", &[folder, name], taint, place)
    }

    pub(super) fn decoded(&mut self, path: &str, arguments: &[Argument<'a>]) -> Constant<'a> {
        let Some(Constant::Text(text)) = arguments.first().map(|argument| &argument.value.constant) else {
            return Constant::Unknown;
        };
        let decoder = match path {
            "codecs.decode" | "codecs.encode" => {
                arguments.get(1).and_then(|argument| argument.value.as_text()).unwrap_or_default()
            }
            _ => path,
        };
        // The work goes by what is read, whatever comes out.
        let unpacks = decoder.contains("compress") || decoder.contains("nflate") || decoder.contains("zip");
        if !self.afford(text.len() / 4 + if unpacks { 64 << 10 } else { 0 }) {
            return Constant::Unknown;
        }
        self.pay(|arena| fold::decode(arena, decoder, text))
    }
}

/// Bytes of a path that is joined of pieces.
const MAX_JOINED: usize = 512;

/// What stands for the beginning of a path that is not known.
const BELOW: &str = "?/";

/// The end of a folder's path of which the beginning is not known.
fn folder<'v>(part: &'v Value<'_>) -> Option<&'v str> {
    part.origin.as_deref().filter(|origin| origin.starts_with(BELOW))
}

/// What a path says of its parts. Who only names a file, a version that a server answers, does not say what it holds.
fn named_by(parts: &[&Value<'_>]) -> Taint {
    const ANSWER: Taint = Taint::REMOTE.with(Taint::ADDRESS).with(Taint::NAMED_HOST).with(Taint::NAMED);
    if parts.len() < 2 {
        return union(parts.iter().copied());
    }
    parts.iter().fold(Taint::NONE, |all, part| {
        let taint = part.whole_taint();
        // A name of another file stands for what it holds; what a function there makes may be an answer.
        let direct = part.path.as_deref().is_some_and(|path| path.starts_with(LOCAL) && !path.contains('('));
        let known = if direct { taint } else { taint.without_symbols() };
        all | if taint.any(Taint::REMOTE) { known.without(ANSWER) } else { known }
    })
}

/// True for what stands for a folder of settings below one that is not known.
pub(super) fn is_settings(origin: &str) -> bool {
    origin.strip_prefix(BELOW).is_some_and(is_hidden)
}

/// True for the name of a folder of settings: `.ssh`.
fn is_hidden(name: &str) -> bool {
    name.strip_prefix('.').is_some_and(|rest| !rest.contains(['.', '/']))
}

/// True for one character.
fn is_one(text: &str) -> bool {
    text.chars().take(2).count() == 1
}

/// True for `os.system`: names joined by dots, and nothing else.
fn is_dotted(text: &str) -> bool {
    let name = |part: &str| {
        !part.is_empty()
            && !part.starts_with(|c: char| c.is_ascii_digit())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    text.len() <= 100 && text.split('.').all(name)
}
