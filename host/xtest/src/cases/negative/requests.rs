//! 2000: for each command, what is not its request, and how much of the
//! response memory it touches.

use proseal_proto::codec::Encode;
use proseal_proto::command::{Command, Id, RESPONSE_HEAD, encode_request};
use proseal_proto::error::Code;
use proseal_proto::id::DeviceId;
use proseal_proto::limit::{BATCH, REQUEST_MAX, RESPONSE_MAX};
use proseal_proto::message::{
    Admission, Enrol, Erase, Events, GetStatement, Import, Receive, Revoke, Send, Status, Suspend,
    Version,
};
use proseal_proto::test_command::{
    Echo, GcmOpen, Hkdf, HkdfReply, Hmac, HpkeOpen, Install, Kdf, Marks, Panic, Scope, SetFloor,
    TestId,
};

use super::{case, content};
use crate::case::{Case, Stop, Verdict};
use crate::check::Context;
use crate::fixture::{self, GROUP, OTHER};
use crate::ioctl::{PARAMS, Param, Refusal, kind};
use crate::line::Line;

const VERSION: u32 = Id::Version.number();
const STATEMENT: u32 = Id::Statement.number();
const ENROL: u32 = Id::Enrol.number();
const IMPORT: u32 = Id::Import.number();
const STATUS: u32 = Id::Status.number();
const SEND: u32 = Id::Send.number();
const RECEIVE: u32 = Id::Receive.number();
const ADMISSION: u32 = Id::Admission.number();
const SUSPEND: u32 = Id::Suspend.number();
const REVOKE: u32 = Id::Revoke.number();
const EVENTS: u32 = Id::Events.number();
const ERASE: u32 = Id::Erase.number();
const INSTALL: u32 = TestId::Install.number();
const SET_FLOOR: u32 = TestId::SetFloor.number();
const PANIC: u32 = TestId::Panic.number();
const MARKS: u32 = TestId::Marks.number();
const HKDF: u32 = TestId::Hkdf.number();
const ECHO: u32 = TestId::Echo.number();
const HMAC: u32 = TestId::Hmac.number();
const KDF: u32 = TestId::Kdf.number();
const GCM_OPEN: u32 = TestId::GcmOpen.number();
const HPKE_OPEN: u32 = TestId::HpkeOpen.number();

