//! Which addresses may be reached: those of the public internet, and no others.
//!
//! In: a host that a submitter named. Out: its addresses, resolved once and all of them public, and a client that can
//! reach those and nothing else. It must never ask the resolver a second time: an answer that was looked at is the answer
//! that is used (DNS rebinding). What else may be reached or believed, a network or a certificate authority, an operator
//! has to name.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ipnet::IpNet;
use reqwest::dns::{Name, Resolve, Resolving};
use sigma_core::printable;
use url::Host;

/// Special-purpose IPv4 blocks: the IANA registry (RFC 6890 and its updates), multicast, and the address at which one
/// cloud offers its metadata outside of any such block.
const REFUSED_V4: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
];

/// Global unicast. What lies outside (loopback, IPv4-mapped, NAT64, unique local, link-local, multicast) is refused.
const GLOBAL_V6: &str = "2000::/3";

/// Blocks within global unicast that lead elsewhere: protocol assignments with Teredo, documentation, 6to4.
const REFUSED_V6: &[&str] = &["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"];

/// This machine, for tests.
pub(crate) static LOOPBACK: LazyLock<Vec<IpNet>> = LazyLock::new(|| ["127.0.0.0/8", "::1/128"].map(block).to_vec());

static REFUSED: LazyLock<Vec<IpNet>> =
    LazyLock::new(|| REFUSED_V4.iter().chain(REFUSED_V6).map(|text| block(text)).collect());
static GLOBAL: LazyLock<IpNet> = LazyLock::new(|| block(GLOBAL_V6));

/// One of the constants above, each of which is a valid block; a test reads them all.
fn block(text: &str) -> IpNet {
    text.parse().expect("a constant block is valid")
}

/// True for an address of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    let inside = match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(_) => GLOBAL.contains(&address),
    };
    inside && !REFUSED.iter().any(|block| block.contains(&address))
}

/// Why a host is not spoken to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Its name leads nowhere.
    #[error("`{host}` could not be resolved")]
    Unresolved {
        /// The host, printable.
        host: String,
    },
    /// One of its addresses is not public.
    #[error("`{host}` leads to {address}, expected addresses of the public internet only")]
    NotPublic {
        /// The host, printable.
        host: String,
        /// The address.
        address: IpAddr,
    },
    /// The resolver did not answer in time.
    #[error("`{host}` was not resolved within {} s", .within.as_secs())]
    Late {
        /// The host, printable.
        host: String,
        /// How long it was waited for.
        within: Duration,
    },
}

/// Resolves a host once; every answer must be public, or lie in one of these networks.
pub(crate) async fn resolve(
    host: &Host<&str>,
    port: u16,
    networks: &[IpNet],
    within: Duration,
) -> Result<Vec<SocketAddr>, AddressError> {
    let shown = || printable(&host.to_string(), 255);
    let found: Vec<SocketAddr> = match host {
        Host::Ipv4(address) => vec![SocketAddr::new((*address).into(), port)],
        Host::Ipv6(address) => vec![SocketAddr::new((*address).into(), port)],
        Host::Domain(name) => match tokio::time::timeout(within, tokio::net::lookup_host((*name, port))).await {
            Ok(Ok(found)) => found.collect(),
            Ok(Err(_)) => Vec::new(),
            Err(_) => return Err(AddressError::Late { host: shown(), within }),
        },
    };
    if found.is_empty() {
        return Err(AddressError::Unresolved { host: shown() });
    }
    let fine = |address: IpAddr| is_public(address) || networks.iter().any(|network| network.contains(&address));
    match found.iter().find(|address| !fine(address.ip())) {
        Some(address) => Err(AddressError::NotPublic { host: shown(), address: address.ip() }),
        None => Ok(found),
    }
}

/// Answers for one host with the addresses that were screened, and for no other.
struct Pinned {
    host: String,
    addresses: Vec<SocketAddr>,
}

impl Resolve for Pinned {
    fn resolve(&self, name: Name) -> Resolving {
        let answer: Result<reqwest::dns::Addrs, Box<dyn std::error::Error + Send + Sync>> =
            match name.as_str().eq_ignore_ascii_case(&self.host) {
                true => Ok(Box::new(self.addresses.clone().into_iter())),
                false => Err("only the host that was screened is resolved".into()),
            };
        Box::pin(std::future::ready(answer))
    }
}

