//! Addresses: which of them are numbers of public hosts.

/// True for a URL whose host is a public IPv4 address.
pub(super) fn has_raw_ip(text: &str) -> bool {
    let Some(rest) = ["http://", "https://", "ws://", "tcp://", "ftp://"].iter().find_map(|s| text.strip_prefix(s))
    else {
        return false;
    };
    let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
    is_public_ip(host)
}

/// True for a public IPv4 address. Addresses that documentation uses are not public.
pub(crate) fn is_public_ip(host: &str) -> bool {
    let Ok(address) = host.parse::<std::net::Ipv4Addr>() else {
        return false;
    };
    let [a, b, c, d] = address.octets();
    // Resolvers that everybody knows, and numbers that look like versions.
    let known =
        matches!((a, b, c, d), (8, 8, 8 | 4, 8 | 4) | (1, 1, 1, 1) | (1, 0, 0, 1) | (9, 9, 9, 9) | (1, 2, 3, 4));
    let shared = a == 100 && (64..128).contains(&b);
    !(address.is_private() || address.is_loopback() || address.is_link_local() || address.is_documentation())
        && !(a == 0 || a >= 224 || shared || known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_addresses_are_public_ones() {
        assert!(has_raw_ip("http://45.61.136.200:8080/x"));
        for quiet in ["http://127.0.0.1/", "http://10.0.0.1", "http://192.0.2.1", "https://1.1.1.1", "45.61.136.200"] {
            assert!(!has_raw_ip(quiet), "{quiet}");
        }
    }
}