pub(super) const CASES: &[Case] = &[
    case(2101, "version cut anywhere is truncated", truncated::<VERSION>),
    case(2102, "status cut anywhere is truncated", truncated::<STATUS>),
    case(2103, "send cut anywhere is truncated", truncated::<SEND>),
    case(2104, "receive cut anywhere is truncated", truncated::<RECEIVE>),
    case(2105, "erase cut anywhere is truncated", truncated::<ERASE>),
    case(2106, "install without its scope is truncated, and its content cut is malformed", cut),
    case(2107, "panic cut anywhere is truncated, and nothing panics", truncated::<PANIC>),
    case(2108, "marks cut anywhere is truncated", truncated::<MARKS>),
    case(2109, "hkdf cut anywhere is truncated", truncated::<HKDF>),
    case(2110, "echo cut anywhere is truncated", truncated::<ECHO>),
    case(2111, "suspend cut anywhere is truncated", truncated::<SUSPEND>),
    case(2112, "revoke cut anywhere is truncated", truncated::<REVOKE>),
    case(2113, "events cut anywhere is truncated", truncated::<EVENTS>),
    case(2114, "set floor cut anywhere is truncated", truncated::<SET_FLOOR>),
    case(2115, "admission cut anywhere is truncated", truncated::<ADMISSION>),
    case(2116, "hmac cut anywhere is truncated", truncated::<HMAC>),
    case(2117, "kdf cut anywhere is truncated", truncated::<KDF>),
    case(2118, "gcm open cut anywhere is truncated", truncated::<GCM_OPEN>),
    case(2119, "statement cut anywhere is truncated", truncated::<STATEMENT>),
    case(2120, "enrol cut anywhere is truncated", truncated::<ENROL>),
    case(2121, "hpke open cut anywhere is truncated", truncated::<HPKE_OPEN>),
    case(2201, "octets after version are trailing", trailing::<VERSION>),
    case(2202, "octets after status are trailing", trailing::<STATUS>),
    case(2203, "octets after send are trailing", trailing::<SEND>),
    case(2204, "octets after receive are trailing", trailing::<RECEIVE>),
    case(2205, "octets after erase are trailing", trailing::<ERASE>),
    case(2206, "octets after the content of install are malformed", trailing_content),
    case(2207, "octets after panic are trailing, and nothing panics", trailing::<PANIC>),
    case(2208, "octets after marks are trailing", trailing::<MARKS>),
    case(2209, "octets after hkdf are trailing", trailing::<HKDF>),
    case(2210, "octets after echo are trailing", trailing::<ECHO>),
    case(2211, "octets after suspend are trailing", trailing::<SUSPEND>),
    case(2212, "octets after revoke are trailing", trailing::<REVOKE>),
    case(2213, "octets after events are trailing", trailing::<EVENTS>),
    case(2214, "octets after set floor are trailing", trailing::<SET_FLOOR>),
    case(2215, "octets after admission are trailing", trailing::<ADMISSION>),
    case(2216, "octets after hmac are trailing", trailing::<HMAC>),
    case(2217, "octets after kdf are trailing", trailing::<KDF>),
    case(2218, "octets after gcm open are trailing", trailing::<GCM_OPEN>),
    case(2219, "octets after statement are trailing", trailing::<STATEMENT>),
    case(2220, "octets after enrol are trailing", trailing::<ENROL>),
    case(2221, "octets after hpke open are trailing", trailing::<HPKE_OPEN>),
    case(2301, "version of another protocol version is refused", other_version::<VERSION>),
    case(2302, "status of another protocol version is refused", other_version::<STATUS>),
    case(2303, "send of another protocol version is refused", other_version::<SEND>),
    case(2304, "receive of another protocol version is refused", other_version::<RECEIVE>),
    case(2305, "erase of another protocol version is refused", other_version::<ERASE>),
    case(2306, "install of another protocol version is refused", other_version::<INSTALL>),
    case(2307, "panic of another protocol version is refused", other_version::<PANIC>),
    case(2308, "marks of another protocol version is refused", other_version::<MARKS>),
    case(2309, "hkdf of another protocol version is refused", other_version::<HKDF>),
    case(2310, "echo of another protocol version is refused", other_version::<ECHO>),
    case(2311, "suspend of another protocol version is refused", other_version::<SUSPEND>),
    case(2312, "revoke of another protocol version is refused", other_version::<REVOKE>),
    case(2313, "events of another protocol version is refused", other_version::<EVENTS>),
    case(2314, "set floor of another protocol version is refused", other_version::<SET_FLOOR>),
    case(2315, "admission of another protocol version is refused", other_version::<ADMISSION>),
    case(2316, "hmac of another protocol version is refused", other_version::<HMAC>),
    case(2317, "kdf of another protocol version is refused", other_version::<KDF>),
    case(2318, "gcm open of another protocol version is refused", other_version::<GCM_OPEN>),
    case(2319, "statement of another protocol version is refused", other_version::<STATEMENT>),
    case(2320, "enrol of another protocol version is refused", other_version::<ENROL>),
    case(2321, "hpke open of another protocol version is refused", other_version::<HPKE_OPEN>),
    case(2322, "import of another protocol version is refused", other_version::<IMPORT>),
    case(2401, "a success of version touches only its response", own_octets::<VERSION>),
    case(2402, "a success of status touches only its response", own_octets::<STATUS>),
    case(2403, "a success of send touches only its response", own_octets::<SEND>),
    case(2404, "a success of receive touches only its response", own_octets::<RECEIVE>),
    case(2406, "a success of install touches only its response", own_octets::<INSTALL>),
    case(2408, "a success of marks touches only its response", own_octets::<MARKS>),
    case(2409, "a success of hkdf touches only its response", own_octets::<HKDF>),
    case(2410, "the largest receive touches only its response", largest_receive),
    case(2411, "the largest hkdf touches only its response", largest_hkdf),
    case(2412, "a success of echo touches only its response", own_octets::<ECHO>),
    case(2413, "a success of suspend touches only its response", own_octets::<SUSPEND>),
    case(2414, "a success of revoke touches only its response", own_octets::<REVOKE>),
    case(2415, "a success of events touches only its response", own_octets::<EVENTS>),
    case(2416, "a success of set floor touches only its response", own_octets::<SET_FLOOR>),
    case(2417, "a success of admission touches only its response", own_octets::<ADMISSION>),
    case(2418, "a success of hmac touches only its response", own_octets::<HMAC>),
    case(2419, "a success of kdf touches only its response", own_octets::<KDF>),
    case(2420, "a success of gcm open touches only its response", own_octets::<GCM_OPEN>),
    case(2421, "a success of hpke open touches only its response", own_octets::<HPKE_OPEN>),
    case(2501, "version without room for its response is a short buffer", short::<VERSION>),
    case(2502, "status without room for its response is a short buffer", short::<STATUS>),
    case(2503, "send without room for its response is a short buffer", short::<SEND>),
    case(2504, "receive without room for its response is a short buffer", short::<RECEIVE>),
    case(2506, "install without room for its response is a short buffer", short::<INSTALL>),
    case(2508, "marks without room for its response is a short buffer", short::<MARKS>),
    case(2509, "hkdf without room for its response is a short buffer", short::<HKDF>),
    case(2512, "echo without room for its response is a short buffer", short::<ECHO>),
    case(2513, "suspend without room for its response is a short buffer", short::<SUSPEND>),
    case(2514, "revoke without room for its response is a short buffer", short::<REVOKE>),
    case(2515, "events without room for its response is a short buffer", short::<EVENTS>),
    case(2516, "set floor without room for its response is a short buffer", short::<SET_FLOOR>),
    case(2517, "admission without room for its response is a short buffer", short::<ADMISSION>),
    case(2518, "hmac without room for its response is a short buffer", short::<HMAC>),
    case(2519, "kdf without room for its response is a short buffer", short::<KDF>),
    case(2520, "gcm open without room for its response is a short buffer", short::<GCM_OPEN>),
    case(2521, "statement without room for its response is a short buffer", unheard::<STATEMENT>),
    case(2522, "enrol without room for its response is a short buffer", unheard::<ENROL>),
    case(2523, "import without room for its response is a short buffer", unheard::<IMPORT>),
    case(2524, "hpke open without room for its response is a short buffer", short::<HPKE_OPEN>),
    case(2510, "send without room for its response uses no PTK Id", short_send),
    case(2511, "panic without room for its response does not panic", short_panic),
    case(2601, "version takes no other parameter types", types::<VERSION>),
    case(2602, "status takes no other parameter types", types::<STATUS>),
    case(2603, "send takes no other parameter types", types::<SEND>),
    case(2604, "receive takes no other parameter types", types::<RECEIVE>),
    case(2605, "erase takes no other parameter types", types::<ERASE>),
    case(2606, "install takes no other parameter types", types::<INSTALL>),
    case(2607, "panic takes no other parameter types, and nothing panics", types::<PANIC>),
    case(2608, "marks takes no other parameter types", types::<MARKS>),
    case(2609, "hkdf takes no other parameter types", types::<HKDF>),
    case(2610, "echo takes no other parameter types", types::<ECHO>),
    case(2611, "suspend takes no other parameter types", types::<SUSPEND>),
    case(2612, "revoke takes no other parameter types", types::<REVOKE>),
    case(2613, "events takes no other parameter types", types::<EVENTS>),
    case(2614, "set floor takes no other parameter types", types::<SET_FLOOR>),
    case(2615, "admission takes no other parameter types", types::<ADMISSION>),
    case(2616, "hmac takes no other parameter types", types::<HMAC>),
    case(2617, "kdf takes no other parameter types", types::<KDF>),
    case(2618, "gcm open takes no other parameter types", types::<GCM_OPEN>),
    case(2619, "statement takes no other parameter types", types::<STATEMENT>),
    case(2620, "enrol takes no other parameter types", types::<ENROL>),
    case(2621, "hpke open takes no other parameter types", types::<HPKE_OPEN>),
    case(2622, "import takes no other parameter types", types::<IMPORT>),
    case(2701, "number 0 is unknown", reserved),
    case(2702, "numbers that the test build reserves are unknown", reserved_for_tests),
    case(2703, "numbers beside and far from the table are unknown", far_numbers),
    case(2704, "a request longer than any can be is oversized, for every command", oversized),
    case(2705, "an empty request is truncated, for every command", empty),
];

