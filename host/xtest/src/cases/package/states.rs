//! 2000: packages that are as they should be.

use proseal_issuer::DesiredState;
use proseal_proto::error::Code;
use proseal_proto::message::{Outcome, Suspend};
use proseal_proto::role::Role;

use super::case;
use crate::case::{Case, Verdict};
use crate::check::Context;
use crate::derivation::expected;
use crate::device::lasting;
use crate::fixture::{self, GROUP, OTHER};
use crate::manager::{MANAGER, Manager, key_of, signer};

pub(super) const CASES: &[Case] = &[
    case(2001, "the PGK of a package is the one that keys are derived from", derives),
    case(2002, "the same package again is the same", same),
    case(2003, "an older package is superseded", superseded),
    case(2004, "the same sequence with other octets is refused", conflict),
    case(2005, "a package rotates with overlap", rotates),
    case(2006, "what a package does not list is removed, and its next stays", removed),
    case(2007, "a package that echoes the start nonce is fresh", fresh),
    case(2008, "the largest package is applied", largest),
    case(2009, "a newer signer is taken, and the older one is refused from then on", newer_signer),
    case(2010, "an entry below the device's next is left out: partly", partly),
    case(2011, "suspension outlives packages", suspended),
];

fn next(manager: &mut Manager) {
    manager.sequence += 1;
}

fn derives(c: &mut Context) -> Verdict {
    let first = c.manager()?.first;
    let item = fixture::epoch(GROUP, first, OTHER, 1);
    let keys = c.receive_one(item)?;
    let expected = expected(&fixture::pgk(first, key_of(first)), &item);
    c.octets("IK", keys.ik.expose(), &expected.ik);
    c.octets("CK", keys.ck.expose(), &expected.ck);
    Ok(())
}

fn same(c: &mut Context) -> Verdict {
    let manager = c.manager()?;
    let package = manager.package(&manager.plain());
    c.imported(&package, Outcome::Applied)?;
    c.imported(&package, Outcome::Same)
}

fn superseded(c: &mut Context) -> Verdict {
    let mut manager = c.manager()?;
    let older = manager.package(&manager.state(Vec::new()));
    next(&mut manager);
    c.imported(&manager.package(&manager.plain()), Outcome::Applied)?;
    let before = c.status()?;
    c.imported(&older, Outcome::Superseded)?;
    let after = c.status()?;
    c.that("nothing changes", lasting(&before) == lasting(&after));
    Ok(())
}

fn conflict(c: &mut Context) -> Verdict {
    let manager = c.manager()?;
    c.imported(&manager.package(&manager.plain()), Outcome::Applied)?;
    let other = manager.package(&manager.state(Vec::new()));
    c.refused_octets_of_package(&other, Code::SequenceConflict)
}

fn rotates(c: &mut Context) -> Verdict {
    let mut manager = c.manager()?;
    let old = manager.first;
    c.imported(&manager.package(&manager.holding(&[0, 1])), Outcome::Applied)?;
    for generation in [old, old + 1] {
        c.receive_one(fixture::epoch(GROUP, generation, OTHER, 1))?;
    }
    next(&mut manager);
    c.imported(&manager.package(&manager.holding(&[1])), Outcome::Applied)?;
    let old = c.receive(vec![fixture::epoch(GROUP, old, OTHER, 1)]);
    let old = c.ok("receive", old)?;
    c.that("the old one is gone", matches!(old[..], [Err(Code::UnknownGeneration)]));
    Ok(())
}

fn removed(c: &mut Context) -> Verdict {
    let mut manager = c.manager()?;
    c.imported(&manager.package(&manager.state(Vec::new())), Outcome::Applied)?;
    let groups = c.status()?.groups.len();
    c.equal("groups", groups, 0);
    next(&mut manager);
    // Its generation was there: it does not come back.
    c.imported(&manager.package(&manager.plain()), Outcome::Partly)
}

fn fresh(c: &mut Context) -> Verdict {
    let mut manager = c.manager()?;
    let start_nonce = Some(c.statement()?.start_nonce);
    c.passed_until(|status| status.unsynced_s > 1)?;
    // One that does not echo it is no news.
    let old = DesiredState { start_nonce: Some([7; 32]), ..manager.plain() };
    c.imported(&manager.package(&old), Outcome::Applied)?;
    next(&mut manager);
    let before = c.status()?;
    c.above("seconds without news > 1", before.unsynced_s, 1_u32);
    let state = DesiredState { start_nonce, time: before.floor, ..manager.plain() };
    c.imported(&manager.package(&state), Outcome::Applied)?;
    let after = c.status()?.unsynced_s;
    c.above("seconds without news before > after", before.unsynced_s, after);
    Ok(())
}

fn largest(c: &mut Context) -> Verdict {
    let manager = c.manager()?;
    let first = manager.first + 1;
    let package = manager.package(&manager.largest(first));
    c.note(format!("  {} octets", package.len()));
    c.imported(&package, Outcome::Applied)?;
    let item = fixture::epoch(GROUP + 15, first + 3, OTHER, 1);
    let keys = c.receive_one(item)?;
    c.octets("IK", keys.ik.expose(), &expected(&fixture::pgk(first + 3, 127), &item).ik);
    Ok(())
}

fn newer_signer(c: &mut Context) -> Verdict {
    let mut manager = c.manager()?;
    let old = manager.package(&DesiredState { sequence: manager.sequence + 2, ..manager.plain() });
    let newer = manager.version + 1;
    manager.signer = signer(&manager.root, newer, MANAGER);
    c.imported(&manager.package(&manager.plain()), Outcome::Applied)?;
    let version = c.status()?.signer_version;
    c.equal("signer version", version, newer);
    c.refused_octets_of_package(&old, Code::SignerSuperseded)
}

fn partly(c: &mut Context) -> Verdict {
    let mut manager = c.manager()?;
    c.imported(&manager.package(&manager.holding(&[4])), Outcome::Applied)?;
    next(&mut manager);
    c.imported(&manager.package(&manager.holding(&[2, 4])), Outcome::Partly)
}

fn suspended(c: &mut Context) -> Verdict {
    let manager = c.manager()?;
    let done = c.ta.call(&Suspend { group: fixture::group_id(GROUP), on: true });
    c.ok("suspend", done)?;
    c.imported(&manager.package(&manager.plain()), Outcome::Applied)?;
    let refused = c.send(GROUP, manager.first);
    c.refused("send", refused, Code::Suspended);
    let resume = Suspend { group: fixture::group_id(GROUP), on: false };
    let done = c.target.client_as(Role::Administrator).call(&resume);
    c.ok("resume", done)?;
    let sent = c.send(GROUP, manager.first);
    c.ok("send", sent).map(drop)
}
