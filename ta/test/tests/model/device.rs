//! The TA that is judged: its dispatcher over the machine in memory.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard};

use proseal_proto::command::{Command, ResponseError, decode_response, encode_request};
use proseal_proto::error::Code;
use proseal_proto::id::{DeviceId, Generation, GroupId};
use proseal_proto::limit::RESPONSE_MAX;
use proseal_proto::message::{
    Admission, AdmissionReply, Erase, Events, EventsReply, Outcome, Receive, ReceiveReply, Revoke,
    Send, SendReply, Status, StatusReply, Suspend, Version, VersionReply,
};
use proseal_proto::role::Role;
use proseal_proto::test_command::{Echo, EchoReply, Install, Scope, SetFloor};
use proseal_ta::device::Ta;
use proseal_ta::sim::{Medium, Sim};
use proseal_ta_test::dispatch::dispatch;

use crate::ask::{Ask, Heard};

/// A TA over a medium that outlives it.
pub(crate) struct Device {
    medium: Arc<Mutex<Medium>>,
    ta: Ta<Sim>,
    starts: u64,
}

/// An answer as it is understood.
pub(crate) enum Actual {
    /// No response was written.
    Nothing,
    Refused(Code),
    Version(VersionReply),
    Status(StatusReply),
    Sent(SendReply),
    Received(ReceiveReply),
    Admission(AdmissionReply),
    Events(EventsReply),
    Outcome(Outcome),
    Done,
    Echo(EchoReply),
}

/// A request as octets, and the room that its response needs.
pub(crate) struct Request {
    pub(crate) number: u32,
    pub(crate) octets: Vec<u8>,
    pub(crate) room: usize,
}

impl Device {
    pub(crate) fn new() -> Self {
        let medium = Arc::<Mutex<Medium>>::default();
        let ta = Ta::new(Sim::new(Arc::clone(&medium), 1));
        Self { medium, ta, starts: 1 }
    }

    /// The TA ends, in whatever state, and starts again on the same medium.
    pub(crate) fn restart(&mut self) {
        self.starts += 1;
        self.ta = Ta::new(Sim::new(Arc::clone(&self.medium), self.starts));
    }

    pub(crate) fn medium(&self) -> MutexGuard<'_, Medium> {
        self.medium.lock().expect("no panic holds the lock")
    }

    /// The octet of the state's record, if there is a state.
    pub(crate) fn octet(&self, at: usize) -> Option<u8> {
        let medium = self.medium();
        let state = medium.object.as_ref().filter(|object| object.starts_with(b"PrSlStat"))?;
        state.get(at).copied()
    }

    /// Puts another one there.
    pub(crate) fn put_octet(&self, at: usize, octet: u8) {
        if let Some(object) = &mut self.medium().object {
            object[at] = octet;
        }
    }

    /// Octets in, octets out; an error if the TA panics.
    pub(crate) fn call(&mut self, role: Role, request: &Request) -> Result<Vec<u8>, String> {
        let mut response = Vec::with_capacity(RESPONSE_MAX);
        let Request { number, octets, room } = request;
        catch_unwind(AssertUnwindSafe(|| {
            dispatch(&mut self.ta, role, *number, octets, *room, &mut response);
        }))
        .map_err(|_| "the TA panicked".to_owned())?;
        Ok(response)
    }
}

/// `ask` on the wire; `content` are the octets of what it installs, if it does.
pub(crate) fn request(ask: &Ask, content: &[u8]) -> Request {
    let group = |id: u32| GroupId::new(id).expect("24 bits");
    let generation = |number| Generation::new(number).expect("1 to 2^48");
    match ask {
        Ask::Version => wire(&Version),
        Ask::Status => wire(&Status),
        Ask::Send { group: id, generation: number } => {
            wire(&Send { group: group(*id), generation: generation(*number) })
        }
        Ask::Receive(items) => receive(items),
        Ask::Admission { group: id, generation: number } => {
            wire(&Admission { group: group(*id), generation: generation(*number) })
        }
        Ask::Suspend { group: id, on } => wire(&Suspend { group: group(*id), on: *on }),
        Ask::Revoke { group: id, below } => {
            wire(&Revoke { group: group(*id), below: generation(*below) })
        }
        Ask::Events { since } => wire(&Events { since: *since }),
        Ask::Erase { device } => wire(&Erase { device: DeviceId(*device) }),
        Ask::Install { whole, .. } => {
            wire(&Install { scope: if *whole { Scope::Whole } else { Scope::Added }, content })
        }
        Ask::SetFloor { floor } => wire(&SetFloor { floor: *floor }),
        Ask::Echo => wire(&Echo { octets: [7; Echo::LEN] }),
    }
}

/// Octet by octet: the message could not hold a field that is out of its range.
fn receive(items: &[Heard]) -> Request {
    let mut octets = [[0, 1], (items.len() as u16).to_be_bytes()].concat();
    for Heard { group, generation, epoch } in items {
        octets.extend(&group.to_be_bytes()[1..]);
        octets.extend(generation.to_be_bytes());
        octets.extend(&epoch.sender.to_be_bytes()[1..]);
        octets.extend(epoch.ptk_id.to_be_bytes());
        octets.extend(epoch.salt);
    }
    Request { number: Receive::NUMBER, octets, room: 4 + 2 + 68 * items.len() }
}

fn wire<C: Command>(command: &C) -> Request {
    let mut octets = Vec::new();
    encode_request(command, &mut octets).expect("no request of the model is so long");
    Request { number: C::NUMBER, octets, room: command.response_max() }
}

/// What the TA has said to `ask`.
pub(crate) fn understand(ask: &Ask, octets: &[u8]) -> Result<Actual, String> {
    if octets.is_empty() {
        return Ok(Actual::Nothing);
    }
    match ask {
        Ask::Version => decode::<Version>(octets, Actual::Version),
        Ask::Status => decode::<Status>(octets, Actual::Status),
        Ask::Send { .. } => decode::<Send>(octets, Actual::Sent),
        Ask::Receive(_) => decode::<Receive>(octets, Actual::Received),
        Ask::Admission { .. } => decode::<Admission>(octets, Actual::Admission),
        Ask::Suspend { .. } => decode::<Suspend>(octets, |_| Actual::Done),
        Ask::Revoke { .. } => decode::<Revoke>(octets, |_| Actual::Done),
        Ask::Events { .. } => decode::<Events>(octets, Actual::Events),
        Ask::Erase { .. } => decode::<Erase>(octets, |_| Actual::Done),
        Ask::Install { .. } => {
            decode::<Install<'_>>(octets, |reply| Actual::Outcome(reply.outcome))
        }
        Ask::SetFloor { .. } => decode::<SetFloor>(octets, |_| Actual::Done),
        Ask::Echo => decode::<Echo>(octets, Actual::Echo),
    }
}

fn decode<C: Command>(
    octets: &[u8],
    actual: impl FnOnce(C::Reply) -> Actual,
) -> Result<Actual, String> {
    match decode_response::<C>(octets) {
        Ok(reply) => Ok(actual(reply)),
        Err(ResponseError::Refused(code)) => Ok(Actual::Refused(code)),
        Err(other) => Err(format!("not a response: {other:?}")),
    }
}
