//! The endpoints that a skill declares: whether they answer.
//!
//! In: declared calls. Out: for each of them what came of it, in their order. Only methods that change nothing are used, on
//! public addresses over https, once, without credentials; the body of an answer is never read. It must never follow a
//! redirect: where an endpoint leads is a fact about it, and the submitter's choice of whom we would speak to next.

use futures::future::join_all;
use reqwest::Method;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderName, LOCATION, USER_AGENT};
use sigma_core::{EndpointProbe, ExternalCall, ProbeOutcome, printable};
use url::{Host, Url};

use crate::address::{self, AddressError, Authorities};
use crate::config::ProbeConfig;

/// What every endpoint is told about who asks.
pub const AGENT: &str =
    concat!("sigma-intake/", env!("CARGO_PKG_VERSION"), " (looks whether a declared endpoint answers)");

/// Asks declared endpoints, the first ones up to the limit.
pub async fn endpoints(config: &ProbeConfig, calls: &[ExternalCall]) -> Vec<EndpointProbe> {
    let mut asked = 0;
    let outcomes = calls.iter().map(|call| {
        let target = target(config, call).and_then(|target| match asked < config.endpoints {
            true => {
                asked += 1;
                Ok(target)
            }
            false => Err(format!("only {} endpoints are asked", config.endpoints)),
        });
        async move {
            match target {
                Ok((method, url)) => ask(config, method, url).await,
                Err(reason) => ProbeOutcome::NotProbed { reason },
            }
        }
    });
    let outcomes = join_all(outcomes.collect::<Vec<_>>()).await;
    let probe = |(call, outcome): (&ExternalCall, ProbeOutcome)| EndpointProbe {
        url: printable(&call.url, 300),
        method: printable(&call.method, 16),
        outcome,
    };
    calls.iter().zip(outcomes).map(probe).collect()
}

/// What is asked, or why it is not.
fn target(config: &ProbeConfig, call: &ExternalCall) -> Result<(Method, Url), String> {
    let refused = |reason: &str| Err(reason.to_owned());
    if !config.enabled {
        return refused("endpoints are not asked here");
    }
    let method = match call.method.as_str() {
        "GET" => Method::GET,
        "HEAD" => Method::HEAD,
        "OPTIONS" => Method::OPTIONS,
        other => return Err(format!("{} may change something", printable(other, 16))),
    };
    // What was cut or escaped to be shown is another address.
    if !call.url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refused("the address has characters that addresses do not have");
    }
    let Ok(mut url) = Url::parse(&call.url) else { return refused("it is not an address") };
    // `{id}`, `<id>` and `*` stand for something that only a caller knows.
    if call.url.contains(['{', '}', '<', '>', '*']) {
        return refused("the address has placeholders");
    }
    let local = config.allow_loopback && matches!(url.host(), Some(Host::Ipv4(host)) if host.is_loopback());
    match url.scheme() {
        "https" => {}
        "http" if local => {}
        "http" => return refused("it is not encrypted: only https is asked"),
        _ => return refused("only https is asked"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refused("the address carries credentials");
    }
    if url.port().is_some() && !local {
        return refused("it is not at the usual port of https");
    }
    url.set_fragment(None);
    Ok((method, url))
}

async fn ask(config: &ProbeConfig, method: Method, url: Url) -> ProbeOutcome {
    match tokio::time::timeout(config.within, answer(config, method, url)).await {
        Ok(outcome) => outcome,
        Err(_) => ProbeOutcome::Failed { reason: format!("no answer within {} s", config.within.as_secs_f32()) },
    }
}

async fn answer(config: &ProbeConfig, method: Method, url: Url) -> ProbeOutcome {
    let failed = |reason: String| ProbeOutcome::Failed { reason };
    let Some(host) = url.host() else { return failed("it has no host".to_owned()) };
    let port = url.port_or_known_default().unwrap_or(443);
    let networks: &[_] = if config.allow_loopback { &address::LOOPBACK } else { &[] };
    let found = match address::resolve(&host, port, networks, config.within).await {
        Ok(found) => found,
        Err(error @ AddressError::NotPublic { .. }) => return ProbeOutcome::NotProbed { reason: error.to_string() },
        Err(error) => return failed(error.to_string()),
    };
    let request = address::client(&host, found, &Authorities::default()).map(|client| {
        client
            .request(method, url.clone())
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, "*/*")
            .header(ACCEPT_ENCODING, "identity")
    });
    let response = match request {
        Ok(request) => request.send().await,
        Err(error) => Err(error),
    };
    match response {
        // The body is dropped with the connection.
        Ok(response) => {
            let header = |name: HeaderName, most: usize| {
                response.headers().get(name).map(|value| printable(&String::from_utf8_lossy(value.as_bytes()), most))
            };
            ProbeOutcome::Answered {
                code: response.status().as_u16(),
                content_type: header(CONTENT_TYPE, 100),
                location: header(LOCATION, 300),
            }
        }
        Err(error) => failed(format!("no answer: {}", address::last_cause(&error))),
    }
}
