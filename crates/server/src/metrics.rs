//! Figures for Prometheus.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use sigma_core::Timestamp;
use sigma_store::{Store, StoreError};
use tokio::sync::Mutex;

/// Endpoint and status: both from a short list, never from what a client sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    endpoint: Cow<'static, str>,
    status: u16,
}

/// Kind and state of jobs, both from short lists.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    kind: String,
    state: &'static str,
}

pub(crate) struct Metrics {
    registry: Registry,
    jobs: Family<JobLabels, Gauge>,
    oldest: Family<JobLabels, Gauge>,
    escalations: Gauge,
    flags: Gauge,
    unannounced: Gauge,
    store_answers: Gauge,
    lookups: Counter<u64, AtomicU64>,
    /// When the store was looked at last.
    looked: Arc<Mutex<Option<Instant>>>,
    keep: Duration,
    requests: Family<Labels, Counter<u64, AtomicU64>>,
    seconds: Histogram,
    pub(crate) connections: Gauge,
}

/// How long the database may take to tell its figures.
const PATIENCE: Duration = Duration::from_secs(2);
/// 50 µs, an answer that is ready, to 3 s, one that waited for advisories.
const BUCKETS: [f64; 10] = [0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.005, 0.02, 0.1, 0.5, 3.0];

impl Metrics {
    pub(crate) fn new(keep: Duration) -> Self {
        let mut registry = Registry::with_prefix("sigma");
        let requests = Family::<Labels, Counter>::default();
        let seconds = Histogram::new(BUCKETS);
        let connections = Gauge::default();
        registry.register("http_requests", "Requests by endpoint and status", requests.clone());
        registry.register_with_unit("http_request", "Time to answer a request", Unit::Seconds, seconds.clone());
        registry.register("http_connections", "Open connections", connections.clone());
        let (jobs, oldest) = (Family::<JobLabels, Gauge>::default(), Family::<JobLabels, Gauge>::default());
        let (escalations, flags, store_answers) = (Gauge::default(), Gauge::default(), Gauge::default());
        let unannounced = Gauge::default();
        registry.register("jobs", "Open and dead jobs by kind and state", jobs.clone());
        let help = "Since the oldest of these jobs was asked for, or died";
        registry.register_with_unit("jobs_oldest", help, Unit::Seconds, oldest.clone());
        registry.register("escalations_open", "Escalated packages that wait for an operator", escalations.clone());
        registry.register("flags_open", "Flags of the public that wait for an operator", flags.clone());
        let help = "Certificates that are sealed and wait for the transparency log";
        registry.register("certificates_unannounced", help, unannounced.clone());
        let help = "1 when the figures of jobs, escalations and flags could be read, 0 when they are missing";
        registry.register("store_figures", help, store_answers.clone());
        let lookups = Counter::default();
        let help = "Statements for look-ups of packages: of answers that are kept, none";
        registry.register("lookup_statements", help, lookups.clone());
        Self {
            registry,
            jobs,
            oldest,
            escalations,
            flags,
            unannounced,
            store_answers,
            lookups,
            looked: Arc::default(),
            keep,
            requests,
            seconds,
            connections,
        }
    }

    pub(crate) fn answered(&self, endpoint: Cow<'static, str>, status: u16, took: Duration) {
        let labels = Labels { endpoint, status };
        self.requests.get_or_create(&labels).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// Takes over how many statements look-ups took so far.
    pub(crate) fn looked_up(&self, statements: u64) {
        self.lookups.inc_by(statements.saturating_sub(self.lookups.get()));
    }

    /// Looks at the store for what waits in it, at most every few seconds: whoever reads figures must not be what keeps the
    /// database busy. What cannot be read is left out and said to be missing, never told as nothing.
    pub(crate) async fn look(&self, store: &Store, now: Timestamp) {
        let mut looked = self.looked.lock().await;
        if looked.is_some_and(|at| at.elapsed() < self.keep) {
            return;
        }
        self.jobs.clear();
        self.oldest.clear();
        let read = tokio::time::timeout(PATIENCE, self.read(store, now)).await;
        let answers = match read {
            Ok(Ok(())) => 1,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the figures of the store cannot be read");
                0
            }
            Err(_) => 0,
        };
        self.store_answers.set(answers);
        *looked = Some(Instant::now());
    }

    async fn read(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        for figure in store.job_figures().await? {
            let labels = JobLabels { kind: figure.kind, state: figure.state.as_str() };
            self.jobs.get_or_create(&labels).set(i64::try_from(figure.jobs).unwrap_or(i64::MAX));
            let age = now.as_millis().saturating_sub(figure.oldest.as_millis()).max(0) / 1_000;
            self.oldest.get_or_create(&labels).set(age);
        }
        let gauge = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.escalations.set(gauge(store.count_open_escalations().await?));
        self.flags.set(gauge(store.count_open_flags().await?));
        self.unannounced.set(gauge(store.unannounced().await?));
        Ok(())
    }

    /// The exposition format.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
