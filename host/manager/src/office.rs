//! A manager that is open: its database, its vault, and changes that are signed for.
//! What the commands and the server do is done here, by the same functions.

mod device;
mod group;
mod issue;
mod key;
mod look_up;
mod member;

use std::sync::{Arc, Mutex, PoisonError};

use proseal_issuer::{Delegation, Signer, SignerKey};

pub(crate) use issue::Issued;
pub(crate) use key::Ended;

use crate::domain::clock;
use crate::failure::Failure;
use crate::here::Clock;
use crate::home::Home;
use crate::store::manager::{self, Identity};
use crate::store::{Change, Place, Store, StoreError};
use crate::vault::{Kind, Vault};

/// A manager that is open.
pub(crate) struct Office {
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    clock: Clock,
    /// An operator has looked at the clock.
    accept_clock: bool,
    /// The one that was opened last: opening costs more than all else of a package.
    signer: Mutex<Option<(u32, Arc<Signer>)>>,
}

/// One change to it, or one look at it.
pub(crate) struct Work<'o> {
    pub(crate) change: Change<'o>,
    pub(crate) office: &'o Office,
    pub(crate) identity: Identity,
    pub(crate) now: u64,
    who: &'o str,
}

impl Office {
    /// Opens the manager in `home`, with at most so many connections to its database.
    pub(crate) async fn open(
        home: &Home,
        place: &Place,
        clock: Clock,
        accept_clock: bool,
        connections: u32,
    ) -> Result<Self, Failure> {
        let vault = home.vault()?;
        let store = Store::open(place, connections).await?;
        Ok(Self { store, vault, clock, accept_clock, signer: Mutex::new(None) })
    }

    /// Begins a change, at a time that can be believed.
    pub(crate) async fn begin<'o>(&'o self, who: &'o str) -> Result<Work<'o>, Failure> {
        let mut change = self.store.change().await?;
        let identity = manager::identity(&mut change).await?;
        let now = clock::check(self.clock.now(), identity.newest_change, self.accept_clock)?;
        Ok(Work { change, office: self, identity, now, who })
    }

    /// Begins a look, by whatever clock.
    pub(crate) async fn look(&self) -> Result<Work<'_>, Failure> {
        let mut change = self.store.reading().await?;
        let identity = manager::identity(&mut change).await?;
        Ok(Work { change, office: self, identity, now: self.clock.now(), who: "" })
    }

    pub(crate) async fn close(&self) {
        self.store.close().await;
    }
}

impl Work<'_> {
    /// Writes into the audit what is being done.
    pub(crate) async fn note(&mut self, what: &str) -> Result<(), Failure> {
        Ok(manager::audit(&mut self.change, self.now, self.who, what).await?)
    }

    /// All that was done takes effect, on the disk.
    pub(crate) async fn finish(mut self) -> Result<(), Failure> {
        manager::set_newest_change(&mut self.change, self.now).await?;
        Ok(self.change.commit().await.map_err(StoreError::from)?)
    }

    /// Ends a look.
    pub(crate) async fn leave(self) -> Result<(), Failure> {
        Ok(self.change.rollback().await.map_err(StoreError::from)?)
    }

    /// The present signer, its key opened.
    pub(crate) async fn signer(&mut self) -> Result<Arc<Signer>, Failure> {
        let kept = &self.office.signer;
        let known = kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, signer)) = known.filter(|(version, _)| *version == self.identity.signer) {
            return Ok(signer);
        }
        let stored = manager::signer(&mut self.change).await?;
        let seed = self.office.vault.open_key(Kind::Signer(stored.version), &stored.sealed_key)?;
        let delegation = Delegation::verify(&stored.delegation, &self.identity.root)?;
        let signer = Arc::new(Signer::new(SignerKey::from_seed(&seed), delegation)?);
        let newest = Some((stored.version, Arc::clone(&signer)));
        *kept.lock().unwrap_or_else(PoisonError::into_inner) = newest;
        Ok(signer)
    }
}
