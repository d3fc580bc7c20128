//! What a process tells while it runs: a log on standard error, and spans for a collector where one is named.
//!
//! In: the command, `SIGMA_LOG`, and the variables that OpenTelemetry defines (`OTEL_EXPORTER_OTLP_ENDPOINT`, ...). Out: nothing
//! that holds a secret or a package's source: spans have names, ids, counts and times.

use std::io::IsTerminal as _;

use anyhow::{Context as _, Result};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::runtime::Tokio;
use opentelemetry_sdk::trace::SdkTracerProvider;
use opentelemetry_sdk::trace::span_processor_with_async_runtime::BatchSpanProcessor;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry};

use crate::args::{Args, Command, LogFormat};

/// Either of them switches the export on; the exporter reads them, and the others of their family, itself.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

/// Spans on their way; what is left is sent when the process ends.
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Sends what is left.
    pub fn end(self) {
        if let Some(Err(error)) = self.provider.map(|provider| provider.shutdown()) {
            eprintln!("the last spans could not be sent: {error}");
        }
    }
}

/// Starts the log, and the export of spans where a collector is named. Within the runtime: spans are sent by a task.
///
/// # Errors
/// When the variables of OpenTelemetry name no collector that could be reached.
pub fn start(args: &Args) -> Result<Telemetry> {
    // What takes a second prints its result: only what stays up is followed.
    let stays = matches!(args.command, Command::Serve(_) | Command::Worker(_));
    let named = ENDPOINTS.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    let provider = if stays && named { Some(provider()?) } else { None };
    let spans = provider.as_ref().map(|provider| {
        let ours = ["sigma", "sigma_server", "sigma_pipeline"].map(|target| (target, tracing::Level::DEBUG));
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("sigma"))
            .with_filter(Targets::new().with_targets(ours))
    });
    tracing_subscriber::registry().with(log(args)).with(spans).init();
    Ok(Telemetry { provider })
}

fn provider() -> Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder().with_http().build().context("the collector of OpenTelemetry")?;
    let mut resource = Resource::builder();
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("sigma");
    }
    let batches = BatchSpanProcessor::builder(exporter, Tokio).build();
    Ok(SdkTracerProvider::builder().with_span_processor(batches).with_resource(resource.build()).build())
}

/// Logs go to standard error: errors by default, more with `-v`, exactly what `SIGMA_LOG` says if it is set. Servers and
/// workers tell what they do, and when.
fn log(args: &Args) -> Box<dyn Layer<Registry> + Send + Sync> {
    let stays = match &args.command {
        Command::Serve(serve) => Some(serve.log_format),
        Command::Worker(worker) => Some(worker.log_format),
        _ => None,
    };
    let default = match (stays, args.verbose) {
        (Some(_), 0) => "warn,sigma=info,sigma_server=info,sigma_pipeline=info",
        (Some(_), _) => "info,sigma=debug,sigma_server=debug,sigma_pipeline=debug",
        // What a result says need not be said twice, and the library that checks certificates says each time why it refuses one.
        (None, 0) => "error,rustls_platform_verifier=off",
        (None, 1) => "warn,sigma=info,sigma_pipeline=info,sigma_ecosystem=info",
        (None, _) => "info,sigma=debug,sigma_pipeline=debug,sigma_ecosystem=debug",
    };
    let filter = EnvFilter::try_from_env("SIGMA_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colored());
    match stays {
        Some(LogFormat::Json) => log.json().with_filter(filter).boxed(),
        Some(LogFormat::Text) => log.with_filter(filter).boxed(),
        None => log.without_time().with_filter(filter).boxed(),
    }
}

fn colored() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
