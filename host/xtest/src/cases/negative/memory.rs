//! 1000: the memory of a call: what the kernel, OP-TEE and the TA's entry
//! refuse before any command is reached, and what they must bear.

use proseal_proto::command::{Id, RESPONSE_HEAD};
use proseal_proto::error::Code;
use proseal_proto::limit::{REQUEST_MAX, RESPONSE_MAX};
use rustix::io::Errno;

use super::case;
use super::requests::{ALL, BAD_PARAMETERS, SHORT_BUFFER, good};
use crate::case::{Case, Stop, Verdict};
use crate::check::Context;
use crate::derivation::expected;
use crate::fixture::{self, GROUP, OTHER};
use crate::ioctl::{Device, Memory, PAGE, PARAMS, Param, Refusal, kind};
use crate::line::Line;

pub(super) const CASES: &[Case] = &[
    case(1001, "a request that is no memory is refused, for every command", null_request),
    case(1002, "a request of no memory with a length is refused", null_request_with_length),
    case(1003, "room for a response that is no memory is refused, for every command", null_room),
    case(1004, "room of no memory with a length is refused", null_room_with_length),
    case(1005, "no room for a response is refused, for every command", no_room),
    case(1011, "a request that ends an octet beyond its memory is refused", request_octet_beyond),
    case(1012, "a request that ends a page beyond its memory is refused", request_page_beyond),
    case(1013, "a request that starts beyond its memory is refused", request_starts_beyond),
    case(1014, "a request whose end wraps around is refused", request_wraps),
    case(1015, "room that ends an octet beyond its memory is refused", room_octet_beyond),
    case(1016, "room that ends a page beyond its memory is refused", room_page_beyond),
    case(1017, "room that starts beyond its memory is refused", room_starts_beyond),
    case(1018, "room whose end wraps around is refused", room_wraps),
    case(1021, "memory that was never allocated is refused", unknown_memory),
    case(1022, "memory that was released is refused", released_memory),
    case(1023, "memory of another open device is refused", foreign_memory),
    case(1024, "memory that the caller may only read cannot be registered", read_only),
    case(1025, "a request of a megabyte is oversized", megabyte),
    case(1031, "room over its own request is refused", same_memory),
    case(1032, "room that shares a page with its request is refused", overlapping),
    case(1033, "a request and a response in one memory, at odd addresses, are right", straddling),
    case(1034, "the response's room may be larger than any response", spare_room),
    case(1035, "room within a longer request is refused, and the TA lives", room_in_request),
    case(1036, "a request within longer room is refused, and the TA lives", request_in_room),
    case(1041, "a session that was never opened is refused", unknown_session),
    case(1042, "a session that was closed is refused, and its second closing", closed_session),
    case(1043, "a session of another open device is refused", foreign_session),
    case(1044, "five parameters are refused", five_parameters),
    case(1045, "a kind of parameter that does not exist is refused", unknown_kind),
];

const INVALID: Refusal = Refusal::Kernel(Errno::INVAL);
const RECEIVE: u32 = Id::Receive.number();

/// A `receive` by these two parameters.
fn invoke(line: &Line, number: u32, request: Param, room: Param) -> Result<u64, Refusal> {
    let mut params = [request, room, Param::NONE, Param::NONE];
    line.device.invoke(line.session(number), number, &mut params)?;
    Ok(params[1].b)
}

/// A good request in place, its response memory poisoned.
fn prepare(line: &Line, number: u32) -> (Param, Param) {
    let request = good(number);
    line.request.put(0, &request);
    line.poison();
    (
        Param::part(kind::INPUT, &line.request, 0, request.len() as u64),
        Param::part(kind::OUTPUT, &line.response, 0, RESPONSE_MAX as u64),
    )
}

fn null_request(c: &mut Context) -> Verdict {
    let line = c.line()?;
    for number in ALL {
        let (_, room) = prepare(&line, number);
        let result = invoke(&line, number, Param::null(kind::INPUT, 0), room);
        c.stopped(&line, &format!("command {number:#x}"), result, BAD_PARAMETERS);
    }
    Ok(())
}

fn null_request_with_length(c: &mut Context) -> Verdict {
    let line = c.line()?;
    for size in [1, 13, PAGE as u64, REQUEST_MAX as u64, u64::from(u32::MAX), u64::MAX] {
        let (_, room) = prepare(&line, RECEIVE);
        let result = invoke(&line, RECEIVE, Param::null(kind::INPUT, size), room);
        c.stopped(&line, &format!("{size} octets"), result, BAD_PARAMETERS);
    }
    Ok(())
}

