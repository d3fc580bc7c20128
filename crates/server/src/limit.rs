//! Who asks, and whether too often: addresses, tokens, and those who flag certificates.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;

use axum::http::HeaderMap;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;

use crate::ServerConfig;

/// The address that a connection comes from; `listen` attaches it to every request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Counts requests of addresses and of tokens, and flags of addresses. What is not there is not limited.
pub(crate) struct Limiter {
    requests: Option<DefaultKeyedRateLimiter<IpAddr>>,
    tokens: Option<DefaultKeyedRateLimiter<String>>,
    flags: Option<DefaultKeyedRateLimiter<IpAddr>>,
    clock: DefaultClock,
    trusted_proxies: Vec<IpNet>,
}

/// Addresses named in `X-Forwarded-For` that are looked at.
const MAX_HOPS: usize = 20;

impl Limiter {
    pub(crate) fn new(config: &ServerConfig) -> Self {
        // What is left of a limit for this process; a limit never becomes none at all, which would be no limit.
        let part = |whole: u32| NonZeroU32::new(whole.div_ceil(config.processes.max(1)));
        let quota = |rate, burst| {
            let rate = part(rate)?;
            Some(Quota::per_second(rate).allow_burst(part(burst).unwrap_or(rate)))
        };
        Self {
            requests: quota(config.requests_per_second, config.burst).map(RateLimiter::keyed),
            tokens: quota(config.token_requests_per_second, config.token_burst).map(RateLimiter::keyed),
            flags: part(config.flags_per_hour).map(Quota::per_hour).map(RateLimiter::keyed),
            clock: DefaultClock::default(),
            trusted_proxies: config.trusted_proxies.clone(),
        }
    }

    /// Counts `weight` requests. The number of seconds to wait when that is too many.
    pub(crate) fn count(&self, client: IpAddr, weight: NonZeroU32) -> Result<(), u64> {
        self.check(self.requests.as_ref(), &bucket(client), weight)
    }

    /// Counts a request that was made with a token, by its prefix: from however many addresses it comes.
    pub(crate) fn token(&self, prefix: &str) -> Result<(), u64> {
        self.check(self.tokens.as_ref(), &prefix.to_owned(), NonZeroU32::MIN)
    }

    /// Counts a flag from an address.
    pub(crate) fn flag(&self, client: IpAddr) -> Result<(), u64> {
        self.check(self.flags.as_ref(), &bucket(client), NonZeroU32::MIN)
    }

    fn check<K: Clone + Eq + Hash>(
        &self,
        counts: Option<&DefaultKeyedRateLimiter<K>>,
        key: &K,
        weight: NonZeroU32,
    ) -> Result<(), u64> {
        let Some(counts) = counts else { return Ok(()) };
        match counts.check_key_n(key, weight) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => Err(until.wait_time_from(self.clock.now()).as_secs() + 1),
            // More at once than the burst allows: never.
            Err(_) => Err(60),
        }
    }

    /// Forgets who has been quiet: whoever owns many addresses must not fill the memory.
    pub(crate) fn sweep(&self) {
        for counts in [&self.requests, &self.flags].into_iter().flatten() {
            counts.retain_recent();
            counts.shrink_to_fit();
        }
        if let Some(counts) = &self.tokens {
            counts.retain_recent();
            counts.shrink_to_fit();
        }
    }

    /// Who asks: the connection's other end, or, where that is a trusted proxy, the last address in `X-Forwarded-For` that is not.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if self.trusted_proxies.is_empty() || !self.trusts(peer) {
            return peer;
        }
        let mut client = peer;
        let hops = headers.get_all("x-forwarded-for").iter().rev().filter_map(|value| value.to_str().ok());
        for hop in hops.flat_map(|value| value.rsplit(',')).take(MAX_HOPS) {
            let Ok(hop) = hop.trim().parse::<IpAddr>() else { break };
            client = hop.to_canonical();
            if !self.trusts(client) {
                break;
            }
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|net| net.contains(&address))
    }
}

/// What is counted together: an IPv4 address, or the /64 that an IPv6 customer has at least.
fn bucket(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(trusted: &[&str]) -> Limiter {
        let trusted_proxies = trusted.iter().map(|net| net.parse().unwrap()).collect();
        Limiter::new(&ServerConfig { requests_per_second: 1, burst: 2, trusted_proxies, ..ServerConfig::default() })
    }

    #[test]
    fn only_trusted_proxies_say_who_asks() {
        let check = |trusted: &[&str], peer: &str, forwarded: &[&str], expect: &str| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            let client = limiter(trusted).client(peer.parse().unwrap(), &headers);
            assert_eq!(client, expect.parse::<IpAddr>().unwrap(), "{trusted:?} {peer} {forwarded:?}");
        };
        check(&[], "10.0.0.1", &["192.0.2.1"], "10.0.0.1");
        check(&["10.0.0.0/8"], "10.0.0.1", &["192.0.2.1"], "192.0.2.1");
        check(&["10.0.0.0/8"], "203.0.113.9", &["192.0.2.1"], "203.0.113.9");
        check(&["10.0.0.0/8"], "10.0.0.1", &["6.6.6.6, 192.0.2.1, 10.0.0.2"], "192.0.2.1");
        check(&["10.0.0.0/8"], "10.0.0.1", &["6.6.6.6", "192.0.2.1"], "192.0.2.1");
        check(&["10.0.0.0/8"], "10.0.0.1", &["6.6.6.6, rubbish"], "10.0.0.1");
        check(&["10.0.0.0/8"], "::ffff:10.0.0.1", &["2001:db8::1"], "2001:db8::1");
    }

    #[test]
    fn processes_share_what_one_client_may_ask() {
        let check = |processes, expect: usize| {
            let (requests_per_second, burst, token_burst, flags_per_hour) = (1, 6, 6, 6);
            let limits =
                ServerConfig { requests_per_second, burst, token_burst, flags_per_hour, ..ServerConfig::default() };
            let limiter = Limiter::new(&ServerConfig { processes, ..limits });
            let client = "192.0.2.1".parse().unwrap();
            let of = |count: &dyn Fn() -> Result<(), u64>| (0..10).filter(|_| count().is_ok()).count();
            assert_eq!(of(&|| limiter.count(client, NonZeroU32::MIN)), expect, "{processes}");
            assert_eq!(of(&|| limiter.token("sgm_a")), expect, "{processes}");
            assert_eq!(of(&|| limiter.flag(client)), expect, "{processes}");
        };
        check(0, 6);
        check(1, 6);
        check(4, 2);
        check(100, 1);
    }

    #[test]
    fn an_address_is_counted_with_its_network_and_by_weight() {
        let limiter = limiter(&[]);
        let count = |client: &str, weight| limiter.count(client.parse().unwrap(), NonZeroU32::new(weight).unwrap());
        assert_eq!(count("2001:db8::1", 1), Ok(()));
        assert_eq!(count("2001:db8::2", 1), Ok(()));
        assert!(count("2001:db8::3", 1).is_err(), "the same /64");
        assert_eq!(count("2001:db8:0:1::1", 2), Ok(()));
        assert!(count("192.0.2.1", 3).is_err(), "more than the burst");
    }
}
