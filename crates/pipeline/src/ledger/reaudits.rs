//! That a certificate takes the place of an earlier one, and why: a statement of its own in the log, beside that of the certificate.
//!
//! It is kept in the transaction that keeps the certificate's own statement, so that there is never one without the other.

use sigma_certificate::{PackageCertificate, SCHEMA, SUBMISSION_SCHEMA};
use sigma_ledger::statement::{CertificateClaim, Reaudit, Statement};
use sigma_store::{AnyCertificate, Store};

use super::LedgerError;

/// Lines of the operators' log about one package that are looked through for who asked.
const MOST_LINES: u32 = 100;

/// How it is named among the subjects of statements, by the newer certificate.
pub(super) fn reaudit_subject(certificate: &str) -> String {
    format!("reaudit/{certificate}")
}

/// The statement that a certificate replaces another, and its subject; none where it replaces none.
pub(super) async fn reaudit(
    store: &Store,
    certificate: &AnyCertificate,
) -> Result<Option<(String, Statement)>, LedgerError> {
    let (prefix, schema, supersedes, at) = match certificate {
        AnyCertificate::Package(one) => ("pkg", SCHEMA, &one.payload().supersedes, one.payload().certified_at),
        AnyCertificate::Submission(one) => {
            ("sig", SUBMISSION_SCHEMA, &one.payload().supersedes, one.payload().certified_at)
        }
    };
    let Some(supersedes) = supersedes.clone() else { return Ok(None) };
    let reason = match certificate {
        AnyCertificate::Package(one) => why(store, one, &supersedes).await?,
        AnyCertificate::Submission(_) => "The same place of the same repository was submitted again.".to_owned(),
    };
    let claim = CertificateClaim::of(prefix, schema, certificate.canonical());
    Ok(Some((reaudit_subject(certificate.id()), Reaudit { certificate: claim, supersedes, reason, at }.statement()?)))
}

/// Who asked, or what is different about the rules.
async fn why(store: &Store, certificate: &PackageCertificate, earlier: &str) -> Result<String, LedgerError> {
    let payload = certificate.payload();
    let package = format!("{}:{}@{}", payload.registry_source, payload.package_name, payload.package_version);
    let lines = store.log(None, Some(&package), MOST_LINES).await?;
    let asked = lines.iter().find(|line| line.action == "reaudit" && line.detail.split(' ').next() == Some(earlier));
    if let Some(asked) = asked {
        return Ok(format!("An operator asked: {}", asked.reason));
    }
    let rules = &payload.ruleset_version;
    Ok(match store.certificate(earlier).await? {
        Some(before) if before.certificate.payload().ruleset_version != *rules => {
            let before = &before.certificate.payload().ruleset_version;
            format!("It was audited again under the rules {rules}; before, under {before}.")
        }
        _ => format!("It was audited again under the rules {rules}."),
    })
}