fn null_room(c: &mut Context) -> Verdict {
    let line = c.line()?;
    for number in ALL {
        let (request, _) = prepare(&line, number);
        let result = invoke(&line, number, request, Param::null(kind::OUTPUT, 0));
        c.stopped(&line, &format!("command {number:#x}"), result, BAD_PARAMETERS);
    }
    Ok(())
}

fn null_room_with_length(c: &mut Context) -> Verdict {
    let line = c.line()?;
    for size in [1, 4, PAGE as u64, RESPONSE_MAX as u64, u64::from(u32::MAX), u64::MAX] {
        let (request, _) = prepare(&line, RECEIVE);
        let result = invoke(&line, RECEIVE, request, Param::null(kind::OUTPUT, size));
        c.stopped(&line, &format!("{size} octets"), result, BAD_PARAMETERS);
    }
    Ok(())
}

fn no_room(c: &mut Context) -> Verdict {
    let line = c.line()?;
    for number in ALL {
        let (request, mut room) = prepare(&line, number);
        room.b = 0;
        let result = invoke(&line, number, request, room);
        c.stopped(&line, &format!("command {number:#x}"), result, SHORT_BUFFER);
    }
    Ok(())
}

/// A request at `offset` with `size` octets beyond the memory's end.
fn lying_request(c: &mut Context, offset: u64, size: u64) -> Verdict {
    let line = c.line()?;
    let (mut request, room) = prepare(&line, RECEIVE);
    (request.a, request.b) = (offset, size);
    let result = invoke(&line, RECEIVE, request, room);
    c.stopped(&line, &format!("{size} octets from {offset}"), result, INVALID);
    Ok(())
}

fn lying_room(c: &mut Context, offset: u64, size: u64) -> Verdict {
    let line = c.line()?;
    let (request, mut room) = prepare(&line, RECEIVE);
    (room.a, room.b) = (offset, size);
    let result = invoke(&line, RECEIVE, request, room);
    c.stopped(&line, &format!("{size} octets from {offset}"), result, INVALID);
    Ok(())
}

/// Octets of a line's memory for requests, and of that for responses.
const REQUEST_MEMORY: u64 = (REQUEST_MAX + PAGE) as u64;
const RESPONSE_MEMORY: u64 = (RESPONSE_MAX + PAGE) as u64;

fn request_octet_beyond(c: &mut Context) -> Verdict {
    lying_request(c, 0, REQUEST_MEMORY + 1)?;
    lying_request(c, 1, REQUEST_MEMORY)
}

fn request_page_beyond(c: &mut Context) -> Verdict {
    lying_request(c, 0, REQUEST_MEMORY + PAGE as u64)
}

fn request_starts_beyond(c: &mut Context) -> Verdict {
    lying_request(c, REQUEST_MEMORY, 1)?;
    lying_request(c, REQUEST_MEMORY + PAGE as u64, 1)
}

fn request_wraps(c: &mut Context) -> Verdict {
    lying_request(c, u64::MAX, 2)?;
    lying_request(c, 8, u64::MAX)
}

fn room_octet_beyond(c: &mut Context) -> Verdict {
    lying_room(c, 0, RESPONSE_MEMORY + 1)?;
    lying_room(c, 1, RESPONSE_MEMORY)
}

fn room_page_beyond(c: &mut Context) -> Verdict {
    lying_room(c, 0, RESPONSE_MEMORY + PAGE as u64)
}

fn room_starts_beyond(c: &mut Context) -> Verdict {
    lying_room(c, RESPONSE_MEMORY, 4)?;
    lying_room(c, RESPONSE_MEMORY + PAGE as u64, 4)
}

fn room_wraps(c: &mut Context) -> Verdict {
    lying_room(c, u64::MAX, 2)?;
    lying_room(c, 8, u64::MAX)
}

/// Calls with memory that is not the caller's, as request and as response.
fn not_the_callers(c: &mut Context, line: &Line, other: Param) -> Verdict {
    let (request, room) = prepare(line, RECEIVE);
    let result = invoke(line, RECEIVE, Param { kind: kind::INPUT, ..other }, room);
    c.stopped(line, "as a request", result, INVALID);
    let result = invoke(line, RECEIVE, request, Param { kind: kind::OUTPUT, ..other });
    c.stopped(line, "as a response", result, INVALID);
    Ok(())
}

