//! Connections: accepted up to a number, bounded in time and size, and let finish when the server stops.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::App;
use crate::front::{MAX_HEAD, front};
use crate::limit::Peer;
use crate::router::router;

/// Headers of a request.
const MAX_HEADERS: usize = 100;
/// How often addresses that have been quiet are forgotten.
const SWEEP: Duration = Duration::from_secs(60);

/// Serves until `stop` resolves; then takes no new connection, lets requests under way finish, and returns.
pub async fn serve(listener: TcpListener, app: App, stop: impl Future<Output = ()>) -> io::Result<()> {
    let router = router(app.clone());
    let places = Arc::new(Semaphore::new(app.config.max_connections.max(1)));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(app.config.header_seconds.max(1)))
        // hyper looks only once its buffer is that full, and by then as much again may have arrived: `front` counts.
        .max_buf_size(MAX_HEAD)
        // Answers are small: copied behind their head they cost less than a list of two pieces.
        .writev(false)
        .max_headers(MAX_HEADERS);
    let mut sweep = tokio::time::interval(SWEEP);
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            _ = sweep.tick() => { app.limiter.sweep(); continue }
            accepted = accept(&listener, &places) => accepted,
        };
        let (stream, peer, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, or a client that left at once. Neither ends the server; the first needs a moment.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let (app, router, gauge) = (app.clone(), router.clone(), app.metrics.connections.clone());
        let service = service_fn(move |request| front(&app, &router, peer, request));
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            gauge.inc();
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            gauge.dec();
            drop(place);
        });
    }
    app.stopping.store(true, Ordering::SeqCst);
    drop(listener);
    let patience = Duration::from_secs(app.config.shutdown_seconds);
    if tokio::time::timeout(patience, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests that took longer than {} s to finish were cut off", patience.as_secs());
    }
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, Peer, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, address) = listener.accept().await?;
    Ok((stream, Peer(address), place))
}
