//! The test build's table of commands, in front of the product's.

use alloc::vec::Vec;

use proseal_proto::error::Code;
use proseal_proto::message::{Done, VersionReply};
use proseal_proto::role::Role;
use proseal_proto::test_command::{
    BlockReply, Echo, EchoReply, GcmOpen, GcmOpenReply, Hkdf, HkdfReply, Hmac, Install,
    InstallReply, Kdf, Marks, MarksReply, Panic, SetFloor, TestId,
};
use proseal_ta::apply::apply;
use proseal_ta::device::Ta;
use proseal_ta::dispatch::{self, Admits, Build, Call};
use proseal_ta::platform::Platform;
use proseal_ta::{gcm, kdf};

use crate::marks::Gauge;

/// Whether a command looks at the time, as [`dispatch::looks_at_time`] says.
#[must_use]
pub fn looks_at_time(number: u32) -> bool {
    dispatch::looks_at_time(number)
        || [TestId::Install.number(), TestId::SetFloor.number()].contains(&number)
}

/// Answers a command of the test build, as [`dispatch::dispatch`] does.
pub fn dispatch<P: Platform + Gauge>(
    ta: &mut Ta<P>,
    role: Role,
    number: u32,
    request: &[u8],
    room: usize,
    response: &mut Vec<u8>,
) {
    if number < TestId::FIRST {
        let build = Build(VersionReply::TEST_BUILD);
        return dispatch::dispatch(ta, build, role, number, request, room, response);
    }
    let mut call = Call { ta, role, request, room, response };
    match TestId::try_from(number) {
        Err(code) => call.refuse(code),
        Ok(id) => match id {
            TestId::Install => call.run(Admits::Intact, install),
            TestId::SetFloor => call.run(Admits::Enrolled, set_floor),
            TestId::Panic => call.run(Admits::Any, panic),
            TestId::Marks => call.run(Admits::Any, marks),
            TestId::Hkdf => call.run(Admits::Any, hkdf),
            TestId::Echo => call.run(Admits::Any, echo),
            TestId::Hmac => call.run(Admits::Any, hmac),
            TestId::Kdf => call.run(Admits::Any, kdf_of_3gpp),
            TestId::GcmOpen => call.run(Admits::Any, gcm_open),
        },
    }
}

fn install<P: Platform>(ta: &mut Ta<P>, request: Install<'_>) -> Result<InstallReply, Code> {
    let nonce = ta.start_nonce()?;
    let Install { scope, content } = request;
    let outcome = ta.commit_over(|state, held| apply(state, held, content, scope, &nonce))?;
    Ok(InstallReply { outcome })
}

fn set_floor<P: Platform>(ta: &mut Ta<P>, request: SetFloor) -> Result<Done, Code> {
    ta.commit(|state| {
        state.floor = state.floor.max(request.floor);
        state.drop_ended();
        Ok(Done)
    })
}

/// By a Rust panic, so that the panic handler's line is on the secure console.
#[expect(clippy::panic, reason = "what a fault does to the TA's callers is to be seen")]
fn panic<P: Platform>(_: &mut Ta<P>, _: Panic) -> Result<Done, Code> {
    panic!("asked for by the test command")
}

fn marks<P: Platform + Gauge>(ta: &mut Ta<P>, _: Marks) -> Result<MarksReply, Code> {
    Ok(ta.platform().marks())
}

fn hkdf<P: Platform>(_: &mut Ta<P>, request: Hkdf<'_>) -> Result<HkdfReply, Code> {
    let mut okm = alloc::vec![0; usize::from(request.len)];
    kdf::hkdf(request.salt, request.ikm, request.info, &mut okm)?;
    Ok(HkdfReply { okm })
}

fn echo<P: Platform>(_: &mut Ta<P>, request: Echo) -> Result<EchoReply, Code> {
    let mut octets = [0; EchoReply::LEN];
    let (head, _) = octets.split_first_chunk_mut().ok_or(Code::Internal)?;
    *head = request.octets;
    Ok(EchoReply { octets })
}

fn hmac<P: Platform>(_: &mut Ta<P>, request: Hmac<'_>) -> Result<BlockReply, Code> {
    let mut octets = [0; BlockReply::LEN];
    kdf::hmac_sha256(request.key, request.message, &mut octets)?;
    Ok(BlockReply { octets })
}

fn kdf_of_3gpp<P: Platform>(_: &mut Ta<P>, request: Kdf<'_>) -> Result<BlockReply, Code> {
    let mut octets = [0; BlockReply::LEN];
    kdf::ts33220(request.key, request.fc, &request.parameters, &mut octets)?;
    Ok(BlockReply { octets })
}

fn gcm_open<P: Platform>(_: &mut Ta<P>, request: GcmOpen<'_>) -> Result<GcmOpenReply, Code> {
    let mut sealed = request.sealed.to_vec();
    let text = gcm::open(&request.key, &request.nonce, request.aad, &mut sealed);
    Ok(GcmOpenReply { text: text.ok().map(|text| text.to_vec()) })
}
