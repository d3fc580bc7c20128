//! npm's `overrides`: rules that replace what packages below a given place ask for.
//!
//! In: the JSON text of that object in the project's `package.json`. Out: a tree of rules and the question which of them
//! applies to a dependency. It follows `@npmcli/arborist`'s override sets.

use super::spec::{Spec, parse_range, split_name};

/// Most rules of a project: each answers to all below it, so the work grows with the square.
const MAX_RULES: usize = 2000;

/// Index of a rule; 0 is the root, which overrides nothing itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct RuleId(usize);

/// The rules of a project.
#[derive(Debug)]
pub(super) struct Overrides {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    parent: Option<RuleId>,
    children: Vec<RuleId>,
    key: String,
    name: String,
    key_spec: String,
    value: String,
}

/// Why the text is not an overrides object.
#[derive(Debug, thiserror::Error)]
pub(super) enum OverridesError {
    #[error("`overrides` is not a JSON object: {0}")]
    Json(#[from] serde_json::Error),
    #[error("got `{0}` in `overrides`, expected a package name with a spec or with nested overrides")]
    Entry(String),
    #[error("got more than {MAX_RULES} rules in `overrides`")]
    TooMany,
}

impl Overrides {
    /// Reads the object; `None` when it holds no rule.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, OverridesError> {
        // Depth is bounded by serde_json, which stops at 128 levels.
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)?;
        let root = Rule {
            parent: None,
            children: Vec::new(),
            key: String::new(),
            name: String::new(),
            key_spec: String::new(),
            value: String::new(),
        };
        let mut overrides = Self { rules: vec![root] };
        overrides.add_all(RuleId(0), &object)?;
        Ok((overrides.rules.len() > 1).then_some(overrides))
    }

    fn add_all(
        &mut self,
        parent: RuleId,
        object: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<(), OverridesError> {
        for (key, value) in object.iter().filter(|(key, _)| *key != ".") {
            if self.rules.len() > MAX_RULES {
                return Err(OverridesError::TooMany);
            }
            let wrong = || OverridesError::Entry(sigma_core::printable(key, 120));
            let (name, spec) = split_name(key);
            let key_spec = if spec.is_empty() { "*" } else { spec };
            let empty = serde_json::Map::new();
            let (own, nested) = match value {
                serde_json::Value::String(own) => (Some(own.as_str()), &empty),
                serde_json::Value::Object(nested) => match nested.get(".") {
                    None => (None, nested),
                    Some(serde_json::Value::String(own)) => (Some(own.as_str()), nested),
                    Some(_) => return Err(wrong()),
                },
                _ => return Err(wrong()),
            };
            let value = match own {
                Some("") => "*",
                Some(own) => own,
                None => key_spec,
            };
            if name.is_empty() {
                return Err(wrong());
            }
            let id = RuleId(self.rules.len());
            self.rules.push(Rule {
                parent: Some(parent),
                children: Vec::new(),
                key: key.clone(),
                name: name.to_owned(),
                key_spec: key_spec.to_owned(),
                value: value.to_owned(),
            });
            self.rules[parent.0].children.push(id);
            self.add_all(id, nested)?;
        }
        Ok(())
    }

    /// The rule that stands for the whole project.
    pub(super) fn root(&self) -> RuleId {
        RuleId(0)
    }

    /// Names and specs that rules bring in, for fetching ahead.
    pub(super) fn targets(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rules.iter().skip(1).map(|rule| (rule.name.as_str(), rule.value.as_str()))
    }

    /// What the rule puts in the place of the spec of a dependency on `name`.
    pub(super) fn replacement(&self, rule: RuleId, name: &str) -> Option<&str> {
        let rule = &self.rules[rule.0];
        (rule.parent.is_some() && rule.name == name && rule.value != "*").then_some(rule.value.as_str())
    }

    /// The versions a rule speaks about; `None` for the root.
    pub(super) fn key_spec(&self, rule: RuleId) -> Option<&str> {
        let rule = &self.rules[rule.0];
        rule.parent.is_some().then_some(rule.key_spec.as_str())
    }

    /// The value of a rule and the name it speaks about; `None` for the root.
    pub(super) fn value_of(&self, rule: RuleId) -> Option<(&str, &str)> {
        let rule = &self.rules[rule.0];
        rule.parent.is_some().then_some((rule.name.as_str(), rule.value.as_str()))
    }

    /// The rule that applies to a dependency on `name` with `raw_spec`, asked for where `at` applies; `at` itself when
    /// there is no other.
    pub(super) fn rule_for(&self, at: RuleId, name: &str, raw_spec: &str) -> RuleId {
        for id in self.ruleset(at) {
            let rule = &self.rules[id.0];
            if rule.name != name {
                continue;
            }
            if rule.key_spec == "*" {
                return id;
            }
            match Spec::parse(raw_spec) {
                Spec::Registry { want, .. } => {
                    let Some(asked) = want.range().cloned().or_else(|| match want {
                        super::spec::Want::Any => parse_range("*"),
                        _ => None,
                    }) else {
                        // A tag gives nothing to compare: npm takes the rule.
                        return id;
                    };
                    if parse_range(&rule.key_spec).is_some_and(|key| asked.intersects(&key)) {
                        return id;
                    }
                }
                Spec::NotPublic | Spec::Invalid => {}
            }
        }
        at
    }

    /// Of two rules that meet at one package: the more specific, or their nearest common ancestor. `None` when they
    /// contradict each other.
    pub(super) fn reconcile(&self, first: RuleId, second: RuleId) -> Option<RuleId> {
        if self.ancestry(second).any(|rule| rule == first) {
            return Some(second);
        }
        if self.ancestry(first).any(|rule| rule == second) {
            return Some(first);
        }
        if self.contradict(first, second) {
            return None;
        }
        self.ancestry(second).find(|ancestor| self.ancestry(first).any(|other| other == *ancestor))
    }

    fn contradict(&self, first: RuleId, second: RuleId) -> bool {
        let others = self.ruleset(second);
        self.ruleset(first).into_iter().any(|id| {
            let rule = &self.rules[id.0];
            let Some(other) = others.iter().find(|other| self.rules[other.0].key == rule.key) else { return false };
            let other_rule = &self.rules[other.0];
            if *other == id || rule.value.starts_with('$') || other_rule.value.starts_with('$') {
                return false;
            }
            match (parse_range(&rule.value), parse_range(&other_rule.value)) {
                (Some(a), Some(b)) => !a.intersects(&b),
                _ => false,
            }
        })
    }

    fn ancestry(&self, rule: RuleId) -> impl Iterator<Item = RuleId> {
        std::iter::successors(Some(rule), |rule| self.rules[rule.0].parent)
    }

    /// Every rule in force at a place, the nearest first; of rules with the same key only the nearest.
    fn ruleset(&self, at: RuleId) -> Vec<RuleId> {
        let mut set: Vec<RuleId> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for ancestor in self.ancestry(at) {
            let rule = &self.rules[ancestor.0];
            let own = rule.parent.is_some().then_some(ancestor);
            for id in rule.children.iter().copied().chain(own) {
                if seen.insert(self.rules[id.0].key.as_str()) {
                    set.push(id);
                }
            }
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::Overrides;

    fn check(json: &str, path: &[(&str, &str)], expect: Option<&str>) {
        let overrides = Overrides::parse(json).unwrap().unwrap();
        let mut rule = overrides.root();
        for (name, spec) in path {
            rule = overrides.rule_for(rule, name, spec);
        }
        assert_eq!(overrides.replacement(rule, path.last().unwrap().0), expect);
    }

    #[test]
    fn the_nearest_rule_applies() {
        check(r#"{"a":"2"}"#, &[("x", "*"), ("a", "^1")], Some("2"));
        check(r#"{"x":{"a":"2"}}"#, &[("a", "^1")], None);
        check(r#"{"x":{"a":"2"}}"#, &[("x", "*"), ("y", "1"), ("a", "^1")], Some("2"));
        check(r#"{"x":{".":"3","a":"2"}}"#, &[("x", "*")], Some("3"));
        check(r#"{"a@1":"2"}"#, &[("a", "^1.2")], Some("2"));
        check(r#"{"a@1":"2"}"#, &[("a", "^3")], None);
        check(r#"{"a":""}"#, &[("a", "^3")], None);
        check(r#"{"a":"2","x":{"a":"3"}}"#, &[("x", "*"), ("a", "^1")], Some("3"));
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for json in ["[]", r#"{"a":1}"#, r#"{"a":{".":{}}}"#, r#"{"":"1"}"#] {
            assert!(Overrides::parse(json).is_err(), "{json}");
        }
        assert!(Overrides::parse("{}").unwrap().is_none());
    }
}
