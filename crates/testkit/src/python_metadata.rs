//! Python core metadata (METADATA, PKG-INFO), shared by wheels and sdists.

#[derive(Debug, Clone)]
pub(crate) struct PythonMetadata {
    pub name: String,
    pub version: String,
    pub requires: Vec<String>,
    pub extras: Vec<String>,
    pub requires_python: Option<String>,
    pub summary: String,
}

impl PythonMetadata {
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            requires: Vec::new(),
            extras: Vec::new(),
            requires_python: None,
            summary: format!("{name}, built for a test"),
        }
    }

    /// Adds an extra and its requirements, each with the marker that the core metadata wants.
    pub fn extra(&mut self, extra: &str, requires: &[&str]) {
        self.extras.push(extra.to_owned());
        for requirement in requires {
            let marker = match requirement.split_once(';') {
                Some((requirement, marker)) => format!("{requirement}; ({}) and extra == '{extra}'", marker.trim()),
                None => format!("{requirement}; extra == '{extra}'"),
            };
            self.requires.push(marker);
        }
    }

    /// `name-version` as file names spell it (PEP 427, PEP 625).
    pub fn stem(&self) -> String {
        format!("{}-{}", self.name.to_lowercase().replace(['-', '.'], "_"), self.version)
    }

    /// The core metadata, version 2.2: whatever it says about an sdist holds for the wheels built from it.
    pub fn text(&self) -> String {
        let mut text = format!(
            "Metadata-Version: 2.2\nName: {}\nVersion: {}\nSummary: {}\n",
            self.name, self.version, self.summary
        );
        if let Some(python) = &self.requires_python {
            text += &format!("Requires-Python: {python}\n");
        }
        for requirement in &self.requires {
            text += &format!("Requires-Dist: {requirement}\n");
        }
        for extra in &self.extras {
            text += &format!("Provides-Extra: {extra}\n");
        }
        text
    }
}
