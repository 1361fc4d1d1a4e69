//! 2100: profile `3gpp-ts33303`, and the admission key of `hkdf-sha256`. Keys
//! are compared with what the harness computes by itself.

use proseal_proto::content::{Content, Label};
use proseal_proto::error::Code;
use proseal_proto::id::EpochSalt;
use proseal_proto::message::{ReceiveItem, Suspend, VersionReply};
use proseal_proto::profile::{Profile, Suite};
use proseal_proto::test_command::Scope;

use super::case;
use crate::case::{Case, Verdict};
use crate::check::Context;
use crate::derivation::{expected, expected_admission};
use crate::fixture::{self, GROUP, MEMBER, OTHER};

pub(in crate::cases) const CASES: &[Case] = &[
    case(2101, "3gpp-ts33303: send where storage can be rolled back is refused", unprotected),
    case(2104, "3gpp-ts33303: a salt is refused, and its neighbours are answered", salted),
    case(2106, "admission names what it lacks", admission_refused),
    case(2102, "3gpp-ts33303: what the policy accepts is sent, without a salt", accepted),
    case(2103, "3gpp-ts33303: receive gives the keys of the specification", received),
    case(2105, "admission gives the key of the specification, in each suite", admission),
];

/// One PGK of this profile, generation 1.
fn ts33303(accept_rollback: bool) -> Content<'static> {
    let mut content = fixture::one_pgk();
    let policy = &mut content.groups[0].pgks[0].policy;
    (policy.profile, policy.suite) = (Profile::Ts33303, Suite::ThreeGpp);
    (policy.label, policy.accept_rollback) = (Label::EMPTY, accept_rollback);
    content
}

fn unsalted(sender: u32, ptk_id: u16) -> ReceiveItem {
    ReceiveItem { salt: EpochSalt::NONE, ..fixture::epoch(GROUP, 1, sender, ptk_id) }
}

fn unprotected(c: &mut Context) -> Verdict {
    c.fresh()?;
    let version = c.ta.call(&proseal_proto::message::Version);
    let level = c.ok("version", version)?.rollback_protection;
    if level >= VersionReply::ROLLBACK_PROTECTED {
        return Err(crate::case::Stop::Skipped(format!("storage is protected, level {level}")));
    }
    c.applied(Scope::Whole, &ts33303(false))?;
    let sent = c.send(GROUP, 1);
    c.refused("send", sent, Code::RollbackUnprotected);
    let status = c.status()?;
    let pgk = &status.groups[0].pgks[0];
    c.that("status says so", pgk.rollback_unprotected);
    c.equal("no PTK Id is used", pgk.epochs_left, u16::MAX);
    c.receive_one(unsalted(OTHER, 1)).map(drop)
}

fn accepted(c: &mut Context) -> Verdict {
    c.fresh()?;
    let content = ts33303(true);
    c.applied(Scope::Whole, &content)?;
    let status = c.status()?;
    c.that("status says so", !status.groups[0].pgks[0].rollback_unprotected);
    for ptk_id in 1..=3 {
        let sent = c.send(GROUP, 1);
        let sent = c.ok("send", sent)?;
        c.equal("PTK Id", sent.ptk_id.get(), ptk_id);
        c.octets("salt", &sent.salt.0, &[0; 8]);
        let expected = expected(&content.groups[0].pgks[0], &unsalted(MEMBER, ptk_id));
        c.octets("IK", sent.keys.ik.expose(), &expected.ik);
        c.octets("CK", sent.keys.ck.expose(), &expected.ck);
    }
    Ok(())
}

fn received(c: &mut Context) -> Verdict {
    c.fresh()?;
    let mut content = ts33303(false);
    // A root, which the same HKDF makes a PGK of in every profile.
    let mut root = fixture::pgk(2, 2);
    root.policy = content.groups[0].pgks[0].policy;
    root.policy.label = fixture::label("north");
    root.is_root = true;
    content.groups[0].pgks.push(root);
    c.applied(Scope::Whole, &content)?;
    for pgk in &content.groups[0].pgks {
        for (sender, ptk_id) in [(OTHER, 1), (0, 2), (0x00ff_ffff, u16::MAX)] {
            let epoch = ReceiveItem { generation: pgk.generation, ..unsalted(sender, ptk_id) };
            let keys = c.receive_one(epoch)?;
            let expected = expected(pgk, &epoch);
            c.octets("IK", keys.ik.expose(), &expected.ik);
            c.octets("CK", keys.ck.expose(), &expected.ck);
        }
    }
    Ok(())
}

fn salted(c: &mut Context) -> Verdict {
    let content = ts33303(false);
    c.with_content(&content)?;
    let items = vec![unsalted(OTHER, 1), fixture::epoch(GROUP, 1, OTHER, 2), unsalted(OTHER, 3)];
    let answers = c.receive(items.clone());
    let answers = c.ok("receive", answers)?;
    c.equal("items", answers.len(), 3);
    for (item, answer) in items.iter().zip(answers) {
        if item.salt == EpochSalt::NONE {
            let keys = c.ok("an item without a salt", answer)?;
            let expected = expected(&content.groups[0].pgks[0], item);
            c.octets("IK", keys.ik.expose(), &expected.ik);
            c.octets("CK", keys.ck.expose(), &expected.ck);
        } else {
            c.equal("an item with a salt", answer.err(), Some(Code::OutOfRange));
        }
    }
    Ok(())
}

fn admission(c: &mut Context) -> Verdict {
    c.fresh()?;
    let pgks = Suite::ALL.iter().zip(1..).map(|(&suite, generation)| {
        let mut pgk = fixture::pgk(generation, generation as usize);
        (pgk.policy.suite, pgk.is_root) = (suite, generation == 3);
        pgk
    });
    let content = fixture::content(1, vec![fixture::group(GROUP, pgks.collect())]);
    c.applied(Scope::Whole, &content)?;
    for pgk in &content.groups[0].pgks {
        for _ in 0..2 {
            let key = c.admission(GROUP, pgk.generation.get());
            let key = c.ok("admission", key)?;
            let expected = expected_admission(pgk, fixture::group_id(GROUP));
            c.octets("the admission key", key.expose(), &expected);
        }
    }
    Ok(())
}

fn admission_refused(c: &mut Context) -> Verdict {
    c.with_content(&ts33303(false))?;
    for (what, group, generation, code) in [
        ("a profile that has none", GROUP, 1, Code::NoAdmissionKey),
        ("a generation that is not held", GROUP, 2, Code::UnknownGeneration),
        ("a group that is not held", GROUP + 1, 1, Code::UnknownGroup),
    ] {
        let key = c.admission(group, generation);
        c.refused(what, key, code);
    }
    c.fresh()?;
    c.applied(Scope::Whole, &fixture::one_pgk())?;
    let suspended = c.ta.call(&Suspend { group: fixture::group_id(GROUP), on: true });
    c.ok("suspend", suspended)?;
    let key = c.admission(GROUP, 1);
    c.refused("a suspended group", key, Code::Suspended);
    Ok(())
}
