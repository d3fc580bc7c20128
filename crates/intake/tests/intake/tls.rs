//! Repositories over https, as they are fetched from a forge: who is believed to be that forge, and where one is led.

use std::io::Write as _;
use std::net::TcpListener;
use std::time::Duration;

use sigma_core::Origin;
use sigma_intake::{Authorities, RepositoryConfig, RepositoryError, repository};
use sigma_testkit::{GitHost, GitRepository, TlsAuthority, TlsFront, TlsIdentity};

/// A configuration for the forge `localhost:port`, which lies on this machine and has a certificate of this authority.
fn config(front: &TlsFront, authority: &TlsAuthority) -> RepositoryConfig {
    RepositoryConfig {
        hosts: vec![format!("localhost:{}", front.port)],
        authorities: Authorities::from_pem(&authority.pem).unwrap(),
        networks: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        ..RepositoryConfig::default()
    }
}

fn url(front: &TlsFront) -> String {
    format!("https://localhost:{}/o/n", front.port)
}

#[tokio::test]
async fn a_repository_is_fetched_over_https() {
    let root = tempfile::tempdir().unwrap();
    let served = GitRepository::new(root.path(), "o/n");
    let commit = served.set("refs/heads/main", &served.files(&[("tool/main.py", b"print('hello')\n")]));
    let host = GitHost::git(root.path());
    let authority = TlsAuthority::new();
    let front = TlsFront::start(&host.address, authority.certify("localhost", 2045));
    for reference in ["main", commit.as_str()] {
        let listing = repository(&config(&front, &authority), &url(&front), reference).await.unwrap();
        let origin = Origin::Repository { url: url(&front), requested: reference.to_owned(), commit: commit.clone() };
        assert_eq!(*listing.origin(), origin);
        assert_eq!(listing.paths().map(|(path, _)| path.to_owned()).collect::<Vec<_>>(), ["tool/main.py"]);
    }
    // Some programs hand over several authorities in one file.
    let both = TlsAuthority::new().pem + &authority.pem;
    let config = RepositoryConfig { authorities: Authorities::from_pem(&both).unwrap(), ..config(&front, &authority) };
    assert!(repository(&config, &url(&front), "main").await.is_ok());
}

#[tokio::test]
async fn who_does_not_prove_to_be_the_host_is_asked_nothing() {
    let root = tempfile::tempdir().unwrap();
    let served = GitRepository::new(root.path(), "o/n");
    served.set("refs/heads/main", &served.files(&[("main.py", b"print('hello')\n")]));
    let host = GitHost::git(root.path());
    let (ours, other) = (TlsAuthority::new(), TlsAuthority::new());
    let check = async |identity: TlsIdentity, trusted: Option<&TlsAuthority>, expect: &str| {
        let front = TlsFront::start(&host.address, identity);
        let mut config = config(&front, &ours);
        config.authorities = match trusted {
            Some(authority) => Authorities::from_pem(&authority.pem).unwrap(),
            None => Authorities::default(),
        };
        let error = repository(&config, &url(&front), "main").await.unwrap_err();
        assert!(matches!(error, RepositoryError::Certificate(_)), "{expect}: {error:?}");
        assert!(error.to_string().contains(expect), "{expect}: {error}");
        assert_eq!((error.code(), error.is_transient()), ("repository.certificate", false));
    };
    check(ours.certify("git.example.org", 2045), Some(&ours), "not valid for name \"localhost\"").await;
    check(ours.certify("127.0.0.1", 2045), Some(&ours), "not valid for name \"localhost\"").await;
    check(ours.certify("localhost", 2026), Some(&ours), "expired").await;
    check(other.certify("localhost", 2045), Some(&ours), "UnknownIssuer").await;
    check(ours.certify("localhost", 2045), None, "UnknownIssuer").await;
    assert!(host.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_does_not_speak_tls_is_not_spoken_to_in_the_clear() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        }
    });
    let config = RepositoryConfig {
        hosts: vec![address.clone()],
        networks: vec!["127.0.0.0/8".parse().unwrap()],
        ..RepositoryConfig::default()
    };
    let error = repository(&config, &format!("https://{address}/o/n"), "main").await.unwrap_err();
    assert_eq!(error.code(), "repository.protocol", "{error:?}");
    let error = repository(&config, &format!("http://{address}/o/n"), "main").await.unwrap_err();
    assert_eq!(error.to_string(), format!("got `http://{address}/o/n`, expected https"));
}

#[tokio::test]
async fn nobody_is_followed_from_https_to_anywhere() {
    let bait = GitHost::always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let authority = TlsAuthority::new();
    let bait_port = bait.address.rsplit(':').next().unwrap();
    for (status, to) in [
        // The same host in the clear, another one, and addresses that only this machine reaches.
        ("301 Moved Permanently", format!("http://localhost:{bait_port}/o/n.git")),
        ("302 Found", format!("http://{}/o/n.git", bait.address)),
        ("307 Temporary Redirect", "https://git.example.org/o/n.git".to_owned()),
        ("308 Permanent Redirect", "https://10.0.0.7/o/n.git".to_owned()),
        ("303 See Other", "http://169.254.169.254/latest".to_owned()),
    ] {
        let head = format!("HTTP/1.1 {status}\r\nLocation: {to}/info/refs?service=git-upload-pack\r\n");
        let host = GitHost::always(format!("{head}Content-Length: 0\r\nConnection: close\r\n\r\n"));
        let front = TlsFront::start(&host.address, authority.certify("localhost", 2045));
        let config = config(&front, &authority);
        let error = repository(&config, &url(&front), "main").await.unwrap_err();
        assert_eq!(error.to_string(), format!("the server leads to another address, `{to}`: submit that one"));
        assert_eq!(*host.seen.lock().unwrap(), ["GET /o/n.git/info/refs?service=git-upload-pack"]);
        // What it was led to would be looked at like every other address.
        let submitted = repository(&config, &to, "main").await.unwrap_err();
        assert!(["repository.host", "repository.address"].contains(&submitted.code()), "{to}: {submitted:?}");
    }
    assert!(bait.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn networks_open_no_others() {
    let host = GitHost::always("HTTP/1.1 200 OK\r\n\r\n");
    let authority = TlsAuthority::new();
    let front = TlsFront::start(&host.address, authority.certify("localhost", 2045));
    for networks in [vec![], vec!["10.0.0.0/8".parse().unwrap()], vec!["127.0.0.0/32".parse().unwrap()]] {
        let config = RepositoryConfig { networks, within: Duration::from_secs(10), ..config(&front, &authority) };
        let error = repository(&config, &url(&front), "main").await.unwrap_err();
        assert_eq!(error.code(), "repository.not_public_address", "{error:?}");
    }
    assert!(host.seen.lock().unwrap().is_empty());
}

#[test]
fn authorities_are_certificates() {
    let pem = TlsAuthority::new().pem;
    let check = |text: &str, expect: &str| {
        let error = Authorities::from_pem(text).unwrap_err().to_string();
        assert!(error.contains(expect), "{text:?}: {error}");
    };
    assert!(Authorities::from_pem(&pem).is_ok());
    check("", "got no certificate");
    check("hello", "got no certificate");
    check("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "got no certificate");
    check("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read");
    check(&pem.replace("-----END CERTIFICATE-----\n", ""), "cannot be read");
}
