//! 4039: any bit of a content is flipped. What must come of it is told by the issuer's
//! reader, which is not the trusted application's, and by the rules of docs/commands.md.

use proseal_issuer::testing::{fault, read_content};
use proseal_issuer::{DesiredState, Group, Package, Pgk};
use proseal_proto::error::Code;
use proseal_proto::message::{Outcome, StatusReply};
use sha2::{Digest, Sha256};

use crate::case::Verdict;
use crate::check::Context;
use crate::manager::sample;

/// Octets at level 0, others in each run; each level adds as many.
const FLIPS: usize = 12;
/// How far a package's time may be ahead of the floor: docs/commands.md, Content, rule 2.
const AHEAD_S: u64 = 3660 * 24 * 3600;
/// What is no content is refused with one of these.
const OF_FORM: [Code; 5] = [
    Code::ContentMalformed,
    Code::UnsupportedProfile,
    Code::UnsupportedSuite,
    Code::TooManyGroups,
    Code::TooManyPgks,
];

/// Of what is no content it is not shown which of [`OF_FORM`] is right: the cases before
/// do, one fault after the other.
pub(super) fn flipped(c: &mut Context) -> Verdict {
    c.after_a_plain()?;
    let len = c.manager()?.draft(&c.manager()?.plain()).content.octets().len();
    for at in sample(c, FLIPS, len) {
        let manager = c.manager()?;
        let good = manager.plain();
        let mut draft = manager.draft(&good);
        let mut octets = draft.content.octets();
        octets[at] ^= 1 << (at % 8);
        draft.content = fault::Part::Octets(octets.clone());
        let package = manager.seal(&draft);
        let what = format!("octet {at} of {len}");
        let content = read_content(&octets).filter(|(_, state)| state.check().is_ok());
        let Some((device, state)) = content else {
            c.refused_with_one_of(&what, &package, &OF_FORM)?;
            continue;
        };
        if (device, state.sequence) != (manager.device.id(), good.sequence) {
            c.refused_with_one_of(&what, &package, &[Code::HeadersDisagree])?;
            continue;
        }
        let before = c.status()?;
        match against(&good, &state, before.floor) {
            [] => taken(c, &what, &package, &state, &before)?,
            codes => c.refused_with_one_of(&what, &package, codes)?,
        }
    }
    Ok(())
}

/// The one group, and its one PGK.
fn only(state: &DesiredState) -> (&Group, &Pgk) {
    (&state.groups[0], &state.groups[0].pgks[0])
}

/// Why a device that holds what `good` says refuses `other`, which differs in one value;
/// none if it takes it (docs/commands.md, Content, rules 2, 3, 5 and 6).
fn against(good: &DesiredState, other: &DesiredState, floor: u64) -> &'static [Code] {
    let ((held, held_pgk), (group, pgk)) = (only(good), only(other));
    let fixed = |pgk: &Pgk| {
        let policy = &pgk.policy;
        (pgk.id, *pgk.key.expose(), pgk.is_root, policy.profile, policy.suite, policy.label)
    };
    if other.time > floor + AHEAD_S {
        &[Code::TimeOutOfRange]
    } else if (group.group, pgk.generation) != (held.group, held_pgk.generation) {
        // The key comes back under another name. A group more to remember may be too many.
        &[Code::KeyRepeated, Code::TooManyRemoved]
    } else if group.member != held.member {
        &[Code::MemberConflict]
    } else if fixed(pgk) != fixed(held_pgk) {
        &[Code::GenerationConflict]
    } else {
        &[]
    }
}

/// The device holds what `state` says, and has held `before`.
fn taken(
    c: &mut Context,
    what: &str,
    octets: &[u8],
    state: &DesiredState,
    before: &StatusReply,
) -> Verdict {
    let reply = c.import(octets);
    let reply = c.ok(what, reply)?;
    c.equal(what, reply.outcome, Outcome::Applied);
    let receipt = c.verified(&reply.statement, &Sha256::digest(octets).into())?;
    let package = Package::verify(octets, &c.trust()).map_err(|error| error.to_string());
    let digest = *c.ok("the package", package)?.digest();
    c.octets("last package", &receipt.package_digest, &digest);

    let after = c.status()?;
    c.equal("sequence", after.sequence, state.sequence);
    c.floor_since(after.floor, before.floor.max(state.time));
    let (wanted, pgk) = only(state);
    let [group] = &after.groups[..] else {
        c.equal("groups", after.groups.len(), 1);
        return Ok(());
    };
    c.that(
        "group, member and whether it may send",
        (group.group, group.member, group.may_send)
            == (wanted.group, wanted.member, wanted.may_send),
    );
    let next = before.groups.iter().map(|group| group.next).max().unwrap_or(1);
    let next = next.max(wanted.next.get()).max(pgk.generation.get() + 1);
    c.equal("next", group.next, next);
    let policy = &pgk.policy;
    let grace_s = policy.receive_grace_s.max(policy.send_grace_s);
    if after.floor > policy.not_after.saturating_add(grace_s.into()) {
        c.equal("PGKs, of which the package has ended one", group.pgks.len(), 0);
        return Ok(());
    }
    let [held] = &group.pgks[..] else {
        c.equal("PGKs", group.pgks.len(), 1);
        return Ok(());
    };
    c.equal("generation", held.generation.get(), pgk.generation.get());
    c.that("windows", (held.not_before, held.not_after) == (policy.not_before, policy.not_after));
    c.that(
        "graces and limits",
        (held.receive_grace_s, held.send_grace_s, held.max_unsynced_s)
            == (policy.receive_grace_s, policy.send_grace_s, policy.max_unsynced_s),
    );
    Ok(())
}
