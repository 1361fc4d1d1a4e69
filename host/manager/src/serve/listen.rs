//! Connections: TCP, TLS and HTTP/1.1, so many at once and none that only sits there.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::http::{Gate, Peer};

/// Longest handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Longest wait for a request's head, also for the next one of a connection.
const HEAD: Duration = Duration::from_secs(30);
/// Longest head, octets: a statement is 683 letters.
const HEAD_MAX: usize = 16 * 1024;
/// How long what has begun may take in the end.
const GRACE: Duration = Duration::from_secs(8);
/// After an error that is the system's, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// What all connections of a listener have.
#[derive(Clone)]
struct Shared {
    acceptor: TlsAcceptor,
    router: Router,
    gate: Arc<Gate>,
}

/// Takes connections until `ending`, at most so many at once; ends when what has begun is
/// answered.
pub(super) fn start(
    listener: TcpListener,
    tls: &Arc<ServerConfig>,
    router: Router,
    gate: Arc<Gate>,
    most: usize,
    mut ending: watch::Receiver<bool>,
) -> JoinHandle<()> {
    let shared = Shared { acceptor: TlsAcceptor::from(Arc::clone(tls)), router, gate };
    tokio::spawn(async move {
        let (places, graceful) = (Arc::new(Semaphore::new(most)), GracefulShutdown::new());
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = ending.wait_for(|ending| *ending) => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let connection = serve(shared.clone(), stream, peer, place, graceful.watcher());
                    tokio::spawn(connection);
                }
                Err(error) => {
                    tracing::warn!(listener = shared.gate.name, %error, "a connection was not taken");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        drop(listener);
        // What is not answered by then is cut off: who asked asks again.
        let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
    })
}

async fn serve(
    shared: Shared,
    stream: TcpStream,
    peer: SocketAddr,
    _place: OwnedSemaphorePermit,
    watcher: Watcher,
) {
    let requests = shared.gate.requests();
    // It costs some milliseconds where it cannot be set, and nothing else.
    let _ = stream.set_nodelay(true);
    let stream = match tokio::time::timeout(HANDSHAKE, shared.acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(_)) | Err(_) => {
            requests.handshakes_failed.fetch_add(1, Ordering::Relaxed);
            return;
        }
    };
    requests.connections.fetch_add(1, Ordering::Relaxed);
    let router = TowerToHyperService::new(shared.router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let answer = router.call(request.map(Body::new));
        async move { Ok::<Response, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service);
    // A peer that goes away has nobody to be told.
    let _ = watcher.watch(connection).await;
    requests.connections.fetch_sub(1, Ordering::Relaxed);
}
