use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use serde_json::json;
use time::{Duration as Days, OffsetDateTime};

use super::*;

/// An authority, and a server's certificate of it.
struct Made {
    authority: Vec<u8>,
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

fn made(name: &str, valid_for_days: i64) -> Made {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap().der().to_vec();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Days::days(9);
    params.not_after = now + Days::days(valid_for_days);
    let certificate = params.signed_by(&key, &issuer).unwrap().der().clone();
    Made { authority, certificate, key: key.serialize_der() }
}

/// A server for one connection, which answers each request alike; its port.
fn serve(made: &Made, answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![made.certificate.clone()],
            PrivatePkcs8KeyDer::from(made.key.clone()).into(),
        )
        .unwrap();
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut connection = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = Stream::new(&mut connection, &mut socket);
        // All of it: a socket that is closed with octets unread takes the answer back.
        let mut request = Vec::new();
        while !request.ends_with(b"{}") {
            let mut part = [0; 4096];
            match stream.read(&mut part) {
                Ok(length) if length > 0 => request.extend_from_slice(&part[..length]),
                // Who does not believe the certificate says so and goes.
                _ => return,
            }
        }
        let _ = stream.write_all(answer.as_bytes());
        stream.conn.send_close_notify();
        let _ = stream.flush();
    });
    port
}

fn asked(url: String, authority: &[u8]) -> Result<Answer, Refused> {
    let place = Place { url, authority: authority.to_vec() };
    Http::new(&place).post("/v1/nonce", None, &json!({}), Duration::ZERO)
}

fn error(url: String, authority: &[u8]) -> ManagerError {
    asked(url, authority).err().unwrap().error
}

const GOOD: &str = "HTTP/1.1 200 OK\r\nnext-nonce: abc\r\ncontent-length: 2\r\n\r\n{}";

#[test]
fn the_managers_own_server_is_believed() {
    let made = made("localhost", 9);
    let port = serve(&made, GOOD);
    let answer = asked(format!("https://localhost:{port}"), &made.authority).ok().unwrap();
    assert_eq!((answer.body, answer.next_nonce.as_deref()), (Some(json!({})), Some("abc")));
}

#[test]
fn nobody_else_is() {
    let made_here = made("localhost", 9);
    let (other, over) = (made("localhost", 9), made("localhost", -1));
    for (server, authority, host) in [
        (&made_here, &other.authority, "localhost"),
        (&made_here, &made_here.authority, "127.0.0.1"),
        (&over, &over.authority, "localhost"),
    ] {
        let port = serve(server, GOOD);
        let error = error(format!("https://{host}:{port}"), authority);
        assert!(matches!(error, ManagerError::NotTrusted { .. }), "{host}: {error}");
    }
}

#[test]
fn a_problem_is_told_by_its_name() {
    let made = made("localhost", 9);
    let answer = "HTTP/1.1 403 Forbidden\r\nretry-after: 7\r\ncontent-length: 40\r\n\r\n{\"name\":\"lost\",\"detail\":\"it was lost\"}  ";
    let port = serve(&made, answer);
    let refused = asked(format!("https://localhost:{port}"), &made.authority).err().unwrap();
    assert_eq!(refused.retry_after, Some(7));
    assert_eq!(
        (refused.error.name(), refused.error.to_string().as_str()),
        ("lost", "the manager refuses: it was lost")
    );
}

#[test]
fn what_is_no_answer_is_not_taken_for_one() {
    let made = made("localhost", 9);
    for answer in ["HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{x}", "SSH-2.0-x\r\n", ""] {
        let port = serve(&made, answer);
        let error = error(format!("https://localhost:{port}"), &made.authority);
        assert!(
            matches!(error, ManagerError::Malformed(_) | ManagerError::Unreachable { .. }),
            "{answer}: {error}"
        );
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = error(format!("https://localhost:{port}"), &made.authority);
    assert!(matches!(error, ManagerError::Unreachable { .. }), "{error}");
}
