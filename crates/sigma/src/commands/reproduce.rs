//! `sigma reproduce`: the analysis of a certificate again, and whether its report is the same.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use sigma_certificate::{
    PackageCertificate, PackagePayload, SubmissionCertificate, SubmissionPayload, canonical_bytes,
};
use sigma_core::printable;
use sigma_ledger::{MAX_BUNDLE, Outcome as Proof, Policy, TrustedRoot, verify};
use sigma_pipeline::{Hall, Reproduced};
use sigma_store::{AnyCertificate, Store};

use super::audit::Unreached;
use super::verify::Server;
use crate::args::{Args, Format, Reproduce};
use crate::config::Config;
use crate::{Outcome, wire};

/// What is to be repeated, and the report that it was sealed from, where somebody has that.
struct Asked {
    certificate: AnyCertificate,
    report: Option<Vec<u8>>,
}

/// What is found under a name.
enum Found {
    Asked(Box<Asked>),
    Nothing,
    /// A bundle that fails against the pinned root.
    Broken(String),
}

/// Runs the command.
pub async fn run(args: &Args, command: &Reproduce) -> Result<Outcome> {
    let config = wire::config(args)?;
    // What others say of a certificate is reproduced in any store, which keeps the bytes; by its id alone it is one of this store.
    let of_others = command.server.is_some() || Path::new(&command.what).is_file();
    let store = if of_others { wire::store_or_told(&config).await? } else { wire::store(&config).await? };
    let asked = match find(command, &config, &store).await? {
        Found::Asked(asked) => asked,
        Found::Nothing => {
            let id = printable(&command.what, 80);
            eprintln!(
                "could not decide: there is no certificate {id} here; name the file of its bundle, or a --server"
            );
            return Ok(Outcome::Undecided);
        }
        Found::Broken(why) => {
            eprintln!("the bundle does not hold: {why}");
            return Ok(Outcome::PolicyFailure);
        }
    };
    let rules = wire::rules(&config)?;
    let (hall, reproduced) = match &asked.certificate {
        AnyCertificate::Package(certificate) => {
            let hall = wire::hall(&config, store, rules, command.offline)?;
            let reproduced = hall.reproduce(certificate, asked.report.as_deref()).await?;
            (hall, reproduced)
        }
        AnyCertificate::Submission(certificate) => {
            let hall =
                wire::reviewing_hall(&config, store, rules)?.without_sandbox("nothing is run to repeat an analysis");
            let reproduced = hall.reproduce_submission(certificate.payload(), asked.report.as_deref()).await?;
            (hall, reproduced)
        }
    };
    super::print(&match command.format {
        Format::Json => format!("{:#}\n", view(&asked, &reproduced)),
        Format::Table | Format::Markdown => told(&asked, &reproduced, &hall),
    })?;
    Ok(match reproduced {
        Reproduced::Same { .. } => Outcome::Pass,
        Reproduced::Different { .. } | Reproduced::OtherBytes(_) => Outcome::PolicyFailure,
        Reproduced::OtherRules { .. } | Reproduced::Unavailable(_) => Outcome::Undecided,
    })
}

/// The certificate: from the file of a bundle, from a server, or from the store.
async fn find(command: &Reproduce, config: &Config, store: &Store) -> Result<Found> {
    let server = command.server.as_ref().map(Server::new).transpose()?;
    let path = Path::new(&command.what);
    let bundle = match &server {
        _ if path.is_file() => Some(super::ledger::read(path, MAX_BUNDLE as u64)?),
        Some(server) => match server.bundle(&command.what).await? {
            Some(bundle) => Some(bundle),
            None => return Ok(Found::Nothing),
        },
        None => None,
    };
    let Some(bundle) = bundle else {
        let Some(certificate) = store.any_certificate(&command.what).await? else { return Ok(Found::Nothing) };
        let report = report_of(&certificate, None, store).await?;
        return Ok(Found::Asked(Box::new(Asked { certificate, report })));
    };
    if let Some(root) = &command.root {
        let root: TrustedRoot = super::ledger::root(Some(root), config)?;
        let report = verify(&bundle, &root, None, &Policy::at(wire::now()));
        if let Some(failed) = report.failure().filter(|_| report.outcome == Proof::Invalid) {
            return Ok(Found::Broken(failed.detail.clone()));
        }
    }
    let certificate = opened(&bundle)?;
    // With an address as well as an id, what came has to be what was asked for: the id follows from the bytes.
    if !path.is_file() && certificate.id() != command.what {
        let (got, asked) = (certificate.id(), printable(&command.what, 80));
        return Err(Unreached(format!("could not decide: the server gave {got} for {asked}")).into());
    }
    let report = report_of(&certificate, server.as_ref(), store).await?;
    Ok(Found::Asked(Box::new(Asked { certificate, report })))
}

