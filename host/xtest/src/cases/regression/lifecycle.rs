//! 3100: erasing.

use proseal_proto::error::Code;
use proseal_proto::id::DeviceId;
use proseal_proto::test_command::Scope;

use super::case;
use crate::case::{Case, Verdict};
use crate::check::Context;
use crate::fixture::{self, GROUP, OTHER};

pub(in crate::cases) const CASES: &[Case] = &[
    case(3101, "erase with another device id is refused and changes nothing", wrong_device),
    case(3102, "erase leaves nothing to derive from", erase_empties),
    case(3103, "erase of a factory device succeeds", erase_factory),
];

fn wrong_device(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.applied(Scope::Whole, &fixture::one_pgk())?;
    let before = c.status()?;
    let erased = c.erase(DeviceId([1; 16]));
    c.refused("erase", erased, Code::WrongDevice);
    let after = c.status()?;
    c.that("the groups are as before", after.groups == before.groups);
    c.equal("sequence", after.sequence, before.sequence);
    let sent = c.send(GROUP, 1);
    c.ok("send", sent).map(drop)
}

fn erase_empties(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.applied(Scope::Whole, &fixture::one_pgk())?;
    let erased = c.erase(DeviceId::NONE);
    c.ok("erase", erased)?;
    c.is_factory()?;
    let sent = c.send(GROUP, 1);
    c.refused("send", sent, Code::WrongState);
    let received = c.receive(vec![fixture::epoch(GROUP, 1, OTHER, 1)]);
    c.refused("receive", received, Code::WrongState);
    Ok(())
}

fn erase_factory(c: &mut Context) -> Verdict {
    c.fresh()?;
    for _ in 0..2 {
        let erased = c.erase(DeviceId::NONE);
        c.ok("erase", erased)?;
    }
    let erased = c.erase(DeviceId([1; 16]));
    c.refused("erase of another device", erased, Code::WrongDevice);
    c.is_factory()
}
