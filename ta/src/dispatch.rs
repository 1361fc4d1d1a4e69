//! The table of commands: what each admits, and who answers.

use alloc::vec::Vec;

use proseal_proto::codec::{Decode, decode_all};
use proseal_proto::command::{Command, Id, encode_response, request_body};
use proseal_proto::error::Code;
use proseal_proto::message::DeviceState;

use crate::command::{derive, info, lifecycle};
use crate::device::Ta;
use crate::platform::Platform;

/// Device states that a command admits.
pub type Admits = &'static [DeviceState];
/// Any device state.
pub const ANY: Admits = &[DeviceState::Factory, DeviceState::Enrolled, DeviceState::Damaged];
/// Only a device in use.
pub const ENROLLED: Admits = &[DeviceState::Enrolled];

/// Which build of the TA this is, as `version` reports it.
#[derive(Clone, Copy)]
pub struct Build(pub u8);

/// Answers a product command. `response` is left with exactly one response.
pub fn dispatch<P: Platform>(
    ta: &mut Ta<P>,
    build: Build,
    number: u32,
    request: &[u8],
    response: &mut Vec<u8>,
) {
    let mut call = Call { ta, request, response };
    match Id::try_from(number) {
        Err(code) => call.refuse(code),
        Ok(id) => match id {
            Id::Version => call.run(ANY, |ta, r| info::version(ta, build.0, r)),
            Id::Status => call.run(ANY, info::status),
            Id::Send => call.run(ENROLLED, derive::send),
            Id::Receive => call.run(ENROLLED, derive::receive),
            Id::Erase => call.run(ANY, lifecycle::erase),
        },
    }
}

/// One request on its way to its handler, and the response on its way back.
pub struct Call<'a, P> {
    /// The instance.
    pub ta: &'a mut Ta<P>,
    /// The request, copied from the caller's memory once.
    pub request: &'a [u8],
    /// Where the response goes.
    pub response: &'a mut Vec<u8>,
}

impl<'a, P: Platform> Call<'a, P> {
    /// Decodes, checks the device's state, handles, encodes.
    pub fn run<C>(
        &mut self,
        admits: Admits,
        handle: impl FnOnce(&mut Ta<P>, C) -> Result<C::Reply, Code>,
    ) where
        C: Command + Decode<'a>,
    {
        let request = request_body(self.request).and_then(|body| Ok(decode_all(body)?));
        match request.and_then(|request| self.admit(admits).map(|()| request)) {
            Err(code) => self.refuse(code),
            Ok(request) => match handle(self.ta, request) {
                Ok(reply) => encode_response(Ok(&reply), self.response),
                Err(code) => self.refuse(code),
            },
        }
    }

    /// Answers with a refusal, and counts it.
    pub fn refuse(&mut self, code: Code) {
        self.ta.count_refusal();
        encode_response::<proseal_proto::message::Done>(Err(code), self.response);
    }

    fn admit(&mut self, admits: Admits) -> Result<(), Code> {
        // A command that any state admits does not touch the store for it.
        if admits.len() == ANY.len() {
            return Ok(());
        }
        match self.ta.device_state()? {
            state if admits.contains(&state) => Ok(()),
            DeviceState::Damaged => Err(Code::Damaged),
            DeviceState::Factory | DeviceState::Enrolled => Err(Code::WrongState),
        }
    }
}
