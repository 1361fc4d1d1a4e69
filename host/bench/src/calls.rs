//! The calls that are measured, each behind its name. A new one is a variant,
//! its name and how it is made.

use std::time::{Duration, Instant};

use optee_teec::{Context, Operation, ParamNone, Session, Uuid};
use proseal_client::tee::Tee;
use proseal_client::{Application, Client, Opener};
use proseal_proto::command::Command;
use proseal_proto::limit::BATCH;
use proseal_proto::message::{
    Erase, Events, GetStatement, Import, Outcome, Receive, Revoke, Send, Status, Suspend,
};
use proseal_proto::role::Role;
use proseal_proto::test_command::{EMPTY_UUID, Echo, Install, Scope, UUID};

use crate::dice::Dice;
use crate::manager::Manager;
use crate::pkcs11::Pkcs11;
use crate::waiter::Waiter;
use crate::{Result, content, nanoseconds};

/// So many imports in a row do not all end before the derive that is to meet
/// them begins.
const ATTEMPTS: usize = 20;

/// A call that is measured.
#[derive(Clone, Copy)]
pub(crate) enum Call {
    /// The empty TA, no parameters.
    Empty,
    /// Our TA: the shape of a derive, and no work.
    Memref,
    /// `receive` of one.
    Derive,
    /// `receive` of as many as one call can ask for.
    Batch,
    /// `send`: a new epoch.
    DeriveSend,
    /// A session of our TA, which is loaded: context and session.
    SessionOpen,
    /// The same as our client opens it, with the memory that it keeps.
    SessionReady,
    /// IK and CK as OP-TEE's PKCS#11 TA would make them.
    Pkcs11Derive,
    /// One write of the state.
    StoreWrite,
    /// What the device holds.
    Status,
    /// What has happened to it.
    Events,
    /// Deriving stops in a group: one write.
    Suspend,
    /// A PGK ends: two writes.
    Revoke,
    /// What the device says of itself, signed.
    Statement,
    /// A package is applied: two verifications, one agreement, one write, and
    /// a statement.
    Import,
    /// `receive` of one, by another session at some moment of an import.
    DeriveWaiting,
}

impl Call {
    /// The short ones, made in every round.
    pub(crate) const SHORT: &'static [Self] =
        &[Self::Empty, Self::Memref, Self::Derive, Self::Batch, Self::DeriveSend];
    /// Those that take many times as long, made in some rounds.
    pub(crate) const LONG: &'static [Self] = &[
        Self::SessionOpen,
        Self::SessionReady,
        Self::Pkcs11Derive,
        Self::StoreWrite,
        Self::Status,
        Self::Events,
        Self::Suspend,
        Self::Revoke,
        Self::Statement,
        Self::Import,
        Self::DeriveWaiting,
    ];

    /// What is called right before it, unmeasured: a call is slower after one
    /// to another TA, and what it costs in a row is asked for. Before `send`
    /// it is another, or each write of a reservation would fall to it; before a
    /// derive that waits it is one that does not.
    pub(crate) const fn warm_up(self) -> Self {
        match self {
            Self::DeriveSend | Self::DeriveWaiting => Self::Derive,
            other => other,
        }
    }

    /// The figure that it becomes.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Empty => "call_empty",
            Self::Memref => "call_memref",
            Self::Derive => "derive",
            Self::Batch => "batch64",
            Self::DeriveSend => "derive_send",
            Self::SessionOpen => "session_open",
            Self::SessionReady => "session_ready",
            Self::Pkcs11Derive => "pkcs11_derive",
            Self::StoreWrite => "store_write",
            Self::Status => "status",
            Self::Events => "events",
            Self::Suspend => "suspend",
            Self::Revoke => "revoke",
            Self::Statement => "statement",
            Self::Import => "import",
            Self::DeriveWaiting => "derive_waiting",
        }
    }
}

/// Open sessions of all that is called.
pub(crate) struct Calls {
    empty: Session,
    /// Without the thread that bounds calls in time (`client::timed`).
    client: Client,
    pkcs11: Pkcs11,
    manager: Manager,
    waiter: Waiter,
    dice: Dice,
    /// How long the last import took.
    import: Duration,
    /// Of the last content.
    sequence: u64,
    /// Of the last epoch received.
    ptk_id: u16,
}

impl Calls {
    /// Opens all sessions, on a device that is enrolled and holds
    /// [`content::state`].
    pub(crate) fn prepare() -> Result<Self> {
        let empty = Context::new()?.open_session(Uuid::parse_str(EMPTY_UUID)?)?;
        let mut client = Client::new(Tee::new(Application::new(UUID)));
        let device = client.call(&Status)?.device;
        client.call(&Erase { device })?;
        let manager = Manager::enrol(&mut client)?;
        let mut calls = Self {
            empty,
            client,
            pkcs11: Pkcs11::open()?,
            manager,
            waiter: Waiter::start(),
            dice: Dice::new(),
            import: Duration::ZERO,
            sequence: 0,
            ptk_id: 0,
        };
        calls.make(Call::Import)?;
        // Opens that session.
        calls.make(Call::DeriveWaiting)?;
        Ok(calls)
    }

