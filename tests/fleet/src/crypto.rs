//! What the public-key operations of one join cost alone, both sides', on all cores: the
//! measure of what the rest costs.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::version::TLS13;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use x25519_dalek::x25519;

use crate::failure::Failure;
use crate::manager::processor_s;

/// As long as a package, a statement and a delegation are, about.
const MESSAGE: [u8; 512] = [7; 512];
const SEED: [u8; 32] = [9; 32];

/// Both ends of a handshake: a certificate of P-256 under an authority of P-256, as the
/// manager makes them.
struct Ends {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    /// Who signs, whoever it is: nobody makes a key anew to sign.
    key: SigningKey,
}

/// What they cost.
pub(crate) struct Crypto {
    /// How many joins a second they would allow.
    pub(crate) per_s: f64,
    /// Processor time of one join's, milliseconds: whatever else this machine does.
    pub(crate) ms: f64,
}

/// Measures them for so long.
pub(crate) fn measure(during: Duration) -> Result<Crypto, Failure> {
    let processor_s = || processor_s("self").unwrap_or_default();
    let before = processor_s();
    let ends = Ends::new().map_err(|error| Failure::Wrong(format!("TLS: {error}")))?;
    let (done, began) = (AtomicU64::new(0), Instant::now());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        while began.elapsed() < during {
            join(&ends)?;
            done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let hands: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        hands.into_iter().try_for_each(|hand| {
            let died = |_| Failure::Wrong("a measuring thread died".to_owned());
            hand.join()
                .map_err(died)?
                .map_err(|error: rustls::Error| Failure::Wrong(format!("TLS: {error}")))
        })
    })?;
    let (joins, took) = (done.load(Ordering::Relaxed) as f64, began.elapsed());
    let ms = (processor_s() - before) * 1e3 / joins;
    Ok(Crypto { per_s: joins / took.as_secs_f64(), ms })
}

/// One join's: a connection, two statements that are made and looked at (join, receipt), a
/// package that is sealed, opened and applied, which the radio answers by a statement.
fn join(ends: &Ends) -> Result<(), rustls::Error> {
    ends.shake_hands()?;
    let key = &ends.key;
    let public = key.verifying_key().to_bytes();
    // The radio: the statements of join and receipt, and the one that an import answers.
    let signed = [(); 3].map(|()| key.sign(&MESSAGE));
    // The manager: signs the package, agrees under a key of its own, for this package.
    let package = key.sign(&MESSAGE);
    let sealed = [(); 2].map(|()| x25519(SEED, x25519_dalek::X25519_BASEPOINT_BYTES));
    // The manager looks at two statements; the radio at the package and the delegation in it.
    let holds = [&signed[0], &signed[1], &package, &package].into_iter().all(|signature| {
        let key = VerifyingKey::from_bytes(&public);
        key.is_ok_and(|key| key.verify_strict(&MESSAGE, signature).is_ok())
    });
    // The radio agrees.
    let opened = x25519(SEED, sealed[0]);
    std::hint::black_box((holds, sealed, opened));
    Ok(())
}

impl Ends {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let (root_key, key) = (
            KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?,
            KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?,
        );
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let root = params.self_signed(&root_key)?;
        let leaf = CertificateParams::new(vec!["localhost".to_owned()])?
            .signed_by(&key, &Issuer::new(params, root_key))?;
        let mut roots = RootCertStore::empty();
        roots.add(root.der().clone())?;
        let provider = Arc::new(ring::default_provider());
        let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], private)?;
        server.send_tls13_tickets = 0;
        let key = SigningKey::from_bytes(&SEED);
        Ok(Self { client: Arc::new(client), server: Arc::new(server), key })
    }

    /// In memory.
    fn shake_hands(&self) -> Result<(), rustls::Error> {
        let name = ServerName::try_from("localhost").map_err(|_| rustls::Error::DecryptError)?;
        let mut client = ClientConnection::new(Arc::clone(&self.client), name)?;
        let mut server = ServerConnection::new(Arc::clone(&self.server))?;
        while client.is_handshaking() || server.is_handshaking() {
            let other = |error: io::Error| rustls::Error::General(error.to_string());
            let mut octets = Vec::new();
            client.write_tls(&mut octets).map_err(other)?;
            server.read_tls(&mut octets.as_slice()).map_err(other)?;
            server.process_new_packets()?;
            octets.clear();
            while server.wants_write() {
                server.write_tls(&mut octets).map_err(other)?;
            }
            let mut rest = octets.as_slice();
            while !rest.is_empty() {
                client.read_tls(&mut rest).map_err(other)?;
                client.process_new_packets()?;
            }
        }
        Ok(())
    }
}
