//! The manifests inside a distribution, as far as the rules need them.
//!
//! In: the bytes of `package.json`, `METADATA`, `PKG-INFO`, `entry_points.txt`, `setup.cfg`, `pyproject.toml`, `.pth`.
//! Out: [`Manifests`]. Sizes and depths are bounded; what cannot be read yields nothing, which the file's own coverage
//! entry discloses.

use sigma_core::{DistributionKind, PackageId, PackageName, SkipReason, printable, toml_is_too_deep};

use super::plugins::{Plugin, of_line};
use super::run_script::started;

/// Commands of a `binding.gyp` that are read.
const MAX_GYP_COMMANDS: usize = 200;
/// Longest of them, in bytes.
const MAX_GYP_COMMAND: usize = 16 << 10;
/// Bytes of one manifest that are read: 4 MiB.
const MAX_BYTES: usize = 4 << 20;
/// Entries of one kind that are kept.
const MAX_ENTRIES: usize = 500;

/// What the package calls itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub file: String,
    pub name: String,
    pub version: String,
}

/// What the package tells about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct About {
    /// The manifest that tells it.
    pub file: String,
    /// Addresses of its home and its source, as written; at most 50.
    pub urls: Vec<String>,
    /// Whether it says in a word or two what it is for.
    pub described: bool,
    /// Whether it names somebody as its author or maintainer.
    pub signed: bool,
}

/// What the long description of a package tells to install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Described {
    /// The file that holds it.
    pub file: String,
    /// The package named first after `pip install`, `npm install` and their like.
    pub installs: String,
    /// The whole text in small letters, with hyphens for underscores.
    pub text: String,
}

/// A script that npm runs at installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    pub file: String,
    pub line: u32,
    pub name: String,
    pub command: String,
}

/// A dependency that does not come from the ecosystem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Elsewhere {
    pub file: String,
    pub line: u32,
    pub name: String,
    pub address: String,
}

/// A line of a `.pth` file that Python runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PthLine {
    pub file: String,
    pub line: u32,
    pub text: String,
}

/// What the manifests of one distribution say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manifests {
    /// What the package calls itself, wherever it says so.
    pub identities: Vec<Identity>,
    /// What it tells about itself, wherever it does so.
    pub about: Vec<About>,
    /// Long descriptions that tell to install something; at most 4.
    pub described: Vec<Described>,
    /// Scripts that npm runs.
    pub scripts: Vec<Script>,
    /// Dependencies that are fetched from an address.
    pub elsewhere: Vec<Elsewhere>,
    /// Lines that Python runs at its start.
    pub pth_lines: Vec<PthLine>,
    /// The `pyproject.toml` with a `backend-path`, and the path.
    pub backend_path: Option<(String, String)>,
    /// The modules of the package that build it (PEP 517), as paths without their ends.
    pub backend_files: Vec<String>,
    /// The `binding.gyp` that makes npm build.
    pub binding_gyp: Option<String>,
    /// The commands that it makes node-gyp run.
    pub gyp_commands: Vec<Script>,
    /// Whether the manifest says what importing the package runs.
    pub importable: bool,
    /// Files that `bin` names, relative to the package.
    pub bin_files: Vec<String>,
    /// Modules that console scripts start: `pkg.cli`.
    pub entry_modules: Vec<String>,
    /// What other programs load and call by themselves.
    pub plugins: Vec<Plugin>,
    /// Names of the commands that it installs.
    pub commands: Vec<String>,
    /// Settings of npm that it brings, and where.
    pub npm_settings: Vec<Script>,
    /// Manifests that could not be read, with the reason.
    pub unread: Vec<(String, SkipReason, String)>,
}

/// Bytes of a long description that are looked at.
const MAX_DESCRIPTION: usize = 64 << 10;

/// Scripts that npm runs when a package is installed, or could be.
const HOOKS: [&str; 5] = ["preinstall", "install", "postinstall", "prepare", "prepublish"];

