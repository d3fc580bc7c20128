//! Whether a URL is the ecosystem's public index.

use url::Url;

/// True when `text` is one of the public indexes: same scheme, host, port and path. Credentials and a trailing slash
/// make no difference; a query does.
pub(super) fn is_public(text: &str, publics: &[Url]) -> bool {
    let Ok(url) = Url::parse(text.trim()) else { return false };
    publics.iter().any(|public| {
        same_origin(&url, public)
            && url.path().trim_end_matches('/') == public.path().trim_end_matches('/')
            && url.query() == public.query()
    })
}

/// Same scheme, host and port.
pub(super) fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme() && a.host_str() == b.host_str() && a.port_or_known_default() == b.port_or_known_default()
}

/// True when a distribution's URL is on the public index, or on a host that the public index serves files from.
pub(super) fn is_public_file(text: &str, publics: &[Url], hosts: &[String]) -> bool {
    let Ok(url) = Url::parse(text.trim()) else { return false };
    let on_host = url.scheme() == "https" && hosts.iter().any(|host| url.host_str() == Some(host.as_str()));
    on_host && url.port().is_none() || publics.iter().any(|public| same_origin(&url, public))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_index_is_public() {
        let publics = [Url::parse("https://pypi.org/simple/").unwrap()];
        for yes in ["https://pypi.org/simple", "https://PyPI.org:443/simple/", "https://u:p@pypi.org/simple/"] {
            assert!(is_public(yes, &publics), "{yes}");
        }
        for no in [
            "http://pypi.org/simple",
            "https://pypi.org.evil.example/simple",
            "https://pypi.org@evil.example/simple",
            "https://pypi.org/other",
            "https://pypi.org/simple/?x=1",
            "https://pypi.org:444/simple",
            "pypi.org/simple",
            "",
        ] {
            assert!(!is_public(no, &publics), "{no}");
        }
        let hosts = ["files.example".to_owned()];
        assert!(is_public_file("https://files.example/a.whl", &publics, &hosts));
        assert!(is_public_file("https://pypi.org/a.whl", &publics, &hosts));
        assert!(!is_public_file("http://files.example/a.whl", &publics, &hosts));
        assert!(!is_public_file("https://files.example:8443/a.whl", &publics, &hosts));
        assert!(!is_public_file("a.whl", &publics, &hosts));
    }
}
