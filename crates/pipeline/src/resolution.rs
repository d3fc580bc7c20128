//! From a manifest to a graph, or to the graph that the same manifest gave a moment ago.

use sigma_certificate::canonical_bytes;
use sigma_core::{Graph, Manifest, Sha256, Target, Timestamp};

use crate::{AuditError, Hall, Progress, Step};

impl Hall {
    /// Resolves a manifest, unless the same question was answered less than `resolution_lifetime` ago. An offline run
    /// takes the last answer whatever its age; the time is disclosed with the result.
    pub(crate) async fn resolve(
        &self,
        manifest: &Manifest,
        target: &Target,
        refresh: bool,
        progress: &dyn Progress,
    ) -> Result<(Graph, Timestamp), AuditError> {
        let config = self.ecosystems.config();
        let question =
            (manifest, target, config.pypi_index.as_str(), config.npm_registry.as_str(), env!("CARGO_PKG_VERSION"));
        let key = Sha256::of(&canonical_bytes(&question).map_err(|error| AuditError::Internal(error.to_string()))?);
        let now = self.now();
        if !refresh && let Some((graph, at)) = self.store.resolution(key).await? {
            let age = now.as_millis().saturating_sub(at.as_millis());
            let lifetime = i64::try_from(self.config.resolution_lifetime.as_millis()).unwrap_or(i64::MAX);
            if config.offline || (0..lifetime).contains(&age) {
                tracing::info!(
                    manifest.path,
                    graph.packages = graph.packages.len(),
                    "resolved at {at}, not asked again"
                );
                return Ok((graph, at));
            }
        }
        progress.step(Step::Resolving { manifest: &manifest.path });
        let graph = self.ecosystems.resolve(manifest, target).await.map_err(|source| AuditError::Resolve {
            manifest: manifest.path.clone(),
            ecosystem: manifest.ecosystem,
            source,
        })?;
        tracing::info!(
            manifest.path,
            graph.packages = graph.packages.len(),
            graph.unresolved = graph.unresolved.len(),
            "resolved"
        );
        // Something unresolved may be published or repaired the next minute: only whole answers are remembered.
        if graph.unresolved.is_empty() {
            self.store.remember_resolution(key, &graph, now).await?;
        }
        Ok((graph, now))
    }
}