impl Manifests {
    /// Reads a file if it is a manifest. `inner` is its path inside the package, without the archive's own folder.
    pub fn read(&mut self, kind: DistributionKind, path: &str, inner: &str, bytes: &[u8]) {
        let name = inner.rsplit('/').next().unwrap_or(inner);
        let root = !inner.contains('/');
        let metadata = match kind {
            DistributionKind::Wheel => {
                name == "METADATA" && inner.matches('/').count() == 1 && inner.contains(".dist-info/")
            }
            DistributionKind::Sdist => root && name == "PKG-INFO",
            DistributionKind::NpmTarball => false,
        };
        let python = kind != DistributionKind::NpmTarball;
        let wanted = metadata
            || (python
                && (name.ends_with(".pth")
                    || name == "entry_points.txt"
                    || (root && matches!(name, "setup.cfg" | "pyproject.toml"))))
            || (!python && root && matches!(name, "package.json" | "binding.gyp" | ".npmrc"));
        if !python && root && name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("readme")) {
            self.describe(path, &crate::parsers::decode(&bytes[..bytes.len().min(MAX_DESCRIPTION)]));
        }
        if !wanted {
            return;
        }
        if bytes.len() > MAX_BYTES {
            let detail = format!("got {} bytes, expected a manifest of at most {MAX_BYTES}", bytes.len());
            self.unread.push((path.into(), SkipReason::TooLarge, detail));
            return;
        }
        let text = crate::parsers::decode(bytes);
        match name {
            _ if metadata => self.metadata(path, &text),
            "package.json" => self.package_json(path, &text),
            "binding.gyp" => self.binding_gyp(path, &text),
            ".npmrc" => self.settings(path, &text),
            "entry_points.txt" | "setup.cfg" => self.entry_points(&text, !inner.contains("!/")),
            "pyproject.toml" => self.pyproject(path, &text),
            _ => self.pth(path, &text),
        }
    }

    /// RFC 822 headers, as the core metadata specification has them.
    fn metadata(&mut self, path: &str, text: &str) {
        let headers = text.lines().take_while(|line| !line.is_empty()).take(2000);
        let (mut name, mut version) = (String::new(), String::new());
        let mut about = About { file: path.into(), ..About::default() };
        for line in headers {
            about.header(line);
            match line.split_once(':') {
                Some((key, value)) if key.eq_ignore_ascii_case("name") && name.is_empty() => name = value.trim().into(),
                Some((key, value)) if key.eq_ignore_ascii_case("version") && version.is_empty() => {
                    version = value.trim().into();
                }
                Some((key, value)) if key.eq_ignore_ascii_case("requires-dist") => {
                    if let Some((name, address)) = value.split_once(" @ ") {
                        self.add_elsewhere(path, 0, name, address.split(';').next().unwrap_or(address));
                    }
                }
                _ => {}
            }
        }
        // After the headers, METADATA has the long description as its body.
        if let Some((_, body)) = text.split_once("\n\n") {
            about.described |= body.trim().len() > 20;
            let end = (0..=body.len().min(MAX_DESCRIPTION)).rev().find(|end| body.is_char_boundary(*end));
            self.describe(path, &body[..end.unwrap_or_default()]);
        }
        self.about.push(about);
        self.identities.push(Identity { file: path.into(), name, version });
    }

    /// The package that the first manifest says this is, where that is a name and a version of the ecosystem.
    pub fn named(&self, guess: &PackageId) -> Option<PackageId> {
        let identity = self.identities.first()?;
        let name = PackageName::new(guess.ecosystem(), &identity.name).ok()?;
        PackageId::new(name, &identity.version).ok()
    }

    /// Looks what a long description tells to install.
    fn describe(&mut self, path: &str, text: &str) {
        let commands = ["pip install ", "npm install ", "npm i ", "yarn add ", "pnpm add "];
        let starts = commands.iter().filter_map(|command| Some((text.find(command)?, command.len())));
        let Some((at, length)) = starts.min() else { return };
        let words = text[at + length..].lines().next().unwrap_or_default().split([' ', '\t', '`', '\'', '"', '<']);
        let Some(named) = words.into_iter().find(|word| !word.is_empty() && !word.starts_with('-')) else { return };
        let version = named.char_indices().skip(1).find(|(_, c)| "@=<>~![;".contains(*c)).map(|(at, _)| at);
        let installs = named[..version.unwrap_or(named.len())].chars().take(214).collect();
        if self.described.len() < 4 {
            let text = text.to_lowercase().replace('_', "-");
            self.described.push(Described { file: path.into(), installs, text });
        }
    }

    fn package_json(&mut self, path: &str, text: &str) {
        // serde_json refuses more than 128 levels of nesting.
        let json: serde_json::Value = match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
            Ok(json) => json,
            Err(error) => {
                self.unread.push((path.into(), SkipReason::NotParsed, printable(&error.to_string(), 160)));
                return;
            }
        };
        let field = |name: &str| json.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        self.identities.push(Identity { file: path.into(), name: field("name"), version: field("version") });
        let text_at = |value: &serde_json::Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
        let object = |value: &serde_json::Value| match value {
            serde_json::Value::Object(fields) => !fields.is_empty(),
            serde_json::Value::Array(items) => !items.is_empty(),
            value => text_at(value),
        };
        let repository = json.get("repository").map(|value| value.get("url").unwrap_or(value));
        let urls = [repository, json.get("homepage"), json.get("bugs").map(|bugs| bugs.get("url").unwrap_or(bugs))];
        let urls = urls.into_iter().flatten().filter_map(|url| url.as_str()).map(|url| url.chars().take(300).collect());
        let signed = ["author", "maintainers", "contributors"].iter().filter_map(|key| json.get(key)).any(object);
        self.about.push(About {
            file: path.into(),
            urls: urls.collect(),
            described: json.get("description").is_some_and(text_at),
            signed,
        });
        for name in HOOKS {
            let command =
                json.get("scripts").and_then(|scripts| scripts.get(name)).and_then(|command| command.as_str());
            if let Some(command) = command.filter(|command| !command.trim().is_empty()) {
                let mut add = |script: &str, command: &str| {
                    let line = line_of(text, &format!("\"{script}\""));
                    let command = command.chars().take(4096).collect();
                    self.scripts.push(Script { file: path.into(), line, name: name.into(), command });
                };
                add(name, command);
                let command_of = |script: &str| json.get("scripts")?.get(script)?.as_str();
                for script in started(command, command_of).iter().filter(|script| !HOOKS.contains(&script.as_str())) {
                    add(script, command_of(script).unwrap_or_default());
                }
            }
        }
        for kind in ["dependencies", "optionalDependencies"] {
            let listed = json.get(kind).and_then(|list| list.as_object()).into_iter().flatten();
            for (name, spec) in listed.filter_map(|(name, spec)| Some((name, spec.as_str()?))) {
                if spec.contains("://") {
                    self.add_elsewhere(path, line_of(text, &format!("\"{name}\"")), name, spec);
                }
            }
        }
        let leads_in = |value: &serde_json::Value| match value {
            serde_json::Value::Object(ways) => ways.keys().any(|way| way != "./package.json"),
            value => !value.is_null(),
        };
        self.importable |=
            ["main", "module", "browser", "exports"].iter().filter_map(|way| json.get(way)).any(leads_in);
        match json.get("bin") {
            Some(serde_json::Value::String(file)) => self.bin_files.push(plain_path(file)),
            Some(serde_json::Value::Object(files)) => {
                files.keys().take(MAX_ENTRIES).for_each(|name| self.command(name));
                let files = files.values().filter_map(|file| file.as_str()).take(MAX_ENTRIES);
                self.bin_files.extend(files.map(plain_path));
            }
            _ => {}
        }
    }

    fn add_elsewhere(&mut self, file: &str, line: u32, name: &str, address: &str) {
        if self.elsewhere.len() < MAX_ENTRIES {
            let short = |text: &str| text.trim().chars().take(300).collect();
            self.elsewhere.push(Elsewhere { file: file.into(), line, name: short(name), address: short(address) });
        }
    }

    /// `binding.gyp`: the commands that node-gyp runs while it reads the file, `<!(command)` and `<!@(command)`.
    fn binding_gyp(&mut self, path: &str, text: &str) {
        self.binding_gyp = Some(path.into());
        for (at, _) in text.match_indices("<!").take(MAX_GYP_COMMANDS) {
            let rest = text[at + 2..].trim_start_matches('@');
            let Some(inner) = rest.strip_prefix('(') else { continue };
            let mut depth = 1usize;
            let end = inner.bytes().take(MAX_GYP_COMMAND).position(|byte| {
                depth = match byte {
                    b'(' => depth + 1,
                    b')' => depth - 1,
                    _ => depth,
                };
                depth == 0
            });
            let Some(command) = end.and_then(|end| inner.get(..end)) else { continue };
            let line = 1 + text[..at].bytes().filter(|byte| *byte == b'\n').count() as u32;
            let (name, command) = ("binding.gyp".to_owned(), command.to_owned());
            self.gyp_commands.push(Script { file: path.into(), line, name, command });
        }
    }

    /// The `[console_scripts]` of an INI file; `setup.cfg` has them under `[options.entry_points]`.
    /// Of archives inside of the archive nothing is installed.
    fn entry_points(&mut self, text: &str, own: bool) {
        let (mut inside, mut group) = (false, "");
        for line in text.lines().take(20_000) {
            let line = line.trim();
            if line.starts_with('[') || line.ends_with('=') {
                inside = line.contains("console_scripts") || line.contains("gui_scripts");
                group = line.trim_matches(['[', ']', '=', ' ']);
            } else if let Some((name, target)) = line.split_once('=') {
                if inside {
                    self.entry_module(target);
                    if own {
                        self.command(name.trim());
                    }
                } else if let Some(plugin) = of_line(group, target).filter(|_| own && self.plugins.len() < MAX_ENTRIES)
                {
                    self.plugins.push(plugin);
                }
            }
        }
    }

    fn command(&mut self, name: &str) {
        if self.commands.len() < MAX_ENTRIES && name.len() <= 200 {
            self.commands.push(name.to_owned());
        }
    }

    /// `.npmrc`: lines of a name and a value.
    fn settings(&mut self, path: &str, text: &str) {
        for (index, line) in text.lines().enumerate().take(2_000) {
            let Some((name, value)) = line.split_once('=').filter(|(name, _)| !name.starts_with(['#', ';'])) else {
                continue;
            };
            if self.npm_settings.len() < MAX_ENTRIES {
                let (name, command) = (name.trim().to_owned(), value.trim().chars().take(300).collect());
                self.npm_settings.push(Script { file: path.into(), line: index as u32 + 1, name, command });
            }
        }
    }

    fn entry_module(&mut self, target: &str) {
        let module = target.split([':', '[']).next().unwrap_or_default().trim();
        if !module.is_empty() && module.len() <= 200 && self.entry_modules.len() < MAX_ENTRIES {
            self.entry_modules.push(module.to_owned());
        }
    }

    fn pyproject(&mut self, path: &str, text: &str) {
        if toml_is_too_deep(text) {
            self.unread.push((path.into(), SkipReason::TooDeep, "it nests more than 128 levels deep".into()));
            return;
        }
        let document = match text.parse::<toml_edit::Document<String>>() {
            Ok(document) => document,
            Err(error) => {
                self.unread.push((path.into(), SkipReason::NotParsed, printable(error.message(), 160)));
                return;
            }
        };
        if let Some(backend) = document.get("build-system").and_then(|build| build.get("backend-path")) {
            self.backend_path = Some((path.into(), printable(backend.to_string().trim(), 120)));
            let folders = backend.as_array().into_iter().flatten().filter_map(|folder| folder.as_str());
            let module = document.get("build-system").and_then(|build| build.get("build-backend")?.as_str());
            let module = module.and_then(|module| module.split(':').next()).unwrap_or_default().replace('.', "/");
            let file = |folder: &str| plain_path(&format!("{}/{module}", folder.trim_matches('.').trim_matches('/')));
            self.backend_files.extend(folders.take(20).map(file));
        }
        let scripts = document.get("project").and_then(|project| project.get("scripts"));
        for (_, target) in scripts.and_then(|scripts| scripts.as_table_like()).iter().flat_map(|scripts| scripts.iter())
        {
            self.entry_module(target.as_str().unwrap_or_default());
        }
    }

    /// `site.py` runs the lines of a `.pth` file that begin with `import` and a space or a tab.
    fn pth(&mut self, path: &str, text: &str) {
        for (index, line) in text.lines().enumerate() {
            let runs = line.starts_with("import ") || line.starts_with("import\t");
            if runs && self.pth_lines.len() < MAX_ENTRIES {
                let text = line.chars().take(4096).collect();
                self.pth_lines.push(PthLine { file: path.into(), line: index as u32 + 1, text });
            }
        }
    }
}

