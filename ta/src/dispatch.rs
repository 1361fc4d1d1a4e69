//! The table of commands: in which states, and who answers. Who may call each
//! is its `CALLERS`, in the table that both worlds share (`proto`'s `command`).

use alloc::vec::Vec;

use proseal_proto::codec::{Decode, Encode, Writer, decode_all};
use proseal_proto::command::{Command, Id, encode_response, request_body};
use proseal_proto::error::Code;
use proseal_proto::message::DeviceState;
use proseal_proto::role::Role;

use crate::command::{derive, info, lifecycle, packages};
use crate::device::Ta;
use crate::platform::Platform;
use crate::stack::Depth;

/// Device states that a command admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admits {
    /// Any: nothing is asked of it before the handler.
    Any,
    /// Only one that is not in use.
    Factory,
    /// All but a damaged one.
    Intact,
    /// Only one in use.
    Enrolled,
}

/// Which build of the TA this is, as `version` reports it.
#[derive(Clone, Copy)]
pub struct Build(pub u8);

/// Whether a product command looks at the time, for [`Ta::begin_call`].
#[must_use]
pub fn looks_at_time(number: u32) -> bool {
    Id::try_from(number).is_ok_and(|id| !matches!(id, Id::Version | Id::Erase))
}

/// How deep a command goes on the stack. Nobody else's number goes deep.
#[must_use]
pub fn depth(number: u32) -> Depth {
    match Id::try_from(number) {
        Ok(Id::Statement | Id::Enrol | Id::Import) => Depth::Signed,
        _ => Depth::Usual,
    }
}

/// Answers a product command. `response` is left with exactly one response;
/// with none, and nothing done, if that might not fit into the `room` that
/// the caller has for it.
pub fn dispatch<P: Platform>(
    ta: &mut Ta<P>,
    build: Build,
    role: Role,
    number: u32,
    request: &[u8],
    room: usize,
    response: &mut Vec<u8>,
) {
    let mut call = Call { ta, role, request, room, response };
    match Id::try_from(number) {
        Err(code) => call.refuse(code),
        Ok(id) => match id {
            Id::Version => call.run(Admits::Any, |ta, r| info::version(ta, build.0, r)),
            Id::Statement => call.run(Admits::Any, packages::statement),
            Id::Enrol => call.run(Admits::Factory, packages::enrol),
            Id::Import => call.run(Admits::Enrolled, packages::import),
            Id::Status => call.run(Admits::Any, info::status),
            Id::Send => call.run(Admits::Enrolled, derive::send),
            Id::Receive => call.write(Admits::Enrolled, derive::receive),
            Id::Admission => call.run(Admits::Enrolled, derive::admission),
            Id::Suspend => call.run(Admits::Enrolled, |ta, r| lifecycle::suspend(ta, role, &r)),
            Id::Revoke => call.run(Admits::Enrolled, lifecycle::revoke),
            Id::Events => call.run(Admits::Enrolled, lifecycle::events),
            Id::Erase => call.run(Admits::Any, lifecycle::erase),
        },
    }
}

/// One request on its way to its handler, and the response on its way back.
pub struct Call<'a, P> {
    /// The instance.
    pub ta: &'a mut Ta<P>,
    /// Who calls.
    pub role: Role,
    /// The request, copied from the caller's memory once.
    pub request: &'a [u8],
    /// Octets that the caller has for the response.
    pub room: usize,
    /// Where the response goes.
    pub response: &'a mut Vec<u8>,
}

impl<'a, P: Platform> Call<'a, P> {
    /// Checks the role, decodes, checks the room and the device's state,
    /// handles, encodes.
    pub fn run<C>(
        &mut self,
        admits: Admits,
        handle: impl FnOnce(&mut Ta<P>, C) -> Result<C::Reply, Code>,
    ) where
        C: Command + Decode<'a>,
    {
        self.write(admits, |ta, request: C, reply| Ok(handle(ta, request)?.encode(reply)?));
    }

    /// The same for a handler that writes its reply, a `C::Reply`, itself.
    pub fn write<C>(
        &mut self,
        admits: Admits,
        handle: impl FnOnce(&mut Ta<P>, C, &mut Writer<'_>) -> Result<(), Code>,
    ) where
        C: Command + Decode<'a>,
    {
        let request: C = match self.decode() {
            Ok(request) => request,
            Err(code) => return self.refuse(code),
        };
        // Before anything is done whose answer would be lost.
        if request.response_max() > self.room {
            self.ta.count_refusal();
            return self.response.clear();
        }
        if let Err(code) = self.admit(admits) {
            return self.refuse(code);
        }
        if encode_response(self.response, |reply| handle(self.ta, request, reply)).is_err() {
            self.ta.count_refusal();
        }
    }

    /// Answers with a refusal, and counts it.
    pub fn refuse(&mut self, code: Code) {
        self.ta.count_refusal();
        // The code is the response.
        let _refused = encode_response(self.response, |_| Err(code));
    }

    fn decode<C: Command + Decode<'a>>(&self) -> Result<C, Code> {
        let body = request_body(self.request)?;
        if !C::CALLERS.contains(&self.role) {
            return Err(Code::NotPermitted);
        }
        Ok(decode_all(body)?)
    }

    fn admit(&mut self, admits: Admits) -> Result<(), Code> {
        if admits == Admits::Any {
            return Ok(());
        }
        match self.ta.look()? {
            DeviceState::Enrolled if admits == Admits::Factory => Err(Code::WrongState),
            DeviceState::Enrolled => {
                if admits == Admits::Enrolled {
                    self.ta.checkpoint();
                }
                Ok(())
            }
            DeviceState::Factory if admits == Admits::Enrolled => Err(Code::WrongState),
            DeviceState::Factory => Ok(()),
            DeviceState::Damaged => Err(Code::Damaged),
        }
    }
}
