//! A reader on PostgreSQL knows at once, or soon, that it would not be told of changes: then nothing kept may be used.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

use crate::tests::store;
use crate::*;

/// What lies between a reader and its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    /// Everything arrives.
    Carries,
    /// Nothing arrives, and nobody says so.
    Silent,
    /// Every connection ends, and none is made.
    Cut,
}

/// Carries one connection for as long as the network does.
async fn carry(mut client: TcpStream, socket: PathBuf, mut network: watch::Receiver<Network>) {
    let mut server = UnixStream::connect(socket).await.unwrap();
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
        _ = network.wait_for(|now| *now != Network::Carries) => {}
    }
    let _ = network.wait_for(|now| *now != Network::Silent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_known_before_what_is_kept_is_used() {
    let (place, store) = store().await;
    let Database::Postgres(url) = &place.database else { return };
    let folder = url.host_str().unwrap().replace("%2F", "/").replace("%2f", "/");
    assert!(folder.starts_with('/'), "the tests' database listens on a socket in a folder: {folder}");
    let socket = PathBuf::from(folder).join(format!(".s.PGSQL.{}", url.port().unwrap_or(5432)));
    let gate = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut through = url.clone();
    through.set_host(Some("127.0.0.1")).unwrap();
    through.set_port(Some(gate.local_addr().unwrap().port())).unwrap();
    let (turn, network) = watch::channel(Network::Carries);
    tokio::spawn(async move {
        loop {
            let (client, _) = gate.accept().await.unwrap();
            if *network.borrow() != Network::Cut {
                tokio::spawn(carry(client, socket.clone(), network.clone()));
            }
        }
    });
    let reader = store.reader(&Database::Postgres(through), Arc::new(|_| ())).await.unwrap();
    let becomes = async |expect: bool, within: u64| {
        let began = Instant::now();
        while reader.fresh() != expect {
            let waited = began.elapsed();
            assert!(waited < Duration::from_secs(within), "not {expect} after {waited:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    becomes(true, 30).await;
    // As long as nothing is lost, silence is no reason to read anew.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(reader.fresh());
    turn.send_replace(Network::Cut);
    becomes(false, 15).await;
    turn.send_replace(Network::Carries);
    becomes(true, 30).await;
    turn.send_replace(Network::Silent);
    becomes(false, 25).await;
    turn.send_replace(Network::Carries);
    becomes(true, 30).await;
}
