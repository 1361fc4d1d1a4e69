//! A server in this process, and a client of HTTPS for it: a connection a request.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use prose_manager::{Args, Here, Server};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::fixture::{PASSWORD, Radio, T};

/// A server that runs until it is dropped.
pub(crate) struct Serving {
    runtime: Runtime,
    server: Option<Server>,
    pub(crate) device: SocketAddr,
    pub(crate) operator: SocketAddr,
}

impl Serving {
    pub(crate) fn start(args: &Args, here: &Here) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let server = runtime.block_on(Server::start(args, here)).unwrap();
        let (device, operator) = (server.device_address(), server.operator_address());
        Self { runtime, server: Some(server), device, operator }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop());
        }
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) text: String,
}

impl Answer {
    /// The body, if it was done.
    #[track_caller]
    pub(crate) fn done(&self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// Status and name of the problem.
    #[track_caller]
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        let body = self.json();
        let name = body["name"].as_str().unwrap().to_owned();
        assert_eq!(body["status"], self.status);
        assert_eq!(body["type"], format!("urn:proseal:problem:{name}"));
        assert!(!body["title"].as_str().unwrap().is_empty());
        assert!(!body["detail"].as_str().unwrap().is_empty());
        (self.status, name)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The clock of a client, which stands still.
#[derive(Debug)]
struct At(u64);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0)))
    }
}

/// Who believes one certificate authority and nobody else.
#[derive(Clone)]
pub(crate) struct Https(Arc<ClientConfig>);

impl Https {
    /// By its clock it is `now`.
    pub(crate) fn new(authority: &[u8], now: u64) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(authority.to_vec())).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_details(provider, Arc::new(At(now)))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self(Arc::new(config))
    }

    pub(crate) fn ask(
        &self,
        to: SocketAddr,
        line: &str,
        headers: &[(&str, String)],
        body: Option<&[u8]>,
    ) -> Answer {
        let name = ServerName::try_from("manager.test").unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.0), name).unwrap();
        let socket = TcpStream::connect(to).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(90))).unwrap();
        let mut stream = StreamOwned::new(connection, socket);
        let mut head = format!("{line} HTTP/1.1\r\nHost: manager.test\r\nConnection: close\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        let body = body.unwrap_or_default();
        head += &format!("Content-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).unwrap();
        // A server that has said no already does not read on.
        let _ = stream.write_all(body);
        let mut octets = Vec::new();
        // Some end without a farewell.
        let _ = stream.read_to_end(&mut octets);
        let text = String::from_utf8(octets).unwrap();
        let (head, text) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        };
        Answer { status, headers: lines.map(header).collect(), text: text.to_owned() }
    }

    pub(crate) fn json(
        &self,
        to: SocketAddr,
        line: &str,
        credential: Option<String>,
        body: Option<&Value>,
    ) -> Answer {
        let mut headers = Vec::new();
        headers.extend(credential.map(|credential| ("Authorization", credential)));
        let body = body.map(Value::to_string);
        if body.is_some() {
            headers.push(("Content-Type", "application/json".to_owned()));
        }
        self.ask(to, line, &headers, body.as_deref().map(str::as_bytes))
    }
}

/// What a token file says.
pub(crate) struct TokenFile {
    values: HashMap<String, String>,
}

impl TokenFile {
    pub(crate) fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).unwrap();
        let values = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
            let (name, value) = line.split_once(" = ").unwrap();
            (name.to_owned(), value.to_owned())
        });
        Self { values: values.collect() }
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        &self.values[name]
    }

    pub(crate) fn authority(&self) -> Vec<u8> {
        Base64UrlUnpadded::decode_vec(self.get("authority")).unwrap()
    }

    pub(crate) fn https(&self) -> Https {
        Https::new(&self.authority(), T)
    }
}

/// A radio that speaks with a server.
pub(crate) struct Online<'a> {
    pub(crate) radio: &'a Radio,
    pub(crate) https: Https,
    pub(crate) to: SocketAddr,
}

impl Online<'_> {
    pub(crate) fn nonce(&self) -> [u8; 32] {
        let said = self.https.json(self.to, "POST /v1/nonce", None, None).done();
        let nonce = Base64UrlUnpadded::decode_vec(said["nonce"].as_str().unwrap()).unwrap();
        nonce.try_into().unwrap()
    }

    /// Asks as it is now.
    pub(crate) fn ask(&self, path: &str, body: Option<&Value>) -> Answer {
        self.ask_with(path, &self.radio.answer(self.nonce()), body)
    }

    pub(crate) fn ask_with(&self, path: &str, statement: &[u8], body: Option<&Value>) -> Answer {
        let statement = Base64UrlUnpadded::encode_string(statement);
        let credential = format!("ProSeal-Statement {statement}");
        self.https.json(self.to, &format!("POST /v1/{path}"), Some(credential), body)
    }

    pub(crate) fn enrol(&self, token: &str) -> Answer {
        self.ask("enrol", Some(&json!({ "token": token })))
    }

    /// Applies what `package` in an answer is.
    pub(crate) fn take(&self, package: &Value) {
        let octets = Base64UrlUnpadded::decode_vec(package["package"].as_str().unwrap()).unwrap();
        self.radio.take(&octets).unwrap();
    }
}

/// An operator who is signed in.
pub(crate) struct SignedIn {
    pub(crate) https: Https,
    pub(crate) to: SocketAddr,
    pub(crate) token: String,
}

impl SignedIn {
    pub(crate) fn new(https: &Https, to: SocketAddr, name: &str) -> Self {
        let body = json!({ "name": name, "password": PASSWORD });
        let said = https.json(to, "POST /v1/session", None, Some(&body)).done();
        let token = said["token"].as_str().unwrap().to_owned();
        Self { https: https.clone(), to, token }
    }

    pub(crate) fn ask(&self, line: &str, body: Option<&Value>) -> Answer {
        self.https.json(self.to, line, Some(format!("Bearer {}", self.token)), body)
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.ask(&format!("GET /v1/{path}"), None).done()
    }

    pub(crate) fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(&format!("POST /v1/{path}"), Some(&body))
    }
}
