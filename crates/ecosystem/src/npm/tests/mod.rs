//! The whole of npm's half against a registry on loopback.

mod asking;
mod choosing;
mod leaving_out;
mod placing;
mod registry;

use sigma_core::{Graph, Target};

use self::registry::{Fake, manifest};

/// A graph as lines: packages with their parents, what is unresolved, what is left out.
fn shown(graph: &Graph) -> String {
    let packages = graph.packages.iter().map(|package| {
        let parents = package.parents.iter().map(|parent| {
            let from = parent.package.as_ref().map_or("project".to_owned(), |id| id.name().to_string());
            format!("{from} {}", parent.spec)
        });
        format!("{}@{} < {}", package.id.name(), package.id.version(), parents.collect::<Vec<_>>().join(", "))
    });
    let unresolved = graph.unresolved.iter().map(|unresolved| {
        let parents = unresolved.parents.iter().map(|parent| match (&parent.package, &parent.at) {
            (Some(id), _) => id.name().to_string(),
            (None, Some(at)) => at.to_string(),
            (None, None) => "project".to_owned(),
        });
        let parents: Vec<String> = parents.collect();
        format!(
            "UNRESOLVED {:?} {} {} < {}: {}",
            unresolved.reason,
            unresolved.name,
            unresolved.spec,
            parents.join(", "),
            unresolved.detail.replace('\n', "; ")
        )
    });
    let excluded = graph.excluded.iter().map(|excluded| format!("EXCLUDED {excluded}"));
    packages.chain(unresolved).chain(excluded).collect::<Vec<_>>().join("\n")
}

/// Resolves `declared` against `packages`.
async fn check(packages: &str, declared: &str, expect: &str) {
    check_overridden(packages, declared, None, expect).await;
}

async fn check_overridden(packages: &str, declared: &str, overrides: Option<&str>, expect: &str) {
    let fake = Fake::start(packages, &[]).await;
    let graph = fake.npm.resolve(&manifest(declared, overrides), &Target::default()).await.unwrap();
    let expect: Vec<&str> = expect.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    pretty(&shown(&graph), &expect.join("\n"));
}

fn pretty(got: &str, expect: &str) {
    assert!(got == expect, "got:\n{got}\nexpected:\n{expect}");
}
