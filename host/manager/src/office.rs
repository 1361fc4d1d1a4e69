//! A manager that is open: its database, its vault, and changes that are signed for.

mod issue;
mod look_up;

pub(crate) use issue::Issued;

use proseal_issuer::{Delegation, Signer, SignerKey};

use crate::domain::clock;
use crate::failure::Failure;
use crate::here::Here;
use crate::home::Home;
use crate::store::manager::{self, Identity};
use crate::store::{Change, Store};
use crate::vault::{Kind, Vault};

/// A manager that is open.
pub(crate) struct Office<'h> {
    pub(crate) home: &'h Home,
    store: Store,
    vault: Vault,
    here: &'h Here,
    accept_clock: bool,
}

/// One change to it, or one look at it.
pub(crate) struct Work<'o> {
    pub(crate) change: Change<'o>,
    pub(crate) vault: &'o Vault,
    pub(crate) identity: Identity,
    pub(crate) now: u64,
    who: &'o str,
}

impl<'h> Office<'h> {
    pub(crate) async fn open(
        home: &'h Home,
        here: &'h Here,
        accept_clock: bool,
    ) -> Result<Self, Failure> {
        home.check()?;
        let vault = home.vault()?;
        let store = Store::open(&home.database()).await?;
        Ok(Self { home, store, vault, here, accept_clock })
    }

    /// Begins a change, at a time that can be believed.
    pub(crate) async fn begin(&mut self) -> Result<Work<'_>, Failure> {
        let mut change = self.store.change().await?;
        let identity = manager::identity(&mut change).await?;
        let now = clock::check(self.here.now, identity.newest_change, self.accept_clock)?;
        let who = self.here.user.as_str();
        Ok(Work { change, vault: &self.vault, identity, now, who })
    }

    /// Begins a look, by whatever clock.
    pub(crate) async fn look(&mut self) -> Result<Work<'_>, Failure> {
        let mut change = self.store.reading().await?;
        let identity = manager::identity(&mut change).await?;
        let (now, who) = (self.here.now, self.here.user.as_str());
        Ok(Work { change, vault: &self.vault, identity, now, who })
    }

    pub(crate) async fn close(self) -> Result<(), Failure> {
        Ok(self.store.close().await?)
    }
}

impl Work<'_> {
    /// Writes into the audit what is being done.
    pub(crate) async fn note(&mut self, what: &str) -> Result<(), Failure> {
        Ok(manager::audit(&mut self.change, self.now, self.who, what).await?)
    }

    /// All that was done takes effect, on the disk.
    pub(crate) async fn finish(self) -> Result<(), Failure> {
        self.change.commit().await.map_err(crate::store::StoreError::from)?;
        Ok(())
    }

    /// Ends a look.
    pub(crate) async fn leave(self) -> Result<(), Failure> {
        self.change.rollback().await.map_err(crate::store::StoreError::from)?;
        Ok(())
    }

    /// The present signer, its key opened.
    pub(crate) async fn signer(&mut self) -> Result<Signer, Failure> {
        let stored = manager::signer(&mut self.change).await?;
        let seed = self.vault.open(Kind::Signer(stored.version), &stored.sealed_key)?;
        let delegation = Delegation::verify(&stored.delegation, &self.identity.root)?;
        Ok(Signer::new(SignerKey::from_seed(&seed), delegation)?)
    }
}