    /// Makes one call; its nanoseconds. The client's own encoding, decoding
    /// and wiping are in them, what a caller prepares is not.
    pub(crate) fn make(&mut self, call: Call) -> Result<u64> {
        match call {
            Call::Empty => {
                let mut operation = Operation::new(0, ParamNone, ParamNone, ParamNone, ParamNone);
                let start = Instant::now();
                self.empty.invoke_command(0, &mut operation)?;
                Ok(nanoseconds(start))
            }
            Call::Memref => {
                let request = Echo { octets: [7; Echo::LEN] };
                let start = Instant::now();
                self.client.call(&request)?;
                Ok(nanoseconds(start))
            }
            Call::Derive => self.receive(1),
            Call::Batch => self.receive(BATCH),
            Call::DeriveSend => {
                let request = Send { group: content::GROUP, generation: content::GENERATION };
                let start = Instant::now();
                let _epoch = self.client.call(&request)?;
                Ok(nanoseconds(start))
            }
            Call::SessionOpen => {
                let uuid = Uuid::parse_str(UUID)?;
                let start = Instant::now();
                let session = Context::new()?.open_session(uuid)?;
                let taken = nanoseconds(start);
                drop(session);
                Ok(taken)
            }
            Call::SessionReady => {
                let start = Instant::now();
                let session = Tee::new(Application::new(UUID)).open(Role::Daemon)?;
                let taken = nanoseconds(start);
                drop(session);
                Ok(taken)
            }
            Call::Pkcs11Derive => {
                let start = Instant::now();
                let _keys = [self.pkcs11.hmac(b"IK")?, self.pkcs11.hmac(b"CK")?];
                Ok(nanoseconds(start))
            }
            Call::StoreWrite => {
                self.sequence += 1;
                let content = content::octets(self.manager.device(), self.sequence);
                self.install(Scope::Whole, &content)
            }
            Call::Status => self.timed(&Status),
            Call::Events => self.timed(&Events { since: 0 }),
            Call::Suspend => {
                let suspend = Suspend { group: content::GROUP, on: true };
                let taken = self.timed(&suspend)?;
                self.timed(&Suspend { on: false, ..suspend })?;
                Ok(taken)
            }
            Call::Revoke => {
                self.sequence += 1;
                let content = content::octets_to_revoke(self.manager.device(), self.sequence);
                self.install(Scope::Added, &content)?;
                let below = content::generation(self.sequence + 1);
                self.timed(&Revoke { group: content::REVOKED, below })
            }
            Call::Statement => self.timed(&GetStatement { nonce: [0x0e; 32] }),
            Call::Import => {
                let package = self.package()?;
                self.import(&package)
            }
            Call::DeriveWaiting => self.derive_during_import(),
        }
    }

    fn receive(&mut self, epochs: usize) -> Result<u64> {
        let items = (0..epochs).map(|_| {
            self.ptk_id = self.ptk_id % u16::MAX + 1;
            content::epoch(self.ptk_id)
        });
        let request = Receive { items: items.collect() };
        let start = Instant::now();
        let reply = self.client.call(&request)?;
        let taken = nanoseconds(start);
        if reply.items.len() == epochs && reply.items.iter().all(std::result::Result::is_ok) {
            Ok(taken)
        } else {
            Err("receive did not derive".into())
        }
    }

    fn timed<C: Command>(&mut self, command: &C) -> Result<u64> {
        let start = Instant::now();
        let _reply = self.client.call(command)?;
        Ok(nanoseconds(start))
    }

    fn install(&mut self, scope: Scope, content: &[u8]) -> Result<u64> {
        let start = Instant::now();
        let outcome = self.client.call(&Install { scope, content })?.outcome;
        let taken = nanoseconds(start);
        if outcome == Outcome::Applied { Ok(taken) } else { Err(outcome.name().into()) }
    }
    fn package(&mut self) -> Result<Vec<u8>> {
        self.sequence += 1;
        self.manager.package(self.sequence)
    }

    fn import(&mut self, octets: &[u8]) -> Result<u64> {
        let start = Instant::now();
        let outcome = self.client.call(&Import { octets })?.outcome;
        let taken = nanoseconds(start);
        self.import = Duration::from_nanos(taken);
        if outcome == Outcome::Applied { Ok(taken) } else { Err(outcome.name().into()) }
    }

    fn derive_during_import(&mut self) -> Result<u64> {
        for _ in 0..ATTEMPTS {
            let package = self.package()?;
            let share = u32::try_from(self.dice.below(1000))?;
            self.waiter.derive_after(self.import * share / 1000)?;
            let start = Instant::now();
            self.import(&package)?;
            let end = Instant::now();
            let derived = self.waiter.derived()?;
            if (start..end).contains(&derived.began) {
                return Ok(derived.taken);
            }
        }
        Err("no derive met an import".into())
    }
}
