//! The test build's table of commands, in front of the product's.

use alloc::vec::Vec;

use proseal_proto::content::Content;
use proseal_proto::error::Code;
use proseal_proto::message::{Done, VersionReply};
use proseal_proto::role::Role;
use proseal_proto::test_command::{
    BlockReply, Echo, EchoReply, GcmOpen, Hkdf, HkdfReply, Hmac, HpkeOpen, Install, InstallReply,
    Kdf, Marks, MarksReply, OpenReply, Panic, Scope, SetFloor, TestId,
};
use proseal_ta::apply::{self, Whole};
use proseal_ta::device::Ta;
use proseal_ta::dispatch::{self, Admits, Build, Call};
use proseal_ta::platform::Platform;
use proseal_ta::{gcm, hpke, kdf};

use crate::marks::{Agree, Gauge};

/// Whether a command looks at the time, as [`dispatch::looks_at_time`] says.
#[must_use]
pub fn looks_at_time(number: u32) -> bool {
    dispatch::looks_at_time(number)
        || [TestId::Install.number(), TestId::SetFloor.number()].contains(&number)
}

/// Answers a command of the test build, as [`dispatch::dispatch`] does.
pub fn dispatch<P: Platform + Gauge + Agree>(
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
            TestId::HpkeOpen => call.run(Admits::Any, hpke_open),
        },
    }
}

/// The content is added to what is held: so tests bring one key after the other.
enum Added {}

impl apply::Scope for Added {
    const IS_WHOLE: bool = false;
}

fn install<P: Platform>(ta: &mut Ta<P>, request: Install<'_>) -> Result<InstallReply, Code> {
    let nonce = ta.start_nonce()?;
    let digest = apply::digest(request.content);
    let outcome = ta.commit_over(|state, held| {
        let content = Content::parse(request.content)?;
        if content.device != state.device {
            return Err(Code::WrongDevice);
        }
        match apply::order(state, content.sequence, &digest)? {
            Some(outcome) => Ok(outcome),
            None => match request.scope {
                Scope::Whole => apply::apply::<Whole>(state, held, &content, digest, &nonce),
                Scope::Added => apply::apply::<Added>(state, held, &content, digest, &nonce),
            },
        }
    })?;
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

fn gcm_open<P: Platform>(_: &mut Ta<P>, request: GcmOpen<'_>) -> Result<OpenReply, Code> {
    let mut sealed = request.sealed.to_vec();
    let text = gcm::open(&request.key, &request.nonce, request.aad, &mut sealed);
    Ok(OpenReply { text: text.ok().map(|text| text.to_vec()) })
}

fn hpke_open<P: Platform + Agree>(
    ta: &mut Ta<P>,
    request: HpkeOpen<'_>,
) -> Result<OpenReply, Code> {
    let HpkeOpen { private, public, encapsulated, info, aad, sealed } = request;
    if !hpke::is_good_key(&encapsulated) {
        return Ok(OpenReply { text: None });
    }
    let mut agreed = [0; hpke::KEY];
    ta.platform().agree_by((&private, &public), &encapsulated, &mut agreed)?;
    let (encapsulated, recipient) = (&encapsulated, &public);
    let seal = hpke::Sealed { agreed: &agreed, encapsulated, recipient, info, aad };
    let mut sealed = sealed.to_vec();
    let text = hpke::open(&seal, &mut sealed);
    Ok(OpenReply { text: text.ok().map(|text| text.to_vec()) })
}
