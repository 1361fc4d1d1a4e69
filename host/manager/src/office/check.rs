//! Whether a database is whole: each secret in it opens as what it is said to be.

use super::Work;
use crate::failure::Failure;
use crate::store::{authority, device, generation, group};
use crate::vault::Kind;

/// What was looked at.
pub(crate) struct Checked {
    pub(crate) devices: u64,
    pub(crate) groups: u64,
    /// PGKs that are not over.
    pub(crate) keys: u64,
}

impl Work<'_> {
    /// Opens all that is sealed, and reads what is signed.
    ///
    /// Errors: the first thing that is not as it should be.
    pub(crate) async fn check(&mut self) -> Result<Checked, Failure> {
        self.office.store.check(&mut self.change).await?;
        // With its delegation, by the root key.
        self.signer().await?;
        let vault = &self.office.vault;
        if let Some(sealed) = authority::nonce_key(&mut self.change).await? {
            vault.open_key(Kind::Nonces, &sealed)?;
        }
        if let Some(stored) = authority::authority(&mut self.change).await? {
            vault.open(Kind::Authority, &stored.sealed_key)?;
        }
        let keys = generation::sealed(&mut self.change).await?;
        for (group, generation, sealed_key) in &keys {
            vault.open_key(Kind::Pgk(*group, *generation), sealed_key)?;
        }
        let counts = device::counts(&mut self.change).await?;
        Ok(Checked {
            devices: counts.iter().map(|(_, devices)| devices).sum(),
            groups: group::count(&mut self.change).await?,
            keys: keys.len() as u64,
        })
    }
}
