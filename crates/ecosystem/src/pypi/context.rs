//! The build context that uv's resolver asks for, and that never builds.
//!
//! In: nothing from a package. Out: settings. Every way to run a build backend ends in [`NeverBuilt`]; there is no
//! interpreter to run one with.

use std::future::{self, Future};
use std::path::{Path, PathBuf};

use uv_cache::Cache;
use uv_configuration::{BuildKind, BuildOptions, BuildOutput, NoSources};
use uv_distribution_filename::DistFilename;
use uv_distribution_types::{
    CachedDist, ConfigSettings, DependencyMetadata, ExtraBuildRequires, ExtraBuildVariables, IndexCapabilities,
    IndexLocations, IsBuildBackendError, PackageConfigSettings, Requirement, SourceDist,
};
use uv_git::GitResolver;
use uv_python::{Interpreter, PythonEnvironment};
use uv_types::{
    AnyErrorBuild, BuildArena, BuildContext, BuildIsolation, BuildStack, ResolvedRequirements, SourceBuildTrait,
};
use uv_workspace::WorkspaceCache;

/// The answer to every request to build.
#[derive(Debug, thiserror::Error)]
#[error("packages are never built or run")]
pub(super) struct NeverBuilt;

impl uv_errors::Hint for NeverBuilt {}

impl IsBuildBackendError for NeverBuilt {
    fn is_build_backend_error(&self) -> bool {
        true
    }
}

/// A source build that cannot exist.
pub(super) enum Never {}

impl SourceBuildTrait for Never {
    async fn metadata(&mut self) -> Result<Option<PathBuf>, AnyErrorBuild> {
        match *self {}
    }

    async fn wheel<'a>(&'a self, _: &'a Path) -> Result<String, AnyErrorBuild> {
        match *self {}
    }
}

/// Settings for one run of the resolver.
pub(super) struct Context {
    cache: Cache,
    locations: IndexLocations,
    git: GitResolver,
    arena: BuildArena<Never>,
    capabilities: IndexCapabilities,
    metadata: DependencyMetadata,
    options: BuildOptions,
    settings: ConfigSettings,
    package_settings: PackageConfigSettings,
    sources: NoSources,
    workspaces: WorkspaceCache,
    extra_requires: ExtraBuildRequires,
    extra_variables: ExtraBuildVariables,
}

impl Context {
    /// A context over uv's cache and the one index. Sdists count as installable, as they do for uv; their metadata
    /// is read by [`super::provider`], never built.
    pub fn new(cache: Cache, locations: IndexLocations) -> Self {
        Self {
            cache,
            locations,
            git: GitResolver::default(),
            arena: BuildArena::default(),
            capabilities: IndexCapabilities::default(),
            metadata: DependencyMetadata::default(),
            options: BuildOptions::default(),
            settings: ConfigSettings::default(),
            package_settings: PackageConfigSettings::default(),
            sources: NoSources::default(),
            workspaces: WorkspaceCache::default(),
            extra_requires: ExtraBuildRequires::default(),
            extra_variables: ExtraBuildVariables::default(),
        }
    }
}

impl BuildContext for Context {
    type SourceDistBuilder = Never;

    // The resolver asks for an interpreter only in order to build, and it never gets that far.
    fn interpreter(&self) -> impl Future<Output = &Interpreter> + '_ {
        future::pending()
    }

    fn cache(&self) -> &Cache {
        &self.cache
    }

    fn git(&self) -> &GitResolver {
        &self.git
    }

    fn build_arena(&self) -> &BuildArena<Never> {
        &self.arena
    }

    fn capabilities(&self) -> &IndexCapabilities {
        &self.capabilities
    }

    fn dependency_metadata(&self) -> &DependencyMetadata {
        &self.metadata
    }

    fn build_options(&self) -> &BuildOptions {
        &self.options
    }

    fn build_isolation(&self) -> BuildIsolation<'_> {
        BuildIsolation::default()
    }

    fn config_settings(&self) -> &ConfigSettings {
        &self.settings
    }

    fn config_settings_package(&self) -> &PackageConfigSettings {
        &self.package_settings
    }

    fn sources(&self) -> &NoSources {
        &self.sources
    }

    fn locations(&self) -> &IndexLocations {
        &self.locations
    }

    fn workspace_cache(&self) -> &WorkspaceCache {
        &self.workspaces
    }

    fn extra_build_requires(&self) -> &ExtraBuildRequires {
        &self.extra_requires
    }

    fn extra_build_variables(&self) -> &ExtraBuildVariables {
        &self.extra_variables
    }

    async fn resolve<'a>(
        &'a self,
        _: &'a [Requirement],
        _: &'a BuildStack,
    ) -> Result<ResolvedRequirements, impl IsBuildBackendError> {
        Err::<_, NeverBuilt>(NeverBuilt)
    }

    async fn install<'a>(
        &'a self,
        _: &'a ResolvedRequirements,
        _: &'a PythonEnvironment,
        _: &'a BuildStack,
    ) -> Result<Vec<CachedDist>, impl IsBuildBackendError> {
        Err::<_, NeverBuilt>(NeverBuilt)
    }

    async fn setup_build<'a>(
        &'a self,
        _: &'a Path,
        _: Option<&'a Path>,
        _: &'a Path,
        _: Option<&'a Path>,
        _: Option<&'a str>,
        _: Option<&'a SourceDist>,
        _: &'a NoSources,
        _: BuildKind,
        _: BuildOutput,
        _: BuildStack,
    ) -> Result<Never, impl IsBuildBackendError> {
        Err::<_, NeverBuilt>(NeverBuilt)
    }

    async fn direct_build<'a>(
        &'a self,
        _: &'a Path,
        _: Option<&'a Path>,
        _: &'a Path,
        _: NoSources,
        _: BuildKind,
        _: Option<&'a str>,
    ) -> Result<Option<DistFilename>, impl IsBuildBackendError> {
        Err::<_, NeverBuilt>(NeverBuilt)
    }
}