/// All commands.
pub(in crate::cases) const ALL: [u32; 22] = [
    VERSION, STATEMENT, ENROL, IMPORT, STATUS, SEND, RECEIVE, ADMISSION, SUSPEND, REVOKE, EVENTS,
    ERASE, INSTALL, SET_FLOOR, PANIC, MARKS, HKDF, ECHO, HMAC, KDF, GCM_OPEN, HPKE_OPEN,
];

pub(in crate::cases) fn request(command: &impl Encode) -> Vec<u8> {
    let mut request = Vec::new();
    encode_request(command, &mut request).expect("fixtures fit into a request");
    request
}

/// A good request of a command. Of those that would change the state, one
/// that does not: `install` of what is held, an end of what is not held;
/// `erase` names another device. `statement` and `enrol` do change it where they
/// are carried out, and `import` brings nothing.
pub(in crate::cases) fn good(number: u32) -> Vec<u8> {
    let group = fixture::group_id(GROUP);
    match number {
        STATEMENT => request(&GetStatement { nonce: [0x0e; 32] }),
        ENROL => request(&Enrol { root_key: [0x41; 32], manager: [0x3a; 16] }),
        IMPORT => request(&Import { octets: &[0xd2, 0x84] }),
        STATUS => request(&Status),
        SEND => request(&Send { group, generation: fixture::generation(1) }),
        RECEIVE => request(&Receive { items: vec![fixture::epoch(GROUP, 1, OTHER, 1)] }),
        ADMISSION => request(&Admission { group, generation: fixture::generation(1) }),
        SUSPEND => request(&Suspend { group, on: false }),
        REVOKE => request(&Revoke { group, below: fixture::generation(1) }),
        EVENTS => request(&Events { since: 0 }),
        SET_FLOOR => request(&SetFloor { floor: 0 }),
        ERASE => request(&Erase { device: DeviceId([0xe5; 16]) }),
        INSTALL => {
            let content = fixture::encoded(&content());
            request(&Install { scope: Scope::Whole, content: &content })
        }
        PANIC => request(&Panic),
        MARKS => request(&Marks),
        HKDF => request(&Hkdf { len: 42, salt: &[1, 2], ikm: &[3; 22], info: &[4] }),
        ECHO => request(&Echo { octets: [7; Echo::LEN] }),
        HMAC => request(&Hmac { key: &[1; 20], message: &[2; 8] }),
        KDF => request(&Kdf { fc: 0x10, key: &[1; 32], parameters: vec![&[2; 3], &[3; 6]] }),
        GCM_OPEN => {
            // Not authentic, which is a good answer too.
            request(&GcmOpen { key: [1; 16], nonce: [2; 12], aad: &[3], sealed: &[4; 24] })
        }
        HPKE_OPEN => request(&HpkeOpen {
            private: [1; 32],
            public: [2; 32],
            encapsulated: [9; 32],
            info: &[3],
            aad: &[4],
            sealed: &[5; 24],
        }),
        _ => request(&Version),
    }
}

