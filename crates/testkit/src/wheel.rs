//! Python wheels (PEP 427, binary distribution format).

use data_encoding::BASE64URL_NOPAD;
use sigma_core::{DistributionKind, Sha256};

use crate::python_metadata::PythonMetadata;
use crate::{Built, Entry, zip_of};

/// Builds a wheel with a correct METADATA, WHEEL and RECORD.
#[derive(Debug, Clone)]
pub struct Wheel {
    metadata: PythonMetadata,
    files: Vec<Entry>,
    record: Vec<String>,
    entry_points: Vec<(String, String)>,
    tag: String,
}

impl Wheel {
    /// An empty `py3-none-any` wheel.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            metadata: PythonMetadata::new(name, version),
            files: Vec::new(),
            record: Vec::new(),
            entry_points: Vec::new(),
            tag: "py3-none-any".to_owned(),
        }
    }

    /// Adds a file, for example `demo/__init__.py`.
    pub fn file(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let digest = BASE64URL_NOPAD.encode(Sha256::of(&bytes).as_bytes());
        self.record.push(format!("{path},sha256={digest},{}\n", bytes.len()));
        self.files.push(Entry::file(path, bytes));
        self
    }

    /// Adds a `Requires-Dist`, for example `idna>=2`.
    pub fn requires(mut self, requirement: &str) -> Self {
        self.metadata.requires.push(requirement.to_owned());
        self
    }

    /// Adds an extra with its requirements.
    pub fn extra(mut self, extra: &str, requires: &[&str]) -> Self {
        self.metadata.extra(extra, requires);
        self
    }

    /// Sets `Requires-Python`, for example `>=3.9`.
    pub fn requires_python(mut self, specifiers: &str) -> Self {
        self.metadata.requires_python = Some(specifiers.to_owned());
        self
    }

    /// Adds a console script, for example `("demo", "demo:main")`.
    pub fn entry_point(mut self, script: &str, object: &str) -> Self {
        self.entry_points.push((script.to_owned(), object.to_owned()));
        self
    }

    /// Sets the compatibility tag, for example `cp312-cp312-manylinux_2_17_x86_64`.
    pub fn tag(mut self, tag: &str) -> Self {
        self.tag = tag.to_owned();
        self
    }

    /// Writes the archive.
    pub fn build(mut self) -> Built {
        let stem = self.metadata.stem();
        let info = format!("{stem}.dist-info");
        let metadata = self.metadata.text();
        let pure = self.tag.ends_with("-none-any");
        let wheel =
            format!("Wheel-Version: 1.0\nGenerator: sigma-testkit\nRoot-Is-Purelib: {pure}\nTag: {}\n", self.tag);
        if !self.entry_points.is_empty() {
            let lines: String =
                self.entry_points.iter().map(|(script, object)| format!("{script} = {object}\n")).collect();
            self = self.file(&format!("{info}/entry_points.txt"), format!("[console_scripts]\n{lines}"));
        }
        self = self.file(&format!("{info}/METADATA"), metadata.clone()).file(&format!("{info}/WHEEL"), wheel);
        let record = format!("{}{info}/RECORD,,\n", self.record.concat());
        self.files.push(Entry::file(&format!("{info}/RECORD"), record));
        Built {
            kind: DistributionKind::Wheel,
            filename: format!("{stem}-{}.whl", self.tag),
            bytes: zip_of(self.files),
            metadata,
            requires_python: self.metadata.requires_python,
            name: self.metadata.name,
            version: self.metadata.version,
            manifest: serde_json::Value::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use super::*;

    #[test]
    fn a_wheel_holds_what_was_asked_for_and_its_bytes_never_change() {
        let build = || {
            Wheel::new("Demo.Pkg", "1.0")
                .file("demo/__init__.py", "x = 1\n")
                .requires("idna>=2")
                .extra("socks", &["pysocks; python_version > '3'"])
                .requires_python(">=3.9")
                .entry_point("demo", "demo:main")
                .build()
        };
        let built = build();
        assert_eq!(built.bytes, build().bytes);
        assert_eq!(built.filename, "demo_pkg-1.0-py3-none-any.whl");
        let mut zip = zip::ZipArchive::new(Cursor::new(built.bytes)).unwrap();
        let mut read = |name: &str| {
            let mut text = String::new();
            zip.by_name(name).unwrap().read_to_string(&mut text).unwrap();
            text
        };
        assert_eq!(
            read("demo_pkg-1.0.dist-info/METADATA"),
            "Metadata-Version: 2.2\nName: Demo.Pkg\nVersion: 1.0\nSummary: Demo.Pkg, built for a test\n\
             Requires-Python: >=3.9\nRequires-Dist: idna>=2\n\
             Requires-Dist: pysocks; (python_version > '3') and extra == 'socks'\nProvides-Extra: socks\n"
        );
        assert_eq!(read("demo_pkg-1.0.dist-info/entry_points.txt"), "[console_scripts]\ndemo = demo:main\n");
        let record = read("demo_pkg-1.0.dist-info/RECORD");
        let first = record.lines().next().unwrap();
        // `printf 'x = 1\n' | openssl dgst -sha256 -binary | basenc --base64url`
        assert_eq!(first, "demo/__init__.py,sha256=nia_NpkRxFwkPGhBR7I_yeHc_PJX0pmhxjIBam_NM_Q,6");
        assert_eq!(record.lines().last(), Some("demo_pkg-1.0.dist-info/RECORD,,"));
    }
}
