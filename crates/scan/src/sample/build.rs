//! From a sample's files to the archive that an ecosystem would serve, in memory and with fixed bytes.

use std::io::{Cursor, Write as _};

use data_encoding::BASE64URL_NOPAD;
use flate2::{Compression, GzBuilder};
use sha2::{Digest as _, Sha256};
use sigma_core::DistributionKind;

use super::{Form, Sample, SampleError};

type Files = Vec<(String, Vec<u8>)>;

/// The archive of a sample, and its file name.
pub(super) fn archive(sample: &Sample) -> Result<(String, Vec<u8>), SampleError> {
    let (name, version) = (sample.package.name().as_str(), sample.package.version());
    let kind = match (sample.form, sample.files.as_slice()) {
        (Form::Built(kind), _) => kind,
        (Form::Archive, [(name, bytes)]) => return Ok((name.clone(), bytes.clone())),
        (Form::Archive, files) => {
            return Err(SampleError::Tree(format!("got {} files, expected the archive alone", files.len())));
        }
    };
    let mut files = sample.files.clone();
    let has = |files: &Files, wanted: &dyn Fn(&str) -> bool| files.iter().any(|(path, _)| wanted(path));
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
    match kind {
        DistributionKind::Wheel => {
            let stem = format!("{}-{version}", name.replace(['-', '.'], "_"));
            let info = format!("{stem}.dist-info");
            let tag = "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
            for (file, content) in [("METADATA", metadata.as_str()), ("WHEEL", tag)] {
                let path = format!("{info}/{file}");
                if !has(&files, &|known| known == path) {
                    files.push((path, content.as_bytes().to_vec()));
                }
            }
            let path = format!("{info}/RECORD");
            if !has(&files, &|known| known == path) {
                files.push((path.clone(), record(&files, &path)));
            }
            Ok((format!("{stem}-py3-none-any.whl"), zip(&files)?))
        }
        DistributionKind::Sdist => {
            if !has(&files, &|known| known == "PKG-INFO") {
                files.push(("PKG-INFO".to_owned(), metadata.into_bytes()));
            }
            let stem = format!("{name}-{version}");
            Ok((format!("{stem}.tar.gz"), gzip(&tar(&below(&stem, files))?)?))
        }
        DistributionKind::NpmTarball => {
            if !has(&files, &|known| known == "package.json") {
                let manifest = format!("{{\"name\": {name:?}, \"version\": {version:?}, \"main\": \"index.js\"}}\n");
                files.push(("package.json".to_owned(), manifest.into_bytes()));
            }
            let stem = name.replacen('/', "__", 1);
            Ok((format!("{stem}-{version}.tgz"), gzip(&tar(&below("package", files))?)?))
        }
    }
}

fn below(folder: &str, files: Files) -> Files {
    files.into_iter().map(|(path, content)| (format!("{folder}/{path}"), content)).collect()
}

/// A tar of these files, with paths as given.
pub(super) fn tar(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>, SampleError> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, content.as_slice())?;
    }
    Ok(tar.into_inner()?)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, SampleError> {
    let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::fast());
    gzip.write_all(bytes)?;
    Ok(gzip.finish()?)
}

fn zip(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>, SampleError> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
    let failed = |error: zip::result::ZipError| SampleError::Tree(error.to_string());
    for (path, content) in files {
        zip.start_file(path.as_str(), options).map_err(failed)?;
        zip.write_all(content)?;
    }
    Ok(zip.finish().map_err(failed)?.into_inner())
}

/// A wheel's list of its files: path, digest, size (PEP 376 and 427).
fn record(files: &[(String, Vec<u8>)], own: &str) -> Vec<u8> {
    let mut out = String::new();
    for (path, content) in files {
        let quoted =
            if path.contains(['"', ',', '\n']) { format!("\"{}\"", path.replace('"', "\"\"")) } else { path.clone() };
        let digest = BASE64URL_NOPAD.encode(&Sha256::digest(content));
        out.push_str(&format!("{quoted},sha256={digest},{}\n", content.len()));
    }
    out.push_str(&format!("{own},,\n"));
    out.into_bytes()
}
