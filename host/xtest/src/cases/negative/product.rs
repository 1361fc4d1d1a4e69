//! 9000: the product, which has nothing of the test build.

use proseal_proto::buffer::Buffer;
use proseal_proto::error::Code;
use proseal_proto::limit::RESPONSE_MAX;
use proseal_proto::message::{Version, VersionReply};
use proseal_proto::role::Role;
use proseal_proto::test_command::TestId;

use super::{good, lasting};
use crate::case::{Case, Run, Verdict};
use crate::check::Context;
use crate::target::Build;

pub(super) const CASES: &[Case] = &[
    case(9001, "the product says that it is the product", version),
    case(9002, "the product has no command from 0x8000 on, whoever calls", unknown),
    case(
        9003,
        "good requests of the test build's commands are unknown to the product",
        test_commands,
    ),
];

const fn case(number: u16, title: &'static str, run: Run) -> Case {
    Case { suite: "negative", number, title, run, around: on_product }
}

/// Nothing comes of it: neither the start nor the state is another after it.
fn on_product(c: &mut Context, run: Run) -> Verdict {
    c.turn_to(Build::Product);
    let before = c.status()?;
    c.guarded(run);
    let after = c.status()?;
    c.octets("start nonce", &after.start_nonce, &before.start_nonce);
    c.that("the state has not changed", lasting(&after) == lasting(&before));
    Ok(())
}

fn version(c: &mut Context) -> Verdict {
    let version = c.ta.call(&Version);
    let version = c.ok("version", version)?;
    c.equal("build", version.build, VersionReply::PRODUCT);
    Ok(())
}

/// Each role calls these numbers with these requests, and is told that there are none.
fn unknown_to_all(c: &mut Context, calls: &[(u32, Vec<u8>)]) -> Verdict {
    let unknown = Code::UnknownCommand.number().to_be_bytes();
    for role in Role::ALL {
        let session = c.target.session(*role);
        let mut session = c.ok("opening a session", session)?;
        for (number, request) in calls {
            let mut response = Buffer::new();
            response.make_room(RESPONSE_MAX);
            let called = session.call(*number, request, RESPONSE_MAX, &mut response);
            c.ok("the call", called)?;
            c.octets(&format!("{number:#x} by {role:?}"), &response, &unknown);
        }
    }
    Ok(())
}

fn unknown(c: &mut Context) -> Verdict {
    let numbers = (0x8000..=0x80ff).chain([0xffff, u32::MAX]);
    // A request of a version alone.
    unknown_to_all(c, &numbers.map(|number| (number, vec![0, 1])).collect::<Vec<_>>())
}

fn test_commands(c: &mut Context) -> Verdict {
    let numbers = TestId::ALL.iter().map(|id| id.number());
    unknown_to_all(c, &numbers.map(|number| (number, good(number))).collect::<Vec<_>>())
}
