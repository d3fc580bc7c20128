//! Inert samples: small packages that show one technique, stored so that no scanner and no interpreter takes them up.
//!
//! In: the text of a `.sample` file, or a folder. Out: a [`Sample`], which can be turned into the archive an ecosystem
//! would serve, in memory. A sample is written by us and harms nobody; it is stored encoded all the same, so that
//! scanners of this repository stay calm and nobody runs one by accident. Nothing here runs anything.
//!
//! ```text
//! title: The preinstall script sends the environment to a collector
//! label: malicious
//! package: npm:left-sample@1.0.0
//! kind: npm
//! family: environment-beacon
//! technique: install-script
//! modelled-on: dependency confusion, 2021
//! shape: plain
//! expect: BLOCKED
//!
//! KLUv/QRYnQ...
//! ```
//!
//! Below the empty line stands a tar of the files, compressed with zstd, in base64.

mod build;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Read as _};

use data_encoding::BASE64;
use sigma_core::{DistributionKind, PackageId, SecurityLevel, printable};

/// The ending of a sample's file.
pub const ENDING: &str = "sample";

/// The largest tree that is read, in bytes: samples are small, and one of them shows padding.
const TREE_LIMIT: u64 = 32 << 20;

/// Why something is not a sample.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The header is not as documented.
    #[error("the header: {0}")]
    Header(String),
    /// The tree below the header cannot be read or built.
    #[error("the files: {0}")]
    Tree(String),
}

impl From<io::Error> for SampleError {
    fn from(error: io::Error) -> Self {
        Self::Tree(error.to_string())
    }
}

/// Whether a sample shows an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// Written to harm, or for a sample: shows what such code looks like.
    Malicious,
    /// What it says it is.
    Benign,
}

impl Label {
    /// Its word, which is also its folder.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malicious => "malicious",
            Self::Benign => "benign",
        }
    }
}

/// What a sample's archive is built as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A distribution of this kind, built from the files. What every such distribution has is added where it lacks.
    Built(DistributionKind),
    /// The one file of the tree is the archive itself: for archives that no honest tool writes.
    Archive,
}

/// How a technique is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// In one place and legible.
    Plain,
    /// Encoded, renamed or otherwise hidden.
    Obfuscated,
    /// In several files, none of which tells the whole.
    Split,
}

/// One sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// What it does, in a sentence.
    pub title: String,
    /// Whether it shows an attack.
    pub label: Label,
    /// The package it pretends to be.
    pub package: PackageId,
    /// What its archive is built as.
    pub form: Form,
    /// The campaign or kind of campaign it stands for: figures count each family once.
    pub family: String,
    /// The one technique that it shows.
    pub technique: String,
    /// The public incident that it is modelled on.
    pub modelled_on: String,
    /// How it is laid out.
    pub shape: Shape,
    /// The level that it should reach at least; for a benign one the level that it must not pass.
    pub expect: SecurityLevel,
    /// Path inside the distribution and content, in this order.
    pub files: Vec<(String, Vec<u8>)>,
}

/// The header's keys, in the order in which they are written.
const KEYS: [&str; 9] = ["title", "label", "package", "kind", "family", "technique", "modelled-on", "shape", "expect"];

const KINDS: [(&str, Form); 4] = [
    ("wheel", Form::Built(DistributionKind::Wheel)),
    ("sdist", Form::Built(DistributionKind::Sdist)),
    ("npm", Form::Built(DistributionKind::NpmTarball)),
    ("archive", Form::Archive),
];
const LABELS: [(&str, Label); 2] = [("malicious", Label::Malicious), ("benign", Label::Benign)];
const SHAPES: [(&str, Shape); 3] =
    [("plain", Shape::Plain), ("obfuscated", Shape::Obfuscated), ("split", Shape::Split)];
const LEVELS: [(&str, SecurityLevel); 4] = [
    ("CLEAR", SecurityLevel::Clear),
    ("MONITORED", SecurityLevel::Monitored),
    ("CAUTION", SecurityLevel::Caution),
    ("BLOCKED", SecurityLevel::Blocked),
];

impl Sample {
    /// Reads a `.sample` file.
    ///
    /// # Errors
    /// When the header lacks a key, has one more, or a value is none of those allowed; when the tree is damaged.
    pub fn read(text: &str) -> Result<Self, SampleError> {
        let text = text.replace("\r\n", "\n");
        let (header, tree) =
            text.split_once("\n\n").ok_or_else(|| SampleError::Header("expected an empty line after it".to_owned()))?;
        Self::with_header(header, unpack(tree)?)
    }