/// The program in a `.pth` file: the lines that `site.py` runs, the others left empty. Nothing where there is none.
pub(super) fn pth_program(inner: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    if !inner.ends_with(".pth") || bytes.len() > MAX_BYTES {
        return None;
    }
    let text = crate::parsers::decode(bytes);
    let runs = |line: &str| line.starts_with("import ") || line.starts_with("import\t");
    let lines: Vec<&str> = text.lines().map(|line| if runs(line) { line } else { "" }).collect();
    lines.iter().any(|line| !line.is_empty()).then(|| lines.join("\n").into_bytes())
}

impl About {
    /// Takes what a header of the core metadata tells.
    fn header(&mut self, line: &str) {
        let Some((key, value)) = line.split_once(':') else { return };
        let (key, value) = (key.to_ascii_lowercase(), value.trim());
        if value.is_empty() || value == "UNKNOWN" {
            return;
        }
        match key.as_str() {
            "home-page" | "download-url" | "project-url" if self.urls.len() < 50 => {
                // `Project-URL: Source, https://...`
                let url = value.rsplit_once(", ").map_or(value, |(_, url)| url);
                self.urls.push(url.chars().take(300).collect());
            }
            "summary" | "description" => self.described = true,
            "author" | "author-email" | "maintainer" | "maintainer-email" => self.signed = true,
            _ => {}
        }
    }
}

