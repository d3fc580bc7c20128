//! Who a verified certificate names.
//!
//! In: what `sigstore-verify` read of it. Out: [`PublisherIdentity`], every text of it printable and bounded.

use sigma_core::{PublisherIdentity, printable};
use sigstore_verify::crypto::CertificateInfo;

use crate::refusal::Refusal;

const GITHUB: &str = "https://token.actions.githubusercontent.com";

/// Longest text of an identity that is kept.
const MAX_TEXT: usize = 300;

/// Reads the identity. A certificate without issuer or subject names nobody.
pub(crate) fn identity(certificate: &CertificateInfo) -> Result<PublisherIdentity, Refusal> {
    let text = |text: &str| printable(text, MAX_TEXT);
    let (Some(issuer), Some(subject)) = (&certificate.issuer, &certificate.identity) else {
        return Err(Refusal::invalid("the certificate names no publisher"));
    };
    let kind = match issuer.as_str() {
        GITHUB => "GitHub",
        "https://gitlab.com" => "GitLab",
        "https://accounts.google.com" => "Google",
        _ => "other",
    };
    let claims = &certificate.ci_claims;
    let old = &claims.deprecated_github;
    let kept = |claim: &Option<String>| claim.as_deref().map(text);
    // Certificates of 2022 have GitHub's own extensions alone.
    let github = |name: &String| (kind == "GitHub").then(|| format!("https://github.com/{name}"));
    let repository = claims.source_repository_uri.clone().or_else(|| old.workflow_repository.as_ref().and_then(github));
    let owner = claims.source_repository_owner_uri.clone();
    let owner = owner.or_else(|| repository.as_deref()?.rsplit_once('/').map(|(owner, _)| owner.to_owned()));
    let config = claims.build_config_uri.clone().or_else(|| Some(subject.as_str().to_owned()));
    let workflow = repository.as_deref().zip(config.as_deref()).and_then(|(repository, uri)| path(repository, uri));
    Ok(PublisherIdentity {
        kind: kind.to_owned(),
        issuer: text(issuer),
        subject: text(subject.as_str()),
        repository: kept(&repository),
        repository_id: kept(&claims.source_repository_identifier),
        owner: kept(&owner),
        owner_id: kept(&claims.source_repository_owner_identifier),
        workflow: workflow.as_deref().map(text),
        source_ref: kept(&claims.source_repository_ref.clone().or_else(|| old.workflow_ref.clone())),
        commit: kept(&claims.source_repository_digest.clone().or_else(|| old.workflow_sha.clone())),
        builder: kept(&claims.runner_environment),
        run: kept(&claims.run_invocation_uri),
    })
}

/// The path in `https://github.com/owner/name/.github/workflows/x.yml@refs/heads/main`, or in GitLab's
/// `https://gitlab.com/owner/name//path@ref`. A workflow of another repository keeps its address.
fn path(repository: &str, uri: &str) -> Option<String> {
    let (address, _) = uri.split_once('@')?;
    Some(match address.strip_prefix(repository).filter(|rest| rest.starts_with('/')) {
        Some(inside) => inside.trim_start_matches('/').to_owned(),
        None => address.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn a_workflow_is_a_path_in_its_repository() {
        let check = |uri: &str, expect: Option<&str>| {
            assert_eq!(path("https://github.com/acme/demo", uri).as_deref(), expect, "{uri}");
        };
        check("https://github.com/acme/demo/.github/workflows/x.yml@refs/tags/v1", Some(".github/workflows/x.yml"));
        check("https://github.com/acme/demo//ci.yml@abc", Some("ci.yml"));
        check("https://github.com/acme/demonic/x.yml@abc", Some("https://github.com/acme/demonic/x.yml"));
        check("https://github.com/acme/demo/x.yml", None);
    }
}