/// The certificate in a bundle. Its id follows from what it says, so that it is some certificate, whoever signed it.
fn opened(bundle: &[u8]) -> Result<AnyCertificate> {
    let bundle: Value = sigma_certificate::admit(bundle, MAX_BUNDLE).context("the bundle")?;
    let payload = bundle.get("payload").context("the bundle holds no payload, so there is nothing to repeat")?;
    let canonical = canonical_bytes(payload).context("the payload")?;
    if serde_json::from_value::<PackagePayload>(payload.clone()).is_ok() {
        return Ok(AnyCertificate::Package(Box::new(PackageCertificate::open(canonical)?)));
    }
    serde_json::from_value::<SubmissionPayload>(payload.clone()).context("the payload is no certificate's")?;
    Ok(AnyCertificate::Submission(Box::new(SubmissionCertificate::open(canonical)?)))
}

/// The report that it was sealed from: from the store, or a server. Whoever uses it compares its hash.
async fn report_of(certificate: &AnyCertificate, server: Option<&Server>, store: &Store) -> Result<Option<Vec<u8>>> {
    let id = certificate.id();
    match certificate {
        AnyCertificate::Package(_) => match (store.certificate(id).await?, server) {
            (Some(sealed), _) => Ok(Some(sealed.report)),
            (None, Some(server)) => server.report(id).await,
            (None, None) => Ok(None),
        },
        AnyCertificate::Submission(_) => {
            let Some(dossier) = store.submission_dossier(id).await? else { return Ok(None) };
            let dossier: Value = serde_json::from_slice(&dossier).context("the stored dossier")?;
            let preprocess = dossier.pointer("/dossier/preprocess");
            Ok(preprocess.map(canonical_bytes).transpose()?)
        }
    }
}

fn view(asked: &Asked, reproduced: &Reproduced) -> Value {
    let id = asked.certificate.id();
    let (outcome, detail) = match reproduced {
        Reproduced::Same { report_hash } => ("same", json!({ "reportHash": report_hash })),
        Reproduced::Different { got, expected, differences } => {
            ("different", json!({ "reportHash": got, "sealedReportHash": expected, "differences": differences }))
        }
        Reproduced::OtherBytes(why) => ("other-bytes", json!({ "why": why })),
        Reproduced::OtherRules { certificate, here } => {
            ("other-rules", json!({ "rulesetVersion": certificate, "here": here, "why": hint(certificate, here) }))
        }
        Reproduced::Unavailable(why) => ("unavailable", json!({ "why": why })),
    };
    let mut view = json!({
        "schema": "sigma-reproduction/1", "certificateId": id, "outcome": outcome, "notRepeated": not_repeated(asked),
    });
    if let (Value::Object(view), Value::Object(detail)) = (&mut view, detail) {
        view.extend(detail);
    }
    view
}

fn told(asked: &Asked, reproduced: &Reproduced, hall: &Hall) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}  rules {}", asked.certificate.id(), hall.ruleset());
    match reproduced {
        Reproduced::Same { report_hash } => {
            let _ = writeln!(out, "the same bytes gave the same report: {report_hash}");
        }
        Reproduced::Different { got, expected, differences } => {
            let _ = writeln!(out, "another report: got {got}, sealed {expected}");
            match differences {
                Some(lines) => lines.iter().for_each(|line| {
                    let _ = writeln!(out, "  {line}");
                }),
                None => out.push_str("  the sealed report is not at hand, so the difference cannot be explained\n"),
            }
        }
        Reproduced::OtherBytes(why) => {
            let _ = writeln!(out, "these are not the certified bytes: {}", printable(why, 1000));
        }
        Reproduced::OtherRules { certificate, here } => {
            let _ = writeln!(out, "could not decide: {}", hint(certificate, here));
        }
        Reproduced::Unavailable(why) => {
            let _ = writeln!(out, "could not decide: {}", printable(why, 1000));
        }
    }
    out.push_str("not repeated\n");
    for line in not_repeated(asked) {
        let _ = writeln!(out, "  {line}");
    }
    out.push_str(match reproduced {
        Reproduced::Same { .. } => "REPRODUCED\n",
        Reproduced::Different { .. } | Reproduced::OtherBytes(_) => "NOT REPRODUCED\n",
        Reproduced::OtherRules { .. } | Reproduced::Unavailable(_) => "COULD NOT DECIDE\n",
    });
    out
}

fn not_repeated(asked: &Asked) -> Vec<&'static str> {
    let mut lines = vec!["what the council made of the report"];
    match &asked.certificate {
        AnyCertificate::Package(_) => lines.push("advisories, and what is new since an earlier version"),
        AnyCertificate::Submission(_) => {
            lines.push("the run in isolation, and the answers of declared endpoints");
            lines.push("the audit of its packages: reproduce their certificates");
        }
    }
    lines
}

/// Who can run the rules of a certificate.
fn hint(certificate: &str, here: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let (built_in, local) = certificate.split_once('+').map_or((certificate, None), |(a, b)| (a, Some(b)));
    let (own, _) = here.split_once('+').unwrap_or((here, ""));
    let mut text =
        format!("the certificate was made under the rules {certificate}, and this is sigma {version} with {here}");
    if built_in != own {
        let _ = write!(
            text,
            "; the changelog says which release brought {built_in}, `sigma rules --versions` what one runs"
        );
    }
    if let Some(local) = local {
        let _ = write!(text, "; the operator's own rules ({local}) are needed: name their folder with --rules");
    } else if here.contains('+') {
        text.push_str("; it was made without rules of an operator: leave --rules out");
    }
    text
}
