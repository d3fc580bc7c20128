//! Why a manifest could not be read at all. What concerns a single declaration is a refusal, not an error.

use std::io;

use sigma_core::Location;

/// Why a project's manifests cannot be read. Texts from the files are printable already.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The folder holds no manifest.
    #[error(
        "{folder}: no manifest found, looked for {looked_for}{}; name the folder or file that declares the dependencies",
        also(passed_over)
    )]
    NothingFound {
        /// The folder.
        folder: String,
        /// The names looked for.
        looked_for: String,
        /// What is there in formats that are not read.
        passed_over: Vec<String>,
    },
    /// An explicitly named file of no known format.
    #[error("{file}: not a manifest by its name, expected one of {known}, or another *.txt requirements file")]
    UnknownFormat {
        /// The file.
        file: String,
        /// The names of the formats.
        known: String,
    },
    /// The file cannot be opened or read.
    #[error("{file}: cannot be read ({source}); check that it exists and is readable")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// A folder, pipe or device where a file should be.
    #[error("{file}: got something that is not a regular file, expected a manifest")]
    NotAFile {
        /// The file.
        file: String,
    },
    /// The manifest itself lies outside the project, for example behind a symbolic link.
    #[error("{file}: leads out of the project; copy the file into the project")]
    OutsideRoot {
        /// The file.
        file: String,
    },
    /// The file is larger than the limit; it was not read.
    #[error("{file}: got {size} bytes, expected at most {limit}; split the file or raise the limit")]
    TooLarge {
        /// The file.
        file: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// Not UTF-8.
    #[error("{at}: got {got}, expected UTF-8; save the file as UTF-8")]
    Encoding {
        /// Where the first wrong byte stands.
        at: Location,
        /// What was found.
        got: String,
    },
    /// The file as a whole cannot be parsed.
    #[error("{at}: not valid {format}: {message}")]
    Syntax {
        /// Where.
        at: Location,
        /// The format's name.
        format: &'static str,
        /// What is wrong and what to do.
        message: String,
    },
    /// `-r` or `-c` names a file that cannot be read.
    #[error("{at}: the included file `{include}` cannot be read ({source}); correct the path or remove the line")]
    Include {
        /// The line that includes it.
        at: Location,
        /// The path as written.
        include: String,
        /// What the system says.
        source: io::Error,
    },
    /// `-r` or `-c` leaves the project, directly or through a symbolic link.
    #[error("{at}: the included file `{include}` lies outside the project; copy it into the project")]
    IncludeOutside {
        /// The line that includes it.
        at: Location,
        /// The path as written.
        include: String,
    },
    /// A file includes itself, directly or through others.
    #[error("{at}: `{include}` includes itself ({chain}); remove one of the includes")]
    IncludeLoop {
        /// The line that closes the loop.
        at: Location,
        /// The path as written.
        include: String,
        /// The files of the loop.
        chain: String,
    },
    /// Includes nest too deeply, or there are too many.
    #[error("{at}: got more than {limit} {what}, expected fewer; merge the files")]
    TooManyIncludes {
        /// The line that exceeds the limit.
        at: Location,
        /// The limit.
        limit: usize,
        /// `levels of includes` or `included files`.
        what: &'static str,
    },
    /// More entries than may be kept in memory.
    #[error("{at}: got more than {limit} entries in one manifest, expected fewer; split the project")]
    TooManyEntries {
        /// Where the limit was reached.
        at: Location,
        /// The limit.
        limit: usize,
    },
}

fn also(passed_over: &[String]) -> String {
    if passed_over.is_empty() { String::new() } else { format!(" (found {})", passed_over.join(", ")) }
}