fn truncated<const NUMBER: u32>(c: &mut Context) -> Verdict {
    let line = c.line()?;
    let whole = good(NUMBER);
    for len in 1..whole.len() {
        let what = format!("{len} of {} octets", whole.len());
        c.refused_by(&line, &what, NUMBER, &whole[..len], Code::Truncated);
    }
    Ok(())
}

fn cut(c: &mut Context) -> Verdict {
    let line = c.line()?;
    let whole = good(INSTALL);
    // Version and scope; the content is what follows, to the end.
    let head = 3;
    for len in 1..whole.len() {
        let code = if len < head { Code::Truncated } else { Code::ContentMalformed };
        let what = format!("{len} of {} octets", whole.len());
        c.refused_by(&line, &what, INSTALL, &whole[..len], code);
    }
    Ok(())
}

fn longer_by(c: &mut Context, number: u32, code: Code) -> Verdict {
    let line = c.line()?;
    let whole = good(number);
    for more in [1, 2, 64, REQUEST_MAX - whole.len()] {
        let mut longer = whole.clone();
        longer.resize(whole.len() + more, 0);
        c.refused_by(&line, &format!("{more} octets more"), number, &longer, code);
    }
    let twice = [&whole[..], &whole[..]].concat();
    c.refused_by(&line, "the request twice", number, &twice, code);
    Ok(())
}

fn trailing<const NUMBER: u32>(c: &mut Context) -> Verdict {
    longer_by(c, NUMBER, Code::TrailingBytes)
}

