//! 1100: requests that are not well formed, each refused by its own code.
//! (Calls that never reach the dispatcher: suite negative.)

use proseal_proto::codec::Encode;
use proseal_proto::command::{Id, encode_request};
use proseal_proto::error::Code;
use proseal_proto::id::DeviceId;
use proseal_proto::limit;
use proseal_proto::message::{Admission, Erase, Receive, Send, Status, Version};
use proseal_proto::test_command::TestId;

use super::case;
use crate::case::{Case, Verdict};
use crate::check::Context;
use crate::fixture::{self, GROUP, OTHER};

pub(in crate::cases) const CASES: &[Case] = &[
    case(1101, "a command number that is not in the table is refused", unknown_command),
    case(1102, "a protocol version other than this one is refused", unknown_version),
    case(1103, "a request longer than any can be is refused", oversized),
    case(1104, "a request cut anywhere is refused", truncated),
    case(1105, "octets after the last field are refused", trailing),
    case(1106, "values out of their range are refused", out_of_range),
    case(1107, "a factory device derives nothing", wrong_state),
];

fn request(command: &impl Encode) -> Vec<u8> {
    let mut request = Vec::new();
    encode_request(command, &mut request).expect("fixtures fit into a request");
    request
}

/// A `send` of octets that a typed request could not hold.
fn send_request(group: [u8; 3], generation: u64) -> Vec<u8> {
    [&[0, 1][..], &group, &generation.to_be_bytes()].concat()
}

impl Context {
    /// Expects raw octets to be refused with exactly this code.
    #[track_caller]
    fn raw_refused(&mut self, what: &str, number: u32, request: &[u8], code: Code) {
        match self.target.raw(number, request) {
            Ok(response) => self.octets(what, &response, &code.number().to_be_bytes()),
            Err(fault) => self.that(&format!("{what} gives {fault}, not a response"), false),
        };
    }
}

fn unknown_command(c: &mut Context) -> Verdict {
    let first = TestId::FIRST;
    for number in [0, 13, 14, 0x7fff, first - 1, first + 0x7ffe, u32::MAX] {
        let what = format!("command {number:#x}");
        c.raw_refused(&what, number, &request(&Version), Code::UnknownCommand);
    }
    Ok(())
}

fn unknown_version(c: &mut Context) -> Verdict {
    for version in [0_u16, 2, 0x100, u16::MAX] {
        for id in Id::ALL {
            let what = format!("version {version} of command {}", id.number());
            c.raw_refused(&what, id.number(), &version.to_be_bytes(), Code::UnknownVersion);
        }
    }
    Ok(())
}

fn oversized(c: &mut Context) -> Verdict {
    let mut longest = request(&Version);
    longest.resize(limit::REQUEST_MAX, 0);
    let number = Id::Version.number();
    c.raw_refused("the longest request", number, &longest, Code::TrailingBytes);
    longest.push(0);
    c.raw_refused("one octet more", number, &longest, Code::Oversized);
    longest.resize(limit::REQUEST_MAX + 4096, 0);
    c.raw_refused("a page more", number, &longest, Code::Oversized);
    Ok(())
}

fn truncated(c: &mut Context) -> Verdict {
    let group = fixture::group_id(GROUP);
    let generation = fixture::generation(1);
    let items = vec![fixture::epoch(GROUP, 1, OTHER, 1)];
    let requests = [
        (Id::Version, request(&Version)),
        (Id::Send, request(&Send { group, generation })),
        (Id::Receive, request(&Receive { items })),
        (Id::Admission, request(&Admission { group, generation })),
        (Id::Erase, request(&Erase { device: DeviceId::NONE })),
    ];
    for (id, whole) in requests {
        for len in 0..whole.len() {
            let what = format!("{len} octets of command {}", id.number());
            c.raw_refused(&what, id.number(), &whole[..len], Code::Truncated);
        }
    }
    Ok(())
}

fn trailing(c: &mut Context) -> Verdict {
    let group = fixture::group_id(GROUP);
    let generation = fixture::generation(1);
    let items = vec![fixture::epoch(GROUP, 1, OTHER, 1)];
    let requests = [
        (Id::Version, request(&Version)),
        (Id::Status, request(&Status)),
        (Id::Send, request(&Send { group, generation })),
        (Id::Receive, request(&Receive { items })),
        (Id::Admission, request(&Admission { group, generation })),
        (Id::Erase, request(&Erase { device: DeviceId::NONE })),
    ];
    for (id, mut long) in requests {
        long.push(0);
        let what = format!("one octet after command {}", id.number());
        c.raw_refused(&what, id.number(), &long, Code::TrailingBytes);
    }
    Ok(())
}

fn out_of_range(c: &mut Context) -> Verdict {
    let above = limit::GENERATION + 1;
    for generation in [0, above, u64::MAX] {
        let what = format!("generation {generation}");
        let request = send_request([0; 3], generation);
        c.raw_refused(&what, Id::Send.number(), &request, Code::OutOfRange);
    }
    let count = |count: u16| [&[0, 1][..], &count.to_be_bytes()].concat();
    for items in [0, limit::BATCH as u16 + 1, u16::MAX] {
        let what = format!("a batch of {items}");
        c.raw_refused(&what, Id::Receive.number(), &count(items), Code::OutOfRange);
    }
    let install = TestId::Install.number();
    c.raw_refused("scope 2", install, &[0, 1, 2], Code::OutOfRange);
    Ok(())
}

fn wrong_state(c: &mut Context) -> Verdict {
    c.fresh()?;
    let sent = c.send(GROUP, 1);
    c.refused("send", sent, Code::WrongState);
    let received = c.receive(vec![fixture::epoch(GROUP, 1, OTHER, 1)]);
    c.refused("receive", received, Code::WrongState);
    let admission = c.admission(GROUP, 1);
    c.refused("admission", admission, Code::WrongState);
    c.is_factory()
}
