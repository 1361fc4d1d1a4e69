//! A manager that is open: its database, its vault, and changes that are signed for.
//! What the commands and the server do is done here, by the same functions.

mod account;
mod authority;
mod check;
mod device;
mod enrol;
mod entries;
mod group;
mod issue;
mod join;
mod key;
mod look_up;
mod member;
mod nonce;
mod progress;
#[cfg(test)]
pub(crate) mod site;
pub(crate) mod view;
mod writer;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use proseal_issuer::{Delegation, Signer, SignerKey};

pub(crate) use account::{Role, User, hash_password, is_password};
pub(crate) use authority::{Authority, ServerCertificate};
pub(crate) use check::Checked;
pub(crate) use enrol::Proof;
use entries::Kept;
pub(crate) use issue::{Issued, context_with};
pub(crate) use join::Bundle;
pub(crate) use key::Ended;
pub(crate) use nonce::{LIFETIME_S as NONCE_S, Nonces};
pub(crate) use writer::Writer;

use crate::domain::clock;
use crate::failure::Failure;
use crate::here::Clock;
use crate::home::Home;
use crate::store::manager::{self, Identity, Note};
use crate::store::{Change, Place, Store};
use crate::vault::{Kind, Vault};

/// A manager that is open.
pub(crate) struct Office {
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    clock: Clock,
    /// An operator has looked at the clock, and the next change takes it for right.
    accept_clock: AtomicBool,
    /// Something that was erased may be in the database's journal.
    is_untidy: AtomicBool,
    /// The one that was opened last: opening costs more than all else of a package.
    signer: Mutex<Option<(u32, Arc<Signer>)>>,
}

/// One change to it, or one look at it.
pub(crate) struct Work<'o> {
    pub(crate) change: Change,
    pub(crate) office: &'o Office,
    pub(crate) identity: Identity,
    pub(crate) now: u64,
    /// For the audit, which is written in the end.
    who: String,
    notes: Vec<Note>,
    /// What was read of groups in this transaction.
    kept: Kept,
    /// Something was erased in it.
    has_erased: bool,
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
        let accept_clock = AtomicBool::new(accept_clock);
        // Who had it open before may have been killed.
        let is_untidy = AtomicBool::new(true);
        Ok(Self { store, vault, clock, accept_clock, is_untidy, signer: Mutex::new(None) })
    }

    /// Begins a change, at a time that can be believed.
    pub(crate) async fn begin(&self, who: &str) -> Result<Work<'_>, Failure> {
        let (change, identity, now) = self.begin_change().await?;
        Ok(self.work(change, identity, now, who))
    }

    async fn begin_change(&self) -> Result<(Change, Identity, u64), Failure> {
        let mut change = self.store.change().await?;
        let identity = manager::identity(&mut change).await?;
        let accepted = self.accept_clock.load(Ordering::Relaxed);
        let now = clock::check(self.clock.now(), identity.newest_change, accepted)?;
        Ok((change, identity, now))
    }

    /// All that was done in it takes effect, on the disk.
    async fn commit(&self, mut change: Change, now: u64) -> Result<(), Failure> {
        manager::set_newest_change(&mut change, now).await?;
        change.commit().await?;
        // From here on that clock is the measure.
        self.accept_clock.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Takes what was erased out of the database's journal, if nobody reads.
    fn tidy(&self) {
        self.is_untidy.store(false, Ordering::Relaxed);
        let is_tidy = self.store.tidy().unwrap_or_else(|error| {
            tracing::warn!(%error, "the database's journal is as it was");
            false
        });
        if !is_tidy {
            self.is_untidy.store(true, Ordering::Relaxed);
        }
    }

    /// Whether nothing that was erased is in the journal, as far as is known here.
    pub(crate) fn is_tidy(&self) -> bool {
        !self.is_untidy.load(Ordering::Relaxed)
    }

    /// An operator has looked at the clock: the next change takes it for right.
    pub(crate) fn accept_clock(&self) {
        self.accept_clock.store(true, Ordering::Relaxed);
    }

    /// This machine's clock, right or wrong.
    pub(crate) fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Begins a look, by whatever clock.
    pub(crate) async fn look(&self) -> Result<Work<'_>, Failure> {
        let mut change = self.store.reading().await?;
        let identity = manager::identity(&mut change).await?;
        Ok(self.work(change, identity, self.clock.now(), ""))
    }

    fn work(&self, change: Change, identity: Identity, now: u64, who: &str) -> Work<'_> {
        let who = who.to_owned();
        Work {
            change,
            office: self,
            identity,
            now,
            who,
            notes: Vec::new(),
            kept: Kept::new(),
            has_erased: false,
        }
    }

    pub(crate) async fn close(&self) {
        self.store.close().await;
    }
}

impl Work<'_> {
    /// Writes into the audit what is being done.
    pub(crate) fn note(&mut self, what: impl Into<String>) {
        self.notes.push(Note { who: self.who.clone(), what: what.into() });
    }

    /// Something was erased: once that took effect, it leaves the database's journal too.
    pub(crate) fn has_erased(&mut self) {
        self.has_erased = true;
    }

    /// All that was done takes effect, on the disk.
    pub(crate) async fn finish(mut self) -> Result<(), Failure> {
        manager::audit(&mut self.change, self.now, &self.notes).await?;
        self.office.commit(self.change, self.now).await?;
        if self.has_erased {
            self.office.tidy();
        }
        Ok(())
    }

    /// Ends a look.
    pub(crate) async fn leave(self) -> Result<(), Failure> {
        Ok(self.change.rollback().await?)
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
