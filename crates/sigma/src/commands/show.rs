//! `sigma show`: what the store knows about a package, or one certificate.

use anyhow::{Context as _, Result};
use sigma_certificate::OnChain;
use sigma_core::PackageId;
use sigma_store::Store;

use crate::args::{Args, Show};
use crate::config::Config;
use crate::{Outcome, render, wire};

/// Runs the command. A package without certificate is exit code 3: nothing is known, which is not a pass.
pub async fn run(args: &Args, command: &Show) -> Result<Outcome> {
    let config = wire::config(args)?;
    let store = wire::store(&config).await?;
    if command.what.starts_with("sig_") {
        let Some(known) = store.submission_certificate(&command.what).await? else {
            let what = sigma_core::printable(&command.what, 200);
            eprintln!("no certificate {what} in {}", config.store.display());
            return Ok(Outcome::Undecided);
        };
        let on_chain = on_chain(&store, &command.what, &config).await?;
        super::print(&render::submission::certificate(&known, on_chain, command.format, &config)?)?;
        return Ok(Outcome::Pass);
    }
    let certificates = if command.what.starts_with("pkg_") {
        store.certificate(&command.what).await?.map(|sealed| sealed.certificate).into_iter().collect()
    } else {
        let package: PackageId =
            command.what.parse().context("expected a package or a certificate id (pkg_... or sig_...)")?;
        store.certificates_of(&package).await?
    };
    if certificates.is_empty() {
        let what = sigma_core::printable(&command.what, 200);
        eprintln!("no certificate for {what} in {}", config.store.display());
        if !command.what.starts_with("pkg_") {
            eprintln!("audit it with: sigma audit --package {what}");
        }
        return Ok(Outcome::Undecided);
    }
    let mut shown = Vec::with_capacity(certificates.len());
    for certificate in certificates {
        let decision = store.standing(certificate.id()).await?;
        let on_chain = on_chain(&store, certificate.id(), &config).await?;
        shown.push((certificate, decision, on_chain));
    }
    let text = render::certificates(&shown, command.format, &config)?;
    super::print(&text)?;
    Ok(Outcome::Pass)
}

/// Where a certificate is on a chain.
pub async fn on_chain(store: &Store, id: &str, config: &Config) -> Result<OnChain> {
    Ok(sigma_pipeline::on_chain(store.anchor_of(id).await?.as_ref(), config.chain.enabled))
}