fn unknown_memory(c: &mut Context) -> Verdict {
    let line = c.line()?;
    for id in [0x7fff, 0x7fff_ffff, 0xffff_ffff, u64::MAX - 1] {
        not_the_callers(c, &line, Param { kind: kind::INPUT, a: 0, b: 30, c: id })?;
    }
    Ok(())
}

fn released_memory(c: &mut Context) -> Verdict {
    let line = c.line()?;
    let memory = memory(c, &line.device)?;
    let gone = Param::part(kind::INPUT, &memory, 0, 30);
    drop(memory);
    not_the_callers(c, &line, gone)
}

fn foreign_memory(c: &mut Context) -> Verdict {
    let (line, other) = (c.line()?, c.line()?);
    let foreign = memory(c, &other.device)?;
    not_the_callers(c, &line, Param::part(kind::INPUT, &foreign, 0, 30))
}

#[track_caller]
fn memory(c: &mut Context, device: &Device) -> Result<Memory, Stop> {
    let memory = device.memory(4 * PAGE);
    c.ok("allocating memory", memory.map_err(Refusal::Kernel))
}

fn read_only(c: &mut Context) -> Verdict {
    let line = c.line()?;
    let registered = line.device.register_read_only();
    c.equal("registering", registered.map_err(Refusal::Kernel), Err(Refusal::Kernel(Errno::FAULT)));
    Ok(())
}

fn megabyte(c: &mut Context) -> Verdict {
    let line = c.line()?;
    let large = line.device.memory(1 << 20);
    let large = c.ok("allocating memory", large.map_err(Refusal::Kernel))?;
    large.put(0, &good(RECEIVE));
    let (_, room) = prepare(&line, RECEIVE);
    let request = Param::part(kind::INPUT, &large, 0, large.len());
    let len = invoke(&line, RECEIVE, request, room);
    let len = c.ok("a call that reaches the TA", len)?;
    c.equal("octets of its refusal", len as usize, RESPONSE_HEAD);
    let code = line.response.take(0, RESPONSE_HEAD);
    c.octets("its code", &code, &Code::Oversized.number().to_be_bytes());
    Ok(())
}

/// One `receive` with its request and its response at these places of one
/// memory: the response must be whole, and nothing around it touched.
fn in_one_memory(c: &mut Context, from: usize, to: usize) -> Verdict {
    let line = c.line()?;
    let memory = memory(c, &line.device)?;
    memory.fill(0xa5);
    let octets = good(RECEIVE);
    let request = Param::part(kind::INPUT, &memory, from as u64, octets.len() as u64);
    memory.put(from, &octets);
    let mut around = memory.take(0, memory.octets().len());
    let room = Param::part(kind::OUTPUT, &memory, to as u64, PAGE as u64);
    let len = invoke(&line, RECEIVE, request, room);
    let len = c.ok("receive", len)? as usize;

    let epoch = fixture::epoch(GROUP, 1, OTHER, 1);
    let keys = expected(&fixture::pgk(1, 0), &epoch);
    let response = [&[0, 0, 0, 0, 0, 1, 0, 0, 0, 0], &keys.ik[..], &keys.ck].concat();
    c.equal("octets of the response", len, response.len());
    around[to..to + response.len()].copy_from_slice(&response);
    c.octets("the memory", &memory.take(0, around.len()), &around);
    Ok(())
}

fn straddling(c: &mut Context) -> Verdict {
    in_one_memory(c, PAGE - 7, 2 * PAGE + 5)?;
    in_one_memory(c, 3 * PAGE + 3, PAGE - 13)
}

/// A `receive` whose request and room, each an offset and a size, are of one
/// memory and share a page. (OP-TEE 4.5 maps too little if one's pages lie
/// within the other's, and who touches the rest is ended.)
fn sharing(c: &mut Context, request: (usize, usize), room: (usize, usize)) -> Verdict {
    let line = c.line()?;
    let memory = memory(c, &line.device)?;
    memory.fill(0xa5);
    memory.put(request.0, &good(RECEIVE));
    let before = memory.take(0, memory.octets().len());
    let part = |kind, (at, size)| Param::part(kind, &memory, at as u64, size as u64);
    let result = invoke(&line, RECEIVE, part(kind::INPUT, request), part(kind::OUTPUT, room));
    c.equal(&format!("{request:?} and {room:?}"), result.map(drop), Err(BAD_PARAMETERS));
    c.octets("the memory", &memory.take(0, before.len()), &before);
    Ok(())
}