fn trailing_content(c: &mut Context) -> Verdict {
    longer_by(c, INSTALL, Code::ContentMalformed)
}

fn other_version<const NUMBER: u32>(c: &mut Context) -> Verdict {
    let line = c.line()?;
    for version in [0_u16, 2, 0x0100, 0x0101, u16::MAX] {
        let mut request = good(NUMBER);
        request[..2].copy_from_slice(&version.to_be_bytes());
        let what = format!("version {version}");
        c.refused_by(&line, &what, NUMBER, &request, Code::UnknownVersion);
    }
    Ok(())
}

fn success(c: &mut Context, line: &Line, number: u32, request: &[u8]) -> Result<usize, Stop> {
    let response = line.call(number, request);
    let response = c.ok("the call", response)?;
    c.octets("code", response.get(..RESPONSE_HEAD).unwrap_or_default(), &[0; RESPONSE_HEAD]);
    c.untouched_from(line, "a success", response.len());
    Ok(response.len())
}

/// The room that a good request must bring, whose response has `len` octets.
const fn room(number: u32, len: usize) -> usize {
    match number {
        STATEMENT => GetStatement::RESPONSE_MAX,
        ENROL => Enrol::RESPONSE_MAX,
        IMPORT => Import::RESPONSE_MAX,
        STATUS => Status::RESPONSE_MAX,
        EVENTS => Events::RESPONSE_MAX,
        HKDF => Hkdf::RESPONSE_MAX,
        GCM_OPEN => GcmOpen::RESPONSE_MAX,
        HPKE_OPEN => HpkeOpen::RESPONSE_MAX,
        _ => len,
    }
}

fn own_octets<const NUMBER: u32>(c: &mut Context) -> Verdict {
    let line = c.line()?;
    let len = success(c, &line, NUMBER, &good(NUMBER))?;
    // With just enough room it is the same.
    let response = line.call_with_room(NUMBER, &good(NUMBER), room(NUMBER, len));
    let response = c.ok("the call with just enough room", response)?;
    c.equal("octets of the response", response.len(), len);
    c.untouched_from(&line, "a success in just enough room", len);
    Ok(())
}

fn largest_receive(c: &mut Context) -> Verdict {
    let line = c.line()?;
    let items = (1..=BATCH as u16).map(|id| fixture::epoch(GROUP, 1, OTHER, id)).collect();
    let len = success(c, &line, RECEIVE, &request(&Receive { items }))?;
    c.equal("octets of the response", len, Receive::RESPONSE_MAX);
    Ok(())
}

fn largest_hkdf(c: &mut Context) -> Verdict {
    let line = c.line()?;
    let len = HkdfReply::LEN_MAX as u16;
    let hkdf = Hkdf { len, salt: &[1; 64], ikm: &[2; 4096], info: &[3; 1024] };
    let len = success(c, &line, HKDF, &request(&hkdf))?;
    c.equal("octets of the response", len, Hkdf::RESPONSE_MAX);
    Ok(())
}

/// `TEEC_ERROR_SHORT_BUFFER` from the TA.
pub(super) const SHORT_BUFFER: Refusal = Refusal::Tee { result: 0xffff_0010, origin: 4 };
/// `TEEC_ERROR_BAD_PARAMETERS` from the TA.
pub(super) const BAD_PARAMETERS: Refusal = Refusal::Tee { result: 0xffff_0006, origin: 4 };

fn short<const NUMBER: u32>(c: &mut Context) -> Verdict {
    let line = c.line()?;
    let len = success(c, &line, NUMBER, &good(NUMBER))?;
    let needed = room(NUMBER, len);
    let shorter = [needed - 1, len - 1, RESPONSE_HEAD, RESPONSE_HEAD - 1, 1];
    for room in shorter.into_iter().filter(|&room| room < needed) {
        let result = line.call_with_room(NUMBER, &good(NUMBER), room);
        c.stopped(&line, &format!("room for {room} of {len} octets"), result, SHORT_BUFFER);
    }
    Ok(())
}