/// A path of `package.json` as the archive spells it.
pub(super) fn plain_path(path: &str) -> String {
    let path: String = path.chars().take(300).map(|c| if c == '\\' { '/' } else { c }).collect();
    path.trim_start_matches("./").trim_start_matches('/').to_owned()
}

/// The line on which `needle` stands first; 0 when it does not.
fn line_of(text: &str, needle: &str) -> u32 {
    text.find(needle).map_or(0, |at| text[..at].matches('\n').count() as u32 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: DistributionKind, inner: &str, text: &str) -> Manifests {
        let mut manifests = Manifests::default();
        manifests.read(kind, inner, inner, text.as_bytes());
        manifests
    }

    #[test]
    fn package_json_tells_scripts_and_bin() {
        let text = r#"{"name":"a","version":"1.0.0",
"scripts":{"test":"x","postinstall":"node ./i.js"},"bin":{"a":"./cli.js"}}"#;
        let manifests = read(DistributionKind::NpmTarball, "package.json", text);
        assert_eq!(manifests.scripts[0].command, "node ./i.js");
        assert_eq!(manifests.scripts[0].line, 2);
        assert_eq!(manifests.bin_files, ["cli.js"]);
        assert_eq!(manifests.identities[0].version, "1.0.0");
    }

    #[test]
    fn a_manifest_that_cannot_be_read_is_told() {
        let deep = "[".repeat(100_000);
        let manifests = read(DistributionKind::NpmTarball, "package.json", &deep);
        assert_eq!(manifests.unread[0].1, SkipReason::NotParsed);
        let brackets = format!("a = {}", "[".repeat(100_000));
        let keys = format!("{}=1{}", vec![["a"; 79].join("."); 80].join("={"), "}".repeat(79));
        let reasons =
            [("a = [", SkipReason::NotParsed), (&brackets, SkipReason::TooDeep), (&keys, SkipReason::TooDeep)];
        for (text, reason) in reasons {
            assert_eq!(read(DistributionKind::Sdist, "pyproject.toml", text).unread[0].1, reason);
        }
    }

    #[test]
    fn python_manifests_tell_entry_points_and_hooks() {
        let text = "[build-system]\nbackend-path = [\".\"]\n[project.scripts]\nrun = \"pkg.cli:main\"\n";
        let manifests = read(DistributionKind::Sdist, "pyproject.toml", text);
        assert_eq!(manifests.entry_modules, ["pkg.cli"]);
        assert_eq!(manifests.backend_path.unwrap().1, "[\".\"]");
        let text = "[console_scripts]\nrun = pkg.main:go\n[other]\nx = y.z:w\n";
        assert_eq!(read(DistributionKind::Wheel, "a-1.dist-info/entry_points.txt", text).entry_modules, ["pkg.main"]);
        let text = "/some/path\nimport os; os.getcwd()\n# import x\nimportlib\n";
        let manifests = read(DistributionKind::Wheel, "a.pth", text);
        assert_eq!(manifests.pth_lines.iter().map(|line| line.line).collect::<Vec<_>>(), [2]);
        let identity =
            &read(DistributionKind::Wheel, "a-1.dist-info/METADATA", "Name: a\nVersion: 1\n\nName: b").identities;
        assert_eq!((identity[0].name.as_str(), identity.len()), ("a", 1));
    }
}
