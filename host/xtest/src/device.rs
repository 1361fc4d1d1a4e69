//! The TA's commands as cases call them.

use std::time::Duration;

use proseal_client::Error;
use proseal_proto::content::{Content, Group};
use proseal_proto::error::Code;
use proseal_proto::id::DeviceId;
use proseal_proto::key::{AdmissionKey, KeyPair};
use proseal_proto::message::{
    Admission, DeviceState, Erase, GroupStatus, Outcome, Receive, ReceiveItem, Send, SendReply,
    Status, StatusReply,
};
use proseal_proto::test_command::{Install, Scope};

use crate::case::{Stop, Verdict};
use crate::check::Context;
use crate::fixture;

/// How long powered time passes at most for what needs more than one second of it, and
/// between two looks.
const PASSING: Duration = Duration::from_secs(2);
const STEP: Duration = Duration::from_millis(100);

/// A status but for what time and refusals change.
pub(crate) fn lasting(status: &StatusReply) -> StatusReply {
    StatusReply { floor: 0, unsynced_s: 0, refusals: 0, ..status.clone() }
}

impl Context {
    /// The floor is what a content has set, and the time since.
    #[track_caller]
    pub(crate) fn floor_since(&mut self, floor: u64, set: u64) {
        let fact = format!("a floor of {floor} is {set} and at most two minutes");
        self.that(&fact, (set..=set + 120).contains(&floor));
    }

    /// What a case left on the device for after a restart is not there any more.
    #[track_caller]
    pub(crate) fn void_what_was_left(&mut self) -> Verdict {
        if self.state_file.exists() {
            let removed = std::fs::remove_file(&self.state_file);
            self.ok("removing the state file of an earlier run", removed)?;
        }
        Ok(())
    }

    /// Makes the device factory again, whatever it was: without an identity.
    #[track_caller]
    pub(crate) fn fresh(&mut self) -> Verdict {
        self.void_what_was_left()?;
        let status = self.status()?;
        if status.state == DeviceState::Factory && status.device == DeviceId::NONE {
            return Ok(());
        }
        let erased = self.erase(status.device);
        self.ok("erase", erased)
    }

    /// The device that `content` alone was installed on, for cases that change nothing:
    /// the one that there is, or one that is made anew.
    #[track_caller]
    pub(crate) fn with_content(&mut self, content: &Content<'_>) -> Verdict {
        if self.is_as_installed(content)? {
            return self.void_what_was_left();
        }
        self.fresh()?;
        self.applied(Scope::Whole, content)
    }

    #[track_caller]
    fn is_as_installed(&mut self, content: &Content<'_>) -> Result<bool, Stop> {
        let status = self.status()?;
        let is_held = |(held, wanted): (&GroupStatus, &Group<'_>)| {
            held.group == wanted.group && !held.suspended && held.pgks.len() == wanted.pgks.len()
        };
        let may_be = status.state == DeviceState::Enrolled
            && (status.device, status.sequence) == (content.device, content.sequence)
            && status.groups.len() == content.groups.len()
            && status.groups.iter().zip(&content.groups).all(is_held);
        Ok(may_be && matches!(self.install(Scope::Whole, content), Ok(Outcome::Same)))
    }

    /// `status`, which nothing refuses.
    #[track_caller]
    pub(crate) fn status(&mut self) -> Result<StatusReply, Stop> {
        let status = self.ta.call(&Status);
        self.ok("status", status)
    }

    /// Powered time passes until the status is as it must be, or for two seconds; the status
    /// then. What the TA counts are whole seconds, which need not pass from their start.
    #[track_caller]
    pub(crate) fn passed_until(
        &mut self,
        is_so: impl Fn(&StatusReply) -> bool,
    ) -> Result<StatusReply, Stop> {
        for _ in 0..PASSING.as_millis() / STEP.as_millis() {
            let status = self.status()?;
            if is_so(&status) {
                return Ok(status);
            }
            self.target.pass(STEP);
        }
        self.status()
    }

    /// `erase`.
    pub(crate) fn erase(&mut self, device: DeviceId) -> Result<(), Error> {
        self.ta.call(&Erase { device }).map(drop)
    }

    /// `install`.
    pub(crate) fn install(
        &mut self,
        scope: Scope,
        content: &Content<'_>,
    ) -> Result<Outcome, Error> {
        self.install_octets(scope, &fixture::encoded(content))
    }

    /// `install` of octets that may not be a content.
    pub(crate) fn install_octets(
        &mut self,
        scope: Scope,
        content: &[u8],
    ) -> Result<Outcome, Error> {
        self.ta.call(&Install { scope, content }).map(|reply| reply.outcome)
    }

    /// `send`.
    pub(crate) fn send(&mut self, group: u32, generation: u64) -> Result<SendReply, Error> {
        let (group, generation) = (fixture::group_id(group), fixture::generation(generation));
        self.ta.call(&Send { group, generation })
    }

    /// `admission`.
    pub(crate) fn admission(&mut self, group: u32, generation: u64) -> Result<AdmissionKey, Error> {
        let (group, generation) = (fixture::group_id(group), fixture::generation(generation));
        self.ta.call(&Admission { group, generation }).map(|reply| reply.key)
    }

    /// `receive`.
    pub(crate) fn receive(
        &mut self,
        items: Vec<ReceiveItem>,
    ) -> Result<Vec<Result<KeyPair, Code>>, Error> {
        self.ta.call(&Receive { items }).map(|reply| reply.items)
    }

    /// `receive` of one epoch whose keys are needed to go on.
    #[track_caller]
    pub(crate) fn receive_one(&mut self, item: ReceiveItem) -> Result<KeyPair, Stop> {
        let reply = self.receive(vec![item]);
        let mut items = self.ok("receive", reply)?;
        let only = items.pop().filter(|_| items.is_empty());
        let keys = self.some("one item for one item", only)?;
        self.ok("the item", keys)
    }

    /// A content that must come in whole.
    #[track_caller]
    pub(crate) fn applied(&mut self, scope: Scope, content: &Content<'_>) -> Verdict {
        let outcome = self.install(scope, content);
        let outcome = self.ok("install", outcome)?;
        if self.equal("outcome", outcome, Outcome::Applied) { Ok(()) } else { Err(Stop::Failed) }
    }

    /// A content that must be refused with `code`, and change nothing.
    #[track_caller]
    pub(crate) fn refused_content(&mut self, scope: Scope, content: &Content<'_>, code: Code) {
        self.refused_octets(scope, &fixture::encoded(content), code);
    }

    /// Octets that must be refused with `code`, and change nothing.
    #[track_caller]
    pub(crate) fn refused_octets(&mut self, scope: Scope, content: &[u8], code: Code) {
        let Ok(before) = self.status() else { return };
        let outcome = self.install_octets(scope, content);
        self.refused("install", outcome, code);
        let Ok(after) = self.status() else { return };
        self.that("a refused content changes nothing", lasting(&before) == lasting(&after));
        self.that("the floor has not fallen", after.floor >= before.floor);
    }

    /// Whether the device holds nothing.
    #[track_caller]
    pub(crate) fn is_factory(&mut self) -> Verdict {
        let status = self.status()?;
        self.equal("device state", status.state, DeviceState::Factory);
        self.equal("groups", status.groups.len(), 0);
        Ok(())
    }
}
