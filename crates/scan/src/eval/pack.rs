//! A folder into a sample and back, for whoever adds or changes one.
//!
//! The folder holds `sample.txt` (the header) and `files/` (the tree as it stands in the distribution). Nothing in it
//! is run, and a path that leaves the folder is refused.

use std::fs;
use std::path::{Component, Path};

use anyhow::{Context, bail};
use sigma_scan::sample::{ENDING, Sample};

const HEADER: &str = "sample.txt";
const FILES: &str = "files";

/// Writes `<into>/<ecosystem>/<name of folder>.sample`.
pub fn pack(folder: &Path, into: &Path) -> anyhow::Result<()> {
    let folder = folder.canonicalize().with_context(|| folder.display().to_string())?;
    let header = fs::read_to_string(folder.join(HEADER)).with_context(|| format!("expected {HEADER} in the folder"))?;
    let root = folder.join(FILES);
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(&root).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(&root)?.to_str().context("expected paths in UTF-8")?.to_owned();
            files.push((path, fs::read(entry.path())?));
        }
    }
    if files.is_empty() {
        bail!("expected files in {}", root.display());
    }
    let sample = Sample::with_header(&header, files)?;
    sample.archive().context("the archive of this sample")?;
    let id = folder.file_name().unwrap_or_default().to_string_lossy();
    let target = into.join(sample.package.ecosystem().as_str()).join(format!("{id}.{ENDING}"));
    fs::create_dir_all(target.parent().unwrap_or(into))?;
    fs::write(&target, sample.write()?).with_context(|| target.display().to_string())?;
    println!("{}", target.display());
    Ok(())
}

/// Writes the folder that `pack` would make this sample of.
pub fn unpack(file: &Path, folder: &Path) -> anyhow::Result<()> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let sample = Sample::read(&text)?;
    for (path, content) in &sample.files {
        let inner = Path::new(path);
        if !inner.components().all(|part| matches!(part, Component::Normal(_))) {
            bail!("{path:?}: expected a path inside the folder");
        }
        let target = folder.join(FILES).join(inner);
        fs::create_dir_all(target.parent().unwrap_or(folder))?;
        fs::write(&target, content).with_context(|| target.display().to_string())?;
    }
    fs::write(folder.join(HEADER), sample.header())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_survives_packing() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("a-demo");
        let path = folder.join("files/lib/odd\nname.js");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "x\n").unwrap();
        let header = "title: T\nlabel: malicious\npackage: npm:a@1.0.0\nkind: npm\nfamily: f\ntechnique: t\n\
            modelled-on: m\nshape: plain\nexpect: BLOCKED\n";
        fs::write(folder.join(HEADER), header).unwrap();
        pack(&folder, &place.path().join("samples")).unwrap();
        let again = place.path().join("again");
        unpack(&place.path().join("samples/npm/a-demo.sample"), &again).unwrap();
        assert_eq!(fs::read_to_string(again.join("files/lib/odd\nname.js")).unwrap(), "x\n");
        assert_eq!(fs::read_to_string(again.join(HEADER)).unwrap(), header);
        assert!(pack(&place.path().join("samples"), place.path()).is_err());
    }

    #[test]
    fn a_path_cannot_leave_the_folder() {
        let place = tempfile::tempdir().unwrap();
        let header = "title: T\nlabel: malicious\npackage: npm:a@1.0.0\nkind: npm\nfamily: f\ntechnique: t\n\
            modelled-on: m\nshape: plain\nexpect: BLOCKED\n";
        let sample = Sample::with_header(header, vec![("/x".to_owned(), Vec::new())]).unwrap();
        // A tar writer refuses such a path as well, so it is refused when the sample is written.
        let written = sample.write();
        let refused = match written {
            Err(_) => true,
            Ok(text) => {
                let file = place.path().join("a.sample");
                fs::write(&file, text).unwrap();
                unpack(&file, &place.path().join("out")).is_err()
            }
        };
        assert!(refused);
    }
}
