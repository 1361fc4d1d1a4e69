//! A connection to a manager's server: TLS 1.3, HTTP/1.1, kept open. One authority is
//! believed and nobody else.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

use crate::failure::Failure;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);
const HOST: &str = "localhost";

/// Who is believed.
#[derive(Clone)]
pub(crate) struct Authority(Arc<ClientConfig>);

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) next_nonce: Option<[u8; 32]>,
    pub(crate) body: Value,
}

/// A connection that is open.
pub(crate) struct Connection(BufReader<StreamOwned<ClientConnection, TcpStream>>);

impl Authority {
    /// Nobody.
    pub(crate) fn none() -> Result<Self, Failure> {
        Self::of(RootCertStore::empty())
    }

    /// By its certificate (X.509, DER).
    pub(crate) fn new(certificate: &[u8]) -> Result<Self, Failure> {
        let wrong = |error: rustls::Error| Failure::Wrong(format!("an authority: {error}"));
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(certificate.to_vec())).map_err(wrong)?;
        Self::of(roots)
    }

    fn of(roots: RootCertStore) -> Result<Self, Failure> {
        let wrong = |error: rustls::Error| Failure::Wrong(format!("TLS: {error}"));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(wrong)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }

    pub(crate) fn connect(&self, to: SocketAddr) -> Result<Connection, Failure> {
        let wrong = |error| Failure::Wrong(format!("TLS: {error}"));
        let name = ServerName::try_from(HOST).map_err(|error| Failure::Wrong(error.to_string()))?;
        let tls = ClientConnection::new(Arc::clone(&self.0), name).map_err(wrong)?;
        let socket = TcpStream::connect(to)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Connection(BufReader::new(StreamOwned::new(tls, socket))))
    }
}

impl Connection {
    /// One request; `line` is such as `POST /v1/nonce`.
    pub(crate) fn ask(
        &mut self,
        line: &str,
        authorization: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        self.send(line, authorization, body)?;
        self.receive()
    }

    /// The request alone; who does not wait for the answer never hears of it.
    pub(crate) fn send(
        &mut self,
        line: &str,
        authorization: Option<&str>,
        body: Option<&Value>,
    ) -> Result<(), Failure> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut text = format!("{line} HTTP/1.1\r\nHost: {HOST}\r\n");
        if let Some(who) = authorization {
            text.push_str(&format!("Authorization: {who}\r\n"));
        }
        if !body.is_empty() {
            text.push_str("Content-Type: application/json\r\n");
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        let stream = self.0.get_mut();
        // The first request waits in the connection for the handshake, and leaves with its end.
        stream.conn.writer().write_all(text.as_bytes())?;
        Ok(stream.flush()?)
    }

    fn receive(&mut self) -> Result<Answer, Failure> {
        let malformed = || io::Error::new(io::ErrorKind::InvalidData, "no HTTP");
        let mut line = String::new();
        self.line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|word| word.parse().ok());
        let mut answer =
            Answer { status: status.ok_or_else(malformed)?, next_nonce: None, body: Value::Null };
        let mut len = 0;
        loop {
            let line = self.line(&mut line)?;
            match line.split_once(": ") {
                None if line.is_empty() => break,
                Some(("content-length", value)) => len = value.parse().map_err(|_| malformed())?,
                Some(("next-nonce", value)) => answer.next_nonce = octets(value),
                _ => {}
            }
        }
        let mut body = vec![0; len];
        self.0.read_exact(&mut body)?;
        if len > 0 {
            answer.body = serde_json::from_slice(&body).map_err(|_| malformed())?;
        }
        Ok(answer)
    }

    fn line<'l>(&mut self, line: &'l mut String) -> Result<&'l str, Failure> {
        line.clear();
        if self.0.read_line(line)? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}

impl Answer {
    /// The body, if it was done; else the problem's name.
    pub(crate) fn done(self, what: &str) -> Result<Value, Failure> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        let name = self.body["name"].as_str().unwrap_or("no name").to_owned();
        Err(Failure::Refused { what: what.to_owned(), status: self.status, name })
    }
}

/// Octets of base64url, such as a nonce.
pub(crate) fn octets<const N: usize>(text: &str) -> Option<[u8; N]> {
    Base64UrlUnpadded::decode_vec(text).ok()?.try_into().ok()
}