    /// A sample from its header and its files, in any order.
    ///
    /// # Errors
    /// When the header lacks a key, has one more, or a value is none of those allowed.
    pub fn with_header(header: &str, mut files: Vec<(String, Vec<u8>)>) -> Result<Self, SampleError> {
        let mut values = BTreeMap::new();
        for line in header.lines().filter(|line| !line.trim().is_empty()) {
            let (key, value) = line
                .split_once(':')
                .ok_or_else(|| SampleError::Header(format!("got {:?}, expected `key: value`", printable(line, 60))))?;
            if !KEYS.contains(&key) || values.insert(key, value.trim().to_owned()).is_some() {
                let keys = KEYS.join(", ");
                return Err(SampleError::Header(format!("got {key:?}, expected each of {keys} once")));
            }
        }
        let mut take = |key: &str| match values.remove(key) {
            Some(value) if !value.is_empty() => Ok(value),
            _ => Err(SampleError::Header(format!("expected {key}"))),
        };
        files.sort();
        Ok(Self {
            title: take("title")?,
            label: one_of(&take("label")?, &LABELS)?,
            package: take("package")?.parse().map_err(|error| SampleError::Header(format!("{error}")))?,
            form: one_of(&take("kind")?, &KINDS)?,
            family: take("family")?,
            technique: take("technique")?,
            modelled_on: take("modelled-on")?,
            shape: one_of(&take("shape")?, &SHAPES)?,
            expect: one_of(&take("expect")?, &LEVELS)?,
            files,
        })
    }

    /// The header, one `key: value` on a line.
    pub fn header(&self) -> String {
        let package = self.package.to_string();
        let values = [
            &self.title,
            self.label.as_str(),
            &package,
            word_of(self.form, &KINDS),
            &self.family,
            &self.technique,
            &self.modelled_on,
            word_of(self.shape, &SHAPES),
            self.expect.as_str(),
        ];
        let mut out = String::new();
        for (key, value) in KEYS.iter().zip(values) {
            let _ = writeln!(out, "{key}: {value}");
        }
        out
    }

    /// The text of its `.sample` file.
    ///
    /// # Errors
    /// When a path does not fit into a tar.
    pub fn write(&self) -> Result<String, SampleError> {
        let tree = zstd::encode_all(build::tar(&self.files)?.as_slice(), 19)?;
        let mut out = self.header();
        let encoded = BASE64.encode(&tree);
        for start in (0..encoded.len()).step_by(100) {
            let _ = write!(out, "\n{}", &encoded[start..encoded.len().min(start + 100)]);
        }
        out.push('\n');
        Ok(out)
    }

    /// The archive that an ecosystem would serve, and its file name. The same sample always gives the same bytes.
    ///
    /// # Errors
    /// When it cannot be built from these files.
    pub fn archive(&self) -> Result<(String, Vec<u8>), SampleError> {
        build::archive(self)
    }
}

/// The files of an encoded tree.
fn unpack(encoded: &str) -> Result<Vec<(String, Vec<u8>)>, SampleError> {
    let encoded: String = encoded.split_whitespace().collect();
    let compressed = BASE64.decode(encoded.as_bytes()).map_err(|error| SampleError::Tree(error.to_string()))?;
    let mut bytes = Vec::new();
    zstd::Decoder::new(compressed.as_slice())?.take(TREE_LIMIT).read_to_end(&mut bytes)?;
    let mut files = Vec::new();
    for entry in tar::Archive::new(bytes.as_slice()).entries()? {
        let mut entry = entry?;
        let path = String::from_utf8(entry.path_bytes().into_owned())
            .map_err(|_| SampleError::Tree("expected paths in UTF-8".to_owned()))?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        files.push((path, content));
    }
    Ok(files)
}

fn one_of<T: Copy>(word: &str, words: &[(&str, T)]) -> Result<T, SampleError> {
    words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        SampleError::Header(format!("got {:?}, expected one of {}", printable(word, 40), known.join(", ")))
    })
}

fn word_of<T: Copy + PartialEq>(value: T, words: &[(&'static str, T)]) -> &'static str {
    words.iter().find(|(_, known)| *known == value).map_or("", |(word, _)| word)
}

#[cfg(test)]
mod tests;
