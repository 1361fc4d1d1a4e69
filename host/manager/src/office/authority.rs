//! The certificate authority that the tool makes itself: devices pin it by their token
//! file, and every process of this manager gets its server certificate from it.

use proseal_issuer::ManagerId;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::nonce::random;
use super::{Office, Work};
use crate::failure::Failure;
use crate::store::authority::{self, Authority as Stored};
use crate::vault::Kind;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// Of the authority's certificate. Its key stays, so that devices which pinned an older one
/// go on to believe it.
const AUTHORITY_S: u64 = 3650 * DAY;
/// A new certificate is made when less is left of the old one.
const AUTHORITY_LEFT_S: u64 = 365 * DAY;
/// Of a server's certificate.
const SERVER_S: u64 = 30 * DAY;
/// Before its time, for clocks that are a little behind.
const EARLY_S: u64 = HOUR;

/// What servers' certificates are made with.
pub(crate) struct Authority {
    /// X.509, DER.
    pub(crate) certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    manager: ManagerId,
}

/// A server's certificate chain and key.
pub(crate) struct ServerCertificate {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
    /// When the next one is to be made.
    pub(crate) renew_at: u64,
}

impl Authority {
    /// The authority of this manager; it is made on first use, and its certificate renewed
    /// in time.
    pub(crate) async fn open(office: &Office) -> Result<Self, Failure> {
        let mut look = office.look().await?;
        let (manager, now) = (look.identity.manager, look.now);
        let mut stored = authority::authority(&mut look.change).await?;
        look.leave().await?;
        let is_good = |stored: &Stored| stored.expires_at > now.saturating_add(AUTHORITY_LEFT_S);
        if !stored.as_ref().is_some_and(is_good) {
            let mut work = office.begin("server").await?;
            stored = authority::authority(&mut work.change).await?;
            if !stored.as_ref().is_some_and(is_good) {
                let key = match &stored {
                    Some(stored) => office.vault.open(Kind::Authority, &stored.sealed_key)?,
                    None => new_key()?,
                };
                let expires_at = work.now.saturating_add(AUTHORITY_S);
                let made = Stored {
                    certificate: self_signed(manager, &key, work.now, expires_at)?,
                    sealed_key: office.vault.seal(Kind::Authority, &key)?,
                    expires_at,
                };
                authority::set_authority(&mut work.change, &made).await?;
                work.note("a certificate of the servers' authority");
                stored = Some(made);
            }
            work.finish().await?;
        }
        let stored = stored.ok_or_else(none)?;
        let key = office.vault.open(Kind::Authority, &stored.sealed_key)?;
        Ok(Self { certificate: stored.certificate, key, manager })
    }

    /// A server's certificate for these host names and addresses, under a key of its own.
    pub(crate) fn server(&self, names: &[String], now: u64) -> Result<ServerCertificate, Failure> {
        let key = new_key()?;
        let mut params = CertificateParams::new(names).map_err(failed)?;
        params.distinguished_name.push(DnType::CommonName, "ProSeal manager");
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        window(&mut params, now, now.saturating_add(SERVER_S))?;
        let issuer = Issuer::new(authority_params(self.manager)?, key_pair(&self.key)?);
        let made = params.signed_by(&key_pair(&key)?, &issuer).map_err(failed)?;
        Ok(ServerCertificate {
            chain: vec![made.der().clone()],
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_vec())),
            renew_at: now.saturating_add(SERVER_S.saturating_mul(2) / 3),
        })
    }
}

impl Work<'_> {
    /// The authority's present certificate, X.509 DER, whichever process made it.
    pub(crate) async fn authority_certificate(&mut self) -> Result<Vec<u8>, Failure> {
        let stored = authority::authority(&mut self.change).await?;
        Ok(stored.ok_or_else(none)?.certificate)
    }
}

fn none() -> Failure {
    Failure::Serve("there is no authority".to_owned())
}

fn failed(error: rcgen::Error) -> Failure {
    Failure::Serve(format!("cannot make a certificate: {error}"))
}

/// PKCS #8.
fn new_key() -> Result<Zeroizing<Vec<u8>>, Failure> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
    Ok(Zeroizing::new(key.serialize_der()))
}

fn key_pair(key: &[u8]) -> Result<KeyPair, Failure> {
    KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(key), &PKCS_ECDSA_P256_SHA256)
        .map_err(failed)
}

fn authority_params(manager: ManagerId) -> Result<CertificateParams, Failure> {
    let mut params = CertificateParams::new(Vec::new()).map_err(failed)?;
    let name = format!("ProSeal manager {manager}");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    Ok(params)
}

fn self_signed(manager: ManagerId, key: &[u8], from: u64, to: u64) -> Result<Vec<u8>, Failure> {
    let mut params = authority_params(manager)?;
    window(&mut params, from, to)?;
    let made: Certificate = params.self_signed(&key_pair(key)?).map_err(failed)?;
    Ok(made.der().to_vec())
}

fn window(params: &mut CertificateParams, from: u64, to: u64) -> Result<(), Failure> {
    let time = |seconds: u64| {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        let time = OffsetDateTime::from_unix_timestamp(seconds);
        time.map_err(|error| Failure::Serve(format!("cannot make a certificate: {error}")))
    };
    params.not_before = time(from.saturating_sub(EARLY_S))?;
    params.not_after = time(to)?;
    params.serial_number = Some(SerialNumber::from_slice(&*random::<16>()?));
    Ok(())
}
