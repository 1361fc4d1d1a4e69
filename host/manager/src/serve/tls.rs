//! TLS 1.3 and nothing older, under a certificate that is renewed while it serves.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use rustls::{ServerConfig, crypto::CryptoProvider};

use crate::failure::Failure;
use crate::office::ServerCertificate;

/// The present certificate.
#[derive(Clone, Debug)]
pub(super) struct Certificates(Arc<Present>);

#[derive(Debug)]
struct Present(RwLock<(Arc<CertifiedKey>, u64)>);

fn certified(made: ServerCertificate) -> Result<(Arc<CertifiedKey>, u64), Failure> {
    let key = ring::sign::any_supported_type(&made.key)
        .map_err(|error| Failure::Serve(format!("cannot use a certificate: {error}")))?;
    Ok((Arc::new(CertifiedKey::new(made.chain, key)), made.renew_at))
}

impl Certificates {
    pub(super) fn new(made: ServerCertificate) -> Result<Self, Failure> {
        Ok(Self(Arc::new(Present(RwLock::new(certified(made)?)))))
    }

    /// When the next one is to be made, seconds since 1970 UTC.
    pub(super) fn renew_at(&self) -> u64 {
        self.0.0.read().unwrap_or_else(PoisonError::into_inner).1
    }

    /// From now on this one.
    pub(super) fn renew(&self, made: ServerCertificate) -> Result<(), Failure> {
        let certified = certified(made)?;
        *self.0.0.write().unwrap_or_else(PoisonError::into_inner) = certified;
        Ok(())
    }

    pub(super) fn config(&self) -> Result<Arc<ServerConfig>, Failure> {
        let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(&self.0) as _;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(|error| Failure::Serve(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Each connection has keys of its own: nothing is resumed.
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for Present {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).0))
    }
}