fn same_memory(c: &mut Context) -> Verdict {
    sharing(c, (0, 28), (0, PAGE))?;
    sharing(c, (0, 28), (0, 28))
}

fn overlapping(c: &mut Context) -> Verdict {
    sharing(c, (0, 28), (5, PAGE))?;
    sharing(c, (20, 28), (0, PAGE))?;
    sharing(c, (0, 28), (28, 100))?;
    sharing(c, (PAGE - 27, 28), (PAGE + 1, 2 * PAGE))
}

fn room_in_request(c: &mut Context) -> Verdict {
    sharing(c, (0, 3 * PAGE), (PAGE + 17, 29))?;
    sharing(c, (3, 4 * PAGE - 3), (3, PAGE))
}

fn request_in_room(c: &mut Context) -> Verdict {
    sharing(c, (PAGE + 17, 28), (0, 4 * PAGE))?;
    sharing(c, (0, 28), (0, 2 * PAGE))
}

fn spare_room(c: &mut Context) -> Verdict {
    let line = c.line()?;
    let (request, mut room) = prepare(&line, RECEIVE);
    room.b = line.response.len();
    let len = invoke(&line, RECEIVE, request, room);
    let len = c.ok("receive", len)? as usize;
    c.equal("octets of the response", len, 4 + 2 + 68);
    c.octets("its code", &line.response.take(0, RESPONSE_HEAD), &[0; RESPONSE_HEAD]);
    c.untouched_from(&line, "receive", len);
    Ok(())
}

/// A good call but for its session.
fn other_session(c: &mut Context, line: &Line, session: u32) -> Verdict {
    let (request, room) = prepare(line, RECEIVE);
    let mut params = [request, room, Param::NONE, Param::NONE];
    let result = line.device.invoke(session, RECEIVE, &mut params);
    c.stopped(line, &format!("session {session:#x}"), result, INVALID);
    Ok(())
}

fn unknown_session(c: &mut Context) -> Verdict {
    let line = c.line()?;
    let [first, second] = line.sessions();
    for session in [0, first.max(second).wrapping_add(1), 0x7fff_ffff, u32::MAX] {
        other_session(c, &line, session)?;
    }
    Ok(())
}

fn closed_session(c: &mut Context) -> Verdict {
    let line = c.line()?;
    let session = line.session(RECEIVE);
    let closed = line.device.close_session(session);
    c.ok("closing", closed.map_err(Refusal::Kernel))?;
    other_session(c, &line, session)?;
    let again = line.device.close_session(session);
    c.equal("closing again", again.map_err(Refusal::Kernel), Err(INVALID));
    Ok(())
}

fn foreign_session(c: &mut Context) -> Verdict {
    let (line, other) = (c.line()?, c.line()?);
    other_session(c, &line, other.session(RECEIVE))
}

fn five_parameters(c: &mut Context) -> Verdict {
    let line = c.line()?;
    line.poison();
    let result = line.device.invoke_counted(line.session(RECEIVE), RECEIVE, PARAMS as u32 + 1);
    c.stopped(&line, "five parameters", result, INVALID);
    let result = line.device.invoke_counted(line.session(RECEIVE), RECEIVE, u32::MAX);
    c.stopped(&line, "as many as there are numbers", result, INVALID);
    Ok(())
}

fn unknown_kind(c: &mut Context) -> Verdict {
    let line = c.line()?;
    for kind in [4, 8, 0x200, 1 << 32, u64::MAX] {
        let (request, room) = prepare(&line, RECEIVE);
        let result = invoke(&line, RECEIVE, request, Param { kind, ..room });
        c.stopped(&line, &format!("kind {kind:#x}"), result, INVALID);
    }
    let (request, room) = prepare(&line, u32::MAX);
    let len = invoke(&line, u32::MAX, request, room);
    let len = c.ok("a call that reaches the TA", len)?;
    c.equal("octets of its refusal", len as usize, RESPONSE_HEAD);
    let code = line.response.take(0, RESPONSE_HEAD);
    c.octets("its code", &code, &Code::UnknownCommand.number().to_be_bytes());
    Ok(())
}
