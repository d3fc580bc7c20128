//! Python source distributions (PEP 625 names, PKG-INFO).

use sigma_core::DistributionKind;

use crate::python_metadata::PythonMetadata;
use crate::{Built, Entry, tar_gz_of};

/// Builds a `.tar.gz` with PKG-INFO, pyproject.toml and setup.py.
#[derive(Debug, Clone)]
pub struct Sdist {
    metadata: PythonMetadata,
    files: Vec<Entry>,
    setup_py: String,
    pyproject: Option<String>,
}

impl Sdist {
    /// A source distribution that only holds the three standard files.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            metadata: PythonMetadata::new(name, version),
            files: Vec::new(),
            setup_py: "from setuptools import setup\n\nsetup()\n".to_owned(),
            pyproject: None,
        }
    }

    /// Adds a file; the path is relative to the folder `name-version/`.
    pub fn file(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let path = format!("{}/{path}", self.metadata.stem());
        self.files.push(Entry::file(&path, bytes));
        self
    }

    /// Replaces setup.py.
    pub fn setup_py(mut self, text: &str) -> Self {
        self.setup_py = text.to_owned();
        self
    }

    /// Replaces pyproject.toml.
    pub fn pyproject(mut self, text: &str) -> Self {
        self.pyproject = Some(text.to_owned());
        self
    }

    /// Adds a `Requires-Dist`.
    pub fn requires(mut self, requirement: &str) -> Self {
        self.metadata.requires.push(requirement.to_owned());
        self
    }

    /// Adds an extra with its requirements.
    pub fn extra(mut self, extra: &str, requires: &[&str]) -> Self {
        self.metadata.extra(extra, requires);
        self
    }

    /// Sets `Requires-Python`.
    pub fn requires_python(mut self, specifiers: &str) -> Self {
        self.metadata.requires_python = Some(specifiers.to_owned());
        self
    }

    /// Writes the archive.
    pub fn build(mut self) -> Built {
        let stem = self.metadata.stem();
        let metadata = self.metadata.text();
        let pyproject = self.pyproject.take().unwrap_or_else(|| self.default_pyproject());
        let mut entries = vec![
            Entry::file(&format!("{stem}/PKG-INFO"), metadata.clone()),
            Entry::file(&format!("{stem}/pyproject.toml"), pyproject),
            Entry::file(&format!("{stem}/setup.py"), self.setup_py),
        ];
        entries.extend(self.files);
        Built {
            kind: DistributionKind::Sdist,
            filename: format!("{stem}.tar.gz"),
            bytes: tar_gz_of(entries),
            metadata,
            requires_python: self.metadata.requires_python,
            name: self.metadata.name,
            version: self.metadata.version,
            manifest: serde_json::Value::Null,
        }
    }

    fn default_pyproject(&self) -> String {
        // A JSON string is a valid TOML basic string for the texts used here.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let PythonMetadata { name, version, .. } = &self.metadata;
        format!(
            "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n\n\
             [project]\nname = {}\nversion = {}\n",
            quoted(name),
            quoted(version)
        )
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn an_sdist_holds_what_was_asked_for_and_its_bytes_never_change() {
        let build = || Sdist::new("Demo-Pkg", "1.0").file("demo.py", "x = 1\n").requires("idna").build();
        let built = build();
        assert_eq!(built.bytes, build().bytes);
        assert_eq!(built.filename, "demo_pkg-1.0.tar.gz");
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(built.bytes.as_slice()));
        let mut files = Vec::new();
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            files.push((entry.path().unwrap().display().to_string(), text));
        }
        let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["demo_pkg-1.0/PKG-INFO", "demo_pkg-1.0/pyproject.toml", "demo_pkg-1.0/setup.py", "demo_pkg-1.0/demo.py"]
        );
        assert!(files[0].1.ends_with("Requires-Dist: idna\n"), "{}", files[0].1);
        assert!(files[1].1.ends_with("[project]\nname = \"Demo-Pkg\"\nversion = \"1.0\"\n"), "{}", files[1].1);
    }
}
