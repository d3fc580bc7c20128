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

/// The host of a text that is an address.
pub(super) fn host_of(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#', ' ']).next()?;
    Some(authority.rsplit('@').next()?.split(':').next()?).filter(|host| !host.is_empty() && host.len() <= 253)
}

/// True for a text that holds the beginning of a host name after the scheme: what follows stands behind it.
pub(super) fn names_host(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

/// True for the address of a forge or a package index, whose tokens are made for it.
pub(super) fn is_forge(text: &str) -> bool {
    const HOSTS: [&str; 8] = [
        "api.github.com",
        "github.com",
        "raw.githubusercontent.com",
        "objects.githubusercontent.com",
        "gitlab.com",
        "registry.npmjs.org",
        "pypi.org",
        "huggingface.co",
    ];
    let Some(rest) = text.strip_prefix("https://") else { return false };
    HOSTS.iter().any(|host| rest.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?'])))
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
    fn addresses_of_forges_are_whole_hosts() {
        assert!(is_forge("https://api.github.com/repos/a/b") && is_forge("https://pypi.org"));
        for other in ["https://api.github.com.example.org/", "https://github.com@example.org/", "http://github.com/"] {
            assert!(!is_forge(other), "{other}");
        }
        assert!(names_host("https://a") && !names_host("https://") && !names_host("https://{}/"));
    }

    #[test]
    fn raw_addresses_are_public_ones() {
        assert!(has_raw_ip("http://45.61.136.200:8080/x"));
        for quiet in ["http://127.0.0.1/", "http://10.0.0.1", "http://192.0.2.1", "https://1.1.1.1", "45.61.136.200"] {
            assert!(!has_raw_ip(quiet), "{quiet}");
        }
    }
}
