//! `serve`: the listeners and what goes on behind them, from start to graceful end.
//!
//! ```text
//! listen (TCP, TLS 1.3, HTTP/1.1) -> http -> office -> writer (one task) -> database
//! upkeep (certificate, clock, what is over)    watch (are there news for who waits?)
//! ```

mod listen;
mod log;
mod tls;
mod upkeep;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::args::{Args, Command, Serve};
use crate::config::Config;
use crate::failure::Failure;
use crate::here::Here;
use crate::home::Home;
use crate::http::limit::Limiter;
use crate::http::metrics::Metrics;
use crate::http::{App, Gate, device, operator};
use crate::office::{Authority, Nonces, Office, Writer};

pub(crate) use log::begin as begin_log;

/// Longest request of a device: the longest wait for an update, and some.
const DEVICE_MOST: Duration = Duration::from_secs(75);
/// Longest request of an operator.
const OPERATOR_MOST: Duration = Duration::from_secs(30);
/// How long what has begun may take when the server ends.
const GRACE: Duration = Duration::from_secs(10);
/// Passwords that are hashed at once.
const PASSWORDS: usize = 2;

/// A server that runs.
pub struct Server {
    device: SocketAddr,
    operator: SocketAddr,
    ending: watch::Sender<bool>,
    listeners: Vec<JoinHandle<()>>,
    tasks: Vec<JoinHandle<()>>,
    writer: JoinHandle<()>,
    office: Arc<Office>,
}

impl Server {
    /// Starts one as the command line, the configuration and `here`'s clock say. It needs a
    /// tokio runtime around it.
    ///
    /// Errors: [`Failure`], when there is no manager, database, or free port.
    pub async fn start(args: &Args, here: &Here) -> Result<Self, Failure> {
        let Command::Serve(serve) = &args.command else {
            return Err(Failure::Usage("this is not `serve`".to_owned()));
        };
        let home = Home::of(args, here);
        home.check()?;
        let config = Config::read(&home)?;
        let place = config.place(&home, args.database.as_deref())?;
        // One that writes, one that watches.
        let connections = config.readers.saturating_add(2);
        let clock = here.clock.clone();
        let office = Office::open(&home, &place, clock, args.accept_clock, connections).await?;
        Self::begin(Arc::new(office), &config, serve).await
    }

    async fn begin(office: Arc<Office>, config: &Config, serve: &Serve) -> Result<Self, Failure> {
        let nonces = Nonces::open(&office).await?;
        let authority = Authority::open(&office).await?;
        let names = names(config, serve);
        let certificates = tls::Certificates::new(authority.server(&names, office.now())?)?;
        let tls = certificates.config()?;
        let device = bind(serve.listen.unwrap_or(config.listen)).await?;
        let operator = bind(serve.operator_listen.unwrap_or(config.operator_listen)).await?;
        let (ending, end) = watch::channel(false);
        let (writer, writing) = Writer::start(Arc::clone(&office));
        let (revision, watching) = upkeep::watch(Arc::clone(&office), end.clone());
        let metrics = Arc::<Metrics>::default();
        let app = Arc::new(App {
            office: Arc::clone(&office),
            writer: writer.clone(),
            nonces,
            metrics: Arc::clone(&metrics),
            revision,
            passwords: Semaphore::new(PASSWORDS),
            url: config.url().ok(),
            session_s: config.session_s,
            ending: end.clone(),
        });
        let gate = |name, most| {
            let limiter = Limiter::new(config.rate());
            Arc::new(Gate { name, limiter, metrics: Arc::clone(&metrics), most })
        };
        let gates = (gate("device", DEVICE_MOST), gate("operator", OPERATOR_MOST));
        let routers = (
            device::router(&app, Arc::clone(&gates.0)),
            operator::router(&app, Arc::clone(&gates.1)),
        );
        let server = Self {
            device: address(&device)?,
            operator: address(&operator)?,
            ending,
            listeners: vec![
                listen::start(device, &tls, routers.0, gates.0, config.connections, end.clone()),
                listen::start(operator, &tls, routers.1, gates.1, config.connections, end.clone()),
            ],
            tasks: vec![
                watching,
                upkeep::start(Arc::clone(&app), Arc::new(certificates), names, end),
            ],
            writer: writing,
            office,
        };
        tracing::info!(devices = %server.device, operators = %server.operator, "it serves");
        Ok(server)
    }

    /// Where radios come.
    #[must_use]
    pub const fn device_address(&self) -> SocketAddr {
        self.device
    }

    /// Where operators come.
    #[must_use]
    pub const fn operator_address(&self) -> SocketAddr {
        self.operator
    }

    /// Returns when it cannot go on: nothing is written any more. That is a fault of the
    /// program, and whoever watches over it starts it again.
    pub async fn failed(&mut self) {
        // However it ended.
        let _ = (&mut self.writer).await;
    }

    /// Ends it: no connection is taken any more, and what has begun is answered, within
    /// ten seconds.
    pub async fn stop(self) {
        // Whoever listens hears it; if nobody does it has ended.
        let _ = self.ending.send(true);
        for mut task in self.listeners.into_iter().chain(self.tasks) {
            if tokio::time::timeout(GRACE, &mut task).await.is_err() {
                task.abort();
            }
        }
        // All that hold a way to it are gone.
        let mut writer = self.writer;
        if !writer.is_finished() && tokio::time::timeout(GRACE, &mut writer).await.is_err() {
            writer.abort();
        }
        self.office.close().await;
        tracing::info!("it has ended");
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| Failure::Serve(format!("cannot listen on {address}: {error}")))
}

fn address(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener.local_addr().map_err(|error| Failure::Serve(error.to_string()))
}

/// By what the server is reached: what is configured, and this machine's own names.
fn names(config: &Config, serve: &Serve) -> Vec<String> {
    let mut names: BTreeSet<String> = config.names.iter().chain(&serve.names).cloned().collect();
    names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
    let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
    names.insert(hostname);
    if let Ok(url) = config.url() {
        names.extend(host(&url).map(str::to_owned));
    }
    names.retain(|name| !name.is_empty());
    names.into_iter().collect()
}

/// The host of a URL as the configuration takes it.
fn host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://")?;
    match rest.strip_prefix('[') {
        Some(address) => address.split(']').next(),
        None => rest.split(':').next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_url_is_a_name_or_an_address() {
        for (url, expected) in [
            ("https://manager", "manager"),
            ("https://10.0.2.2:8443", "10.0.2.2"),
            ("https://[fd00::1]:8443", "fd00::1"),
        ] {
            assert_eq!(host(url), Some(expected));
        }
    }
}
