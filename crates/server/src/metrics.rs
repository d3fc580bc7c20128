//! Figures for Prometheus.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Endpoint and status: both from a short list, never from what a client sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    endpoint: String,
    status: u16,
}

pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter<u64, AtomicU64>>,
    seconds: Histogram,
    pub(crate) connections: Gauge,
}

/// 50 µs, an answer that is ready, to 3 s, one that waited for advisories.
const BUCKETS: [f64; 10] = [0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.005, 0.02, 0.1, 0.5, 3.0];

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("sigma");
        let requests = Family::<Labels, Counter>::default();
        let seconds = Histogram::new(BUCKETS);
        let connections = Gauge::default();
        registry.register("http_requests", "Requests by endpoint and status", requests.clone());
        registry.register_with_unit("http_request", "Time to answer a request", Unit::Seconds, seconds.clone());
        registry.register("http_connections", "Open connections", connections.clone());
        Self { registry, requests, seconds, connections }
    }

    pub(crate) fn answered(&self, endpoint: &str, status: u16, took: Duration) {
        let labels = Labels { endpoint: endpoint.to_owned(), status };
        self.requests.get_or_create(&labels).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// The exposition format.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
