//! Progress on a terminal: one line that says what is in flight. Quiet when standard error is piped.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use sigma_pipeline::{Progress, Step};

/// The progress line.
pub struct Line {
    bar: ProgressBar,
    bytes: AtomicU64,
    in_flight: Mutex<BTreeMap<String, &'static str>>,
}

impl Line {
    /// Shown on a terminal, hidden otherwise.
    pub fn new() -> Self {
        let bar = match std::io::stderr().is_terminal() {
            true => ProgressBar::new_spinner(),
            false => ProgressBar::hidden(),
        };
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, bytes: AtomicU64::new(0), in_flight: Mutex::default() }
    }

    /// Shows what is done before anything is counted.
    pub fn say(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// Removes the line.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn now(&self, package: &str, doing: Option<&'static str>) {
        let Ok(mut in_flight) = self.in_flight.lock() else { return };
        match doing {
            Some(doing) => in_flight.insert(package.to_owned(), doing),
            None => in_flight.remove(package),
        };
        let count = |what: &str| in_flight.values().filter(|doing| **doing == what).count();
        let named: Vec<String> =
            in_flight.iter().take(3).map(|(package, doing)| format!("{doing} {package}")).collect();
        let more = in_flight.len().saturating_sub(named.len());
        let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
        self.bar.set_message(format!(
            "{} fetched · fetching {} · analysing {} · council {} · {}{tail}",
            HumanBytes(self.bytes.load(Ordering::Relaxed)),
            count("fetching"),
            count("analysing"),
            count("council on"),
            named.join(", ")
        ));
    }
}

impl Progress for Line {
    fn step(&self, step: Step<'_>) {
        match step {
            Step::Resolving { manifest } => self.bar.set_message(format!("resolving {manifest}")),
            Step::Resolved { packages, cached, to_audit } => {
                let template = "{spinner} {pos}/{len} {wide_msg}";
                if let Ok(style) = ProgressStyle::with_template(template) {
                    self.bar.set_style(style);
                }
                self.bar.set_length(to_audit as u64);
                self.bar.set_message(format!("{packages} packages, {cached} already certified"));
            }
            Step::Fetching { package } => self.now(package, Some("fetching")),
            Step::Fetched { bytes } => {
                self.bytes.fetch_add(bytes, Ordering::Relaxed);
            }
            Step::Analysing { package } => self.now(package, Some("analysing")),
            Step::Running { submission } => self.now(submission, Some("running")),
            Step::Probing { submission } => self.now(submission, Some("asking the endpoints of")),
            Step::Council { package } => self.now(package, Some("council on")),
            Step::Finished { package } => {
                self.bar.inc(1);
                self.now(package, None);
            }
        }
    }
}