/// Certificate authorities beside those that this machine trusts.
#[derive(Debug, Clone, Default)]
pub struct Authorities(Vec<reqwest::Certificate>);

/// Why certificates of authorities are not used.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesError {
    /// There is none.
    #[error("got no certificate, expected PEM (-----BEGIN CERTIFICATE-----)")]
    None,
    /// One of them cannot be read.
    #[error("a certificate cannot be read: {0}")]
    Damaged(String),
}

impl Authorities {
    /// Reads certificates in PEM (RFC 7468). Each of them has to be one that TLS can use.
    ///
    /// # Errors
    /// When there is none, or one of them cannot be used.
    pub fn from_pem(text: &str) -> Result<Self, AuthoritiesError> {
        let damaged = |error: reqwest::Error| AuthoritiesError::Damaged(last_cause(&error));
        let read = Self(reqwest::Certificate::from_pem_bundle(text.as_bytes()).map_err(damaged)?);
        if read.0.is_empty() {
            return Err(AuthoritiesError::None);
        }
        // The client looks into them when it is made.
        client(&Host::Domain("invalid"), Vec::new(), &read).map_err(damaged)?;
        Ok(read)
    }
}

/// What lies at the bottom of an error, printable.
pub(crate) fn last_cause(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    printable(&chain.last().map(ToString::to_string).unwrap_or_default(), 200)
}

/// A client that reaches these addresses and no others: no proxy, no redirect, no cookie, no decompression.
pub(crate) fn client(
    host: &Host<&str>,
    addresses: Vec<SocketAddr>,
    authorities: &Authorities,
) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .tls_certs_merge(authorities.0.iter().cloned())
        .dns_resolver(Arc::new(Pinned { host: host.to_string(), addresses }))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .no_gzip()
        .referer(false)
        .connect_timeout(Duration::from_secs(10))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(public: bool, addresses: &[&str]) {
        for text in addresses {
            assert_eq!(is_public(text.parse().unwrap()), public, "{text}");
        }
    }

    #[test]
    fn only_the_public_internet() {
        check(true, &["1.1.1.1", "140.82.121.4", "100.63.255.255", "172.32.0.1", "2606:50c0:8000::153", "2a00::1"]);
        check(false, &["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "100.64.0.1", "100.100.100.200"]);
        check(false, &["169.254.169.254", "168.63.129.16", "0.0.0.0", "255.255.255.255", "224.0.0.1", "192.0.2.7"]);
        check(false, &["::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "3fff::1"]);
        // Forms that carry an IPv4 address: mapped, compatible, NAT64 (both prefixes), 6to4, Teredo.
        check(false, &["::ffff:1.1.1.1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1"]);
        check(false, &["2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2"]);
    }

    #[tokio::test]
    async fn one_private_answer_refuses_the_host() {
        let second = Duration::from_secs(5);
        for text in ["127.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "169.254.169.254", "localhost"] {
            let host = Host::parse(text).unwrap();
            let host = match &host {
                Host::Domain(name) => Host::Domain(name.as_str()),
                Host::Ipv4(address) => Host::Ipv4(*address),
                Host::Ipv6(address) => Host::Ipv6(*address),
            };
            let refused = resolve(&host, 443, &[], second).await;
            assert!(matches!(refused, Err(AddressError::NotPublic { .. })), "{text}: {refused:?}");
        }
        let allowed = resolve(&Host::Domain("localhost"), 443, &LOOPBACK, second).await.unwrap();
        assert!(allowed.iter().all(|address| address.ip().is_loopback()));
    }

    #[tokio::test]
    async fn a_client_resolves_no_other_host() {
        let nobody = Authorities::default();
        let client =
            client(&Host::Domain("example.org"), vec![SocketAddr::from(([127, 0, 0, 1], 9))], &nobody).unwrap();
        let error = format!("{:?}", client.get("http://localhost:9/").send().await.unwrap_err());
        assert!(error.contains("only the host that was screened"), "{error}");
    }
}
