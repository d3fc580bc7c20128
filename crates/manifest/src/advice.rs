//! What to write instead of a declaration that is refused.

use sigma_core::{Ecosystem, Refusal};

/// The usual advice for a reason. A reader of the manifest who knows better says so instead.
pub(super) fn for_reason(ecosystem: Ecosystem, reason: Refusal) -> &'static str {
    use Ecosystem::{Npm, Pypi};
    match (reason, ecosystem) {
        (Refusal::VersionControl, Pypi) => "name a release on PyPI instead, such as `name==1.2.3`",
        (Refusal::VersionControl, Npm) => "name a release on npm instead, such as `^1.2.3`",
        (Refusal::Url, Pypi) => "name a release on PyPI instead of a URL, such as `name==1.2.3`",
        (Refusal::Url, Npm) => "name a release on npm instead of a URL, such as `^1.2.3`",
        (Refusal::Path, Pypi) => "publish it and name a release on PyPI, or submit the code itself for review",
        (Refusal::Path, Npm) => "publish it and name a release on npm, or submit the code itself for review",
        (Refusal::Editable, _) => "name a release on PyPI instead, such as `name==1.2.3`",
        (Refusal::OtherIndex, Pypi) => "only packages from https://pypi.org are certified; remove the other index",
        (Refusal::OtherIndex, Npm) => {
            "only packages from https://registry.npmjs.org are certified; remove the other registry"
        }
        (Refusal::Wildcard, Pypi) => "write a range such as `>=2,<3` or an exact version instead of a wildcard",
        (Refusal::Wildcard, Npm) => "write a range such as `^1.2.3` or an exact version instead of a wildcard",
        (Refusal::FloatingTag, _) => "write the version that the tag means today, such as `^1.2.3`",
        (Refusal::NoVersion, Pypi) => "add a version, such as `==1.2.3` or `>=1.2,<2`",
        (Refusal::NoVersion, Npm) => "add a version, such as `^1.2.3`",
        (Refusal::Unparsable, Pypi) => "write `name==version`, with extras and a marker where needed (PEP 508)",
        (Refusal::Unparsable, Npm) => "write `\"name\": \"version or range\"` in node-semver's grammar",
    }
}
