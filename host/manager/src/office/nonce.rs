//! Nonces that say by themselves that this manager gave them, and until when: any of its
//! processes can check any, and remembers only those that were used.
//!
//! ```text
//! expires at (8, seconds since 1970) | random (8) | HMAC-SHA-256 of both, its first 16 octets
//! ```

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Office;
use crate::failure::Failure;
use crate::store::authority;
use crate::vault::{Kind, SECRET_LEN};

/// How long a nonce is good, seconds: longer than the longest wait for an update.
pub(crate) const LIFETIME_S: u64 = 300;
/// What is authenticated: expiry and random octets.
const HEAD: usize = 16;

/// Gives nonces and knows them again.
pub(crate) struct Nonces(Zeroizing<[u8; SECRET_LEN]>);

impl Nonces {
    /// By the key in the database, which is made on first use.
    pub(crate) async fn open(office: &Office) -> Result<Self, Failure> {
        let mut look = office.look().await?;
        let mut sealed = authority::nonce_key(&mut look.change).await?;
        look.leave().await?;
        if sealed.is_none() {
            let mut work = office.begin("server").await?;
            sealed = authority::nonce_key(&mut work.change).await?;
            if sealed.is_none() {
                let key = random::<SECRET_LEN>()?;
                let made = work.office.vault.seal(Kind::Nonces, key.as_slice())?;
                authority::set_nonce_key(&mut work.change, &made).await?;
                sealed = Some(made);
            }
            work.finish().await?;
        }
        let key = office.vault.open_key(Kind::Nonces, &sealed.unwrap_or_default())?;
        Ok(Self(key))
    }

    /// A new one.
    pub(crate) fn give(&self, now: u64) -> Result<[u8; 32], Failure> {
        let mut nonce = [0; 32];
        let (head, tag) = nonce.split_at_mut(HEAD);
        let (expires_at, fresh) = head.split_at_mut(8);
        expires_at.copy_from_slice(&now.saturating_add(LIFETIME_S).to_be_bytes());
        fresh.copy_from_slice(&*random::<8>()?);
        let mac = self.mac(head).finalize().into_bytes();
        for (octet, of) in tag.iter_mut().zip(mac) {
            *octet = of;
        }
        Ok(nonce)
    }

    /// When a nonce ends, if it is one of ours and not over.
    pub(crate) fn check(&self, nonce: &[u8; 32], now: u64) -> Option<u64> {
        let (head, tag) = nonce.split_at(HEAD);
        self.mac(head).verify_truncated_left(tag).ok()?;
        let expires_at = u64::from_be_bytes(*head.first_chunk()?);
        (now < expires_at).then_some(expires_at)
    }

    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    fn mac(&self, head: &[u8]) -> Hmac<Sha256> {
        let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(self.0.as_slice());
        mac.expect("HMAC takes a key of any length").chain_update(head)
    }
}

/// Octets from the operating system.
pub(super) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Failure> {
    let mut octets = Zeroizing::new([0; N]);
    getrandom::fill(octets.as_mut_slice()).map_err(|error| Failure::System(error.to_string()))?;
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    #[test]
    fn a_nonce_is_known_again_until_it_is_over() {
        let nonces = Nonces(Zeroizing::new([7; 32]));
        let nonce = nonces.give(NOW).unwrap();
        assert_eq!(nonces.check(&nonce, NOW), Some(NOW + LIFETIME_S));
        assert!(nonces.check(&nonce, NOW + LIFETIME_S - 1).is_some());
        assert_eq!(nonces.check(&nonce, NOW + LIFETIME_S), None);
        assert_ne!(nonces.give(NOW).unwrap(), nonce);
    }

    #[test]
    fn no_octet_of_a_nonce_can_be_another() {
        let nonces = Nonces(Zeroizing::new([7; 32]));
        let nonce = nonces.give(NOW).unwrap();
        for at in 0..nonce.len() {
            let mut changed = nonce;
            changed[at] ^= 1;
            assert_eq!(nonces.check(&changed, NOW), None, "octet {at}");
        }
        assert_eq!(Nonces(Zeroizing::new([8; 32])).check(&nonce, NOW), None);
    }
}