/// Of a command that would change the device: it is not carried out even once.
fn unheard<const NUMBER: u32>(c: &mut Context) -> Verdict {
    let line = c.line()?;
    for room in [room(NUMBER, 0) - 1, RESPONSE_HEAD, RESPONSE_HEAD - 1, 1] {
        let result = line.call_with_room(NUMBER, &good(NUMBER), room);
        c.stopped(&line, &format!("room for {room} octets"), result, SHORT_BUFFER);
    }
    Ok(())
}

fn short_send(c: &mut Context) -> Verdict {
    let line = c.line()?;
    let first = c.send(GROUP, 1);
    let first = c.ok("send", first)?;
    for room in [RESPONSE_HEAD, Send::RESPONSE_MAX - 1] {
        let result = line.call_with_room(SEND, &good(SEND), room);
        c.stopped(&line, &format!("room for {room} octets"), result, SHORT_BUFFER);
    }
    let next = c.send(GROUP, 1);
    let next = c.ok("send", next)?;
    c.equal("the next PTK Id", next.ptk_id.get(), first.ptk_id.get() + 1);
    Ok(())
}

fn short_panic(c: &mut Context) -> Verdict {
    let line = c.line()?;
    let result = line.call_with_room(PANIC, &good(PANIC), 0);
    c.stopped(&line, "no room", result, SHORT_BUFFER);
    Ok(())
}

/// All combinations of four kinds of parameters but the good one. At level 0
/// all of them for one command, since the check stands before all: of the
/// others those that are wrong in one half.
fn types<const NUMBER: u32>(c: &mut Context) -> Verdict {
    let line = c.line()?;
    let whole = good(NUMBER);
    let room = RESPONSE_MAX as u64;
    let every = kind::ALL.into_iter();
    let pairs = every.clone().flat_map(|one| every.clone().map(move |other| (one, other)));
    let mut calls = 0_u32;
    for (first, second) in pairs.clone() {
        for (third, fourth) in pairs.clone() {
            let kinds = [first, second, third, fourth];
            let rest = third != kind::NONE || fourth != kind::NONE;
            let others = (first, second) != (kind::INPUT, kind::OUTPUT);
            if c.level == 0 && NUMBER != RECEIVE && rest && others || !rest && !others {
                continue;
            }
            let mut params = kinds.map(|kind| match kind {
                kind::INPUT | kind::INOUT => {
                    Param::part(kind, &line.request, 0, whole.len() as u64)
                }
                kind::OUTPUT => Param::part(kind, &line.response, 0, room),
                kind => Param { kind, a: 1, b: 2, c: 0 },
            });
            line.request.put(0, &whole);
            line.poison();
            let result = line.device.invoke(line.session(NUMBER), NUMBER, &mut params);
            c.stopped(&line, &format!("kinds {kinds:?}"), result, BAD_PARAMETERS);
            calls += 1;
        }
    }
    let all = kind::ALL.len().pow(PARAMS as u32) - 1;
    c.note(format!("{calls} of {all} combinations"));
    Ok(())
}

fn unknown(c: &mut Context, numbers: impl Iterator<Item = u32>) -> Verdict {
    let line = c.line()?;
    for number in numbers {
        let what = format!("command {number:#x}");
        c.refused_by(&line, &what, number, &good(VERSION), Code::UnknownCommand);
    }
    Ok(())
}

fn reserved(c: &mut Context) -> Verdict {
    unknown(c, [0].into_iter())
}

fn reserved_for_tests(c: &mut Context) -> Verdict {
    unknown(c, [TestId::FIRST - 1].into_iter().chain(0x800b..0x8010))
}

fn far_numbers(c: &mut Context) -> Verdict {
    // Each bit above the table, over a number that is in it.
    let bits = (16..32).map(|bit| 1 << bit | VERSION);
    unknown(c, (13..32).chain(bits).chain([0x7fff, u32::MAX]))
}

fn oversized(c: &mut Context) -> Verdict {
    let line = c.line()?;
    for number in ALL {
        for len in [REQUEST_MAX + 1, line.request.octets().len()] {
            let mut request = good(number);
            request.resize(len, 0);
            let what = format!("command {number:#x} of {len} octets");
            c.refused_by(&line, &what, number, &request, Code::Oversized);
        }
    }
    Ok(())
}

fn empty(c: &mut Context) -> Verdict {
    let line = c.line()?;
    for number in ALL {
        let what = format!("command {number:#x}");
        c.refused_by(&line, &what, number, &[], Code::Truncated);
    }
    Ok(())
}
