//! 3000: attacks by contents that are well made and come at the wrong time: on
//! the sequence, `next`, generations, ids and the floor. Each also over a
//! restart of the TA, which must know no less than before.

use proseal_client::Error;
use proseal_proto::content::Content;
use proseal_proto::error::Code;
use proseal_proto::id::PgkId;
use proseal_proto::limit;
use proseal_proto::message::{Outcome, Revoke};
use proseal_proto::test_command::{Scope, SetFloor};

use super::{Found, SEQUENCE, case, content, with_generations};
use crate::case::{Case, Verdict};
use crate::check::Context;
use crate::fixture::{self, GROUP, OTHER, TIME};

pub(super) const CASES: &[Case] = &[
    case(3001, "an older content after a revocation does nothing", older),
    case(3002, "a later content does not bring a revoked generation back", relisted),
    case(
        3003,
        "a group that went and came back has no ended generation, nor under another id",
        back,
    ),
    case(3004, "next does not fall, whatever a later content says", lower_next),
    case(3005, "a generation that time has ended does not come back by a longer window", ended),
    case(3006, "no PGK Id of the same five bits comes in, whatever its upper three", aliases),
    case(3007, "no generation changes hands: a held one keeps key, id and member", changed_hands),
    case(3008, "so many groups go that one's number would be forgotten: refused", forgotten),
    case(3009, "a suspended group stays so when it goes and comes back", suspended),
    case(3010, "the highest generation shuts its group for ever, and no other", highest),
    case(3011, "a revocation above what was configured is refused", above_next),
    case(3012, "the floor does not fall by any content", lower_floor),
    case(3013, "a content for an earlier start is not fresh", earlier_start),
];

/// Installs, and expects this outcome and device; from level 1 on also after a restart, before
/// what comes next.
fn taken(
    c: &mut Context,
    scope: Scope,
    content: &Content<'_>,
    outcome: Outcome,
    found: &Found,
) -> Verdict {
    let got = c.install(scope, content);
    let got = c.ok("install", got)?;
    c.equal("outcome", got, outcome);
    c.expect("the device", found)?;
    if c.level > 0 { restarted(c, found) } else { Ok(()) }
}

fn restarted(c: &mut Context, found: &Found) -> Verdict {
    c.forget();
    c.expect("the device after a restart", found)
}

/// The same, and expects the device also after a restart: the end of a case.
fn installed(
    c: &mut Context,
    scope: Scope,
    content: &Content<'_>,
    outcome: Outcome,
    found: &Found,
) -> Verdict {
    taken(c, scope, content, outcome, found)?;
    restarted(c, found)
}

/// Expects a refusal that changes nothing.
fn refused(c: &mut Context, content: &Content<'_>, code: Code) -> Verdict {
    for scope in [Scope::Whole, Scope::Added] {
        c.refused_content(scope, content, code);
    }
    Ok(())
}

/// A content with one more group, so that [`GROUP`] can go.
fn another_group(sequence: u64) -> Content<'static> {
    let group = fixture::group(GROUP + 1, vec![fixture::pgk(1, 11)]);
    fixture::content(sequence, vec![group])
}

fn older(c: &mut Context) -> Verdict {
    c.revoke_first()?;
    let left = Found::holding(SEQUENCE, &[2], 3);
    for scope in [Scope::Whole, Scope::Added] {
        taken(c, scope, &with_generations(SEQUENCE - 1, &[1]), Outcome::Superseded, &left)?;
        // The very content that brought it.
        taken(c, scope, &content(), Outcome::Same, &left)?;
    }
    restarted(c, &left)
}

fn relisted(c: &mut Context) -> Verdict {
    c.revoke_first()?;
    let mut sequence = SEQUENCE;
    for scope in [Scope::Added, Scope::Whole] {
        sequence += 1;
        let left = Found::holding(sequence, &[2], 3);
        taken(c, scope, &with_generations(sequence, &[1, 2]), Outcome::Partly, &left)?;
    }
    // Nor with other octets under the old number.
    let mut content = with_generations(sequence + 1, &[1, 2]);
    content.groups[0].pgks[0].key = fixture::key(99);
    let left = Found::holding(sequence + 1, &[2], 3);
    installed(c, Scope::Whole, &content, Outcome::Partly, &left)
}

fn back(c: &mut Context) -> Verdict {
    let gone = Found::holding(SEQUENCE + 1, &[], 0);
    let other = another_group(SEQUENCE + 1);
    let outcome = c.install(Scope::Whole, &other);
    c.ok("install", outcome)?;
    c.forget();
    let look = c.look()?;
    c.equal("the device without the group", look, gone);
    // Under another member id `receive` would give the device's own keys.
    let mut content = with_generations(SEQUENCE + 2, &[1, 2]);
    content.groups[0].member = fixture::member(OTHER);
    let left = Found::holding(SEQUENCE + 2, &[], 3);
    taken(c, Scope::Whole, &content, Outcome::Partly, &left)?;
    let left = Found::holding(SEQUENCE + 3, &[], 3);
    let content = with_generations(SEQUENCE + 3, &[1, 2]);
    installed(c, Scope::Whole, &content, Outcome::Partly, &left)
}

fn lower_next(c: &mut Context) -> Verdict {
    let mut content = with_generations(SEQUENCE + 1, &[]);
    content.groups[0].next = 9;
    c.applied(Scope::Added, &content)?;
    for (sequence, scope) in [(SEQUENCE + 2, Scope::Added), (SEQUENCE + 3, Scope::Whole)] {
        let mut content = with_generations(sequence, &[1, 2, 3]);
        content.groups[0].next = 1;
        let none = Found::holding(sequence, &[], 9);
        taken(c, scope, &content, Outcome::Partly, &none)?;
    }
    restarted(c, &Found::holding(SEQUENCE + 3, &[], 9))
}

fn ended(c: &mut Context) -> Verdict {
    let end = fixture::policy().not_after + u64::from(fixture::policy().receive_grace_s);
    let set = c.ta.call(&SetFloor { floor: end + 1 });
    c.ok("set floor", set)?;
    let mut content = with_generations(SEQUENCE + 1, &[1, 2]);
    for pgk in &mut content.groups[0].pgks {
        pgk.policy.not_after = end + 30 * 24 * 3600;
    }
    let left = Found::holding(SEQUENCE + 1, &[], 3);
    installed(c, Scope::Whole, &content, Outcome::Partly, &left)
}

fn aliases(c: &mut Context) -> Verdict {
    let before = c.status()?;
    for upper in 0..8 {
        let mut content = with_generations(SEQUENCE + 1, &[3]);
        content.groups[0].next = 1;
        content.groups[0].pgks[0].id = PgkId(upper << 5 | 2);
        // The windows need not meet: an index names one PGK, whatever the time.
        let policy = &mut content.groups[0].pgks[0].policy;
        policy.not_before = TIME + 365 * 24 * 3600;
        policy.not_after = policy.not_before + 1;
        c.refused_content(Scope::Added, &content, Code::PgkIdClash);
    }
    let after = c.status()?;
    c.that("nothing has changed", super::same(&before) == super::same(&after));
    Ok(())
}

fn changed_hands(c: &mut Context) -> Verdict {
    let change = |change: fn(&mut Content<'static>)| {
        let mut content = with_generations(SEQUENCE + 1, &[1, 2]);
        change(&mut content);
        content
    };
    let key = change(|content| content.groups[0].pgks[1].key = fixture::key(99));
    refused(c, &key, Code::GenerationConflict)?;
    let exchanged = change(|content| {
        content.groups[0].pgks[0].key = fixture::key(2);
        content.groups[0].pgks[1].key = fixture::key(1);
    });
    refused(c, &exchanged, Code::GenerationConflict)?;
    let id = change(|content| content.groups[0].pgks[1].id = PgkId(0x22));
    refused(c, &id, Code::GenerationConflict)?;
    let label = change(|content| {
        content.groups[0].pgks[1].policy.label = fixture::label("other");
    });
    refused(c, &label, Code::GenerationConflict)?;
    let member = change(|content| content.groups[0].member = fixture::member(OTHER));
    refused(c, &member, Code::MemberConflict)?;
    let repeated = change(|content| content.groups[0].pgks.push(fixture::pgk(3, 2)));
    refused(c, &repeated, Code::KeyRepeated)?;
    c.forget();
    c.expect("the device after a restart", &Found::whole())
}

fn forgotten(c: &mut Context) -> Verdict {
    c.revoke_first()?;
    // 16 groups at a time go, until no more can be remembered.
    let groups = |sequence: u64, round: usize| {
        let group =
            |at| fixture::group(GROUP + 0x100 + (round * limit::GROUPS + at) as u32, vec![]);
        fixture::content(sequence, (0..limit::GROUPS).map(group).collect())
    };
    let mut sequence = SEQUENCE;
    let refusal = loop {
        sequence += 1;
        match c.install(Scope::Whole, &groups(sequence, (sequence - SEQUENCE) as usize)) {
            Ok(Outcome::Applied) if sequence < SEQUENCE + 8 => {}
            other => break other,
        }
    };
    c.refused("install that would forget a number", refusal, Code::TooManyRemoved);
    // One group goes, so that the first can come back.
    let mut content = groups(sequence, (sequence - 1 - SEQUENCE) as usize);
    content.groups.pop();
    content.groups.insert(0, with_generations(1, &[1]).groups.remove(0));
    let outcome = c.install(Scope::Whole, &content);
    let outcome = c.ok("install of the group of before", outcome)?;
    c.equal("outcome", outcome, Outcome::Partly);
    c.forget();
    c.expect("the device", &Found::holding(sequence, &[], 3))
}

fn suspended(c: &mut Context) -> Verdict {
    c.suspend(true)?;
    c.applied(Scope::Whole, &another_group(SEQUENCE + 1))?;
    c.forget();
    c.applied(Scope::Whole, &with_generations(SEQUENCE + 2, &[3]))?;
    c.forget();
    c.expect("the device", &Found::holding(SEQUENCE + 2, &[3], 4).suspended())
}

fn highest(c: &mut Context) -> Verdict {
    let mut content = with_generations(SEQUENCE + 1, &[]);
    content.groups[0].pgks.push(fixture::pgk(limit::GENERATION, 9));
    content.groups[0].next = 1;
    content.groups.push(another_group(1).groups.remove(0));
    c.applied(Scope::Whole, &content)?;
    let shut = Found::holding(SEQUENCE + 2, &[], limit::GENERATION + 1);
    let mut content = with_generations(SEQUENCE + 2, &[1, 2, 3]);
    content.groups.push(another_group(1).groups.remove(0));
    let outcome = c.install(Scope::Whole, &content);
    let outcome = c.ok("install", outcome)?;
    c.equal("outcome", outcome, Outcome::Partly);
    c.forget();
    c.expect("the device after a restart", &shut)?;
    let sent = c.send(GROUP + 1, 1);
    c.ok("send in the other group", sent).map(drop)
}

fn above_next(c: &mut Context) -> Verdict {
    for below in [4, 1000, limit::GENERATION] {
        let (group, below) = (fixture::group_id(GROUP), fixture::generation(below));
        let revoked = c.ta.call(&Revoke { group, below });
        c.refused("revoke", revoked, Code::AboveNext);
    }
    c.expect("the device", &Found::whole())
}

fn lower_floor(c: &mut Context) -> Verdict {
    let before = c.status()?.floor;
    for (sequence, time) in [(1, 0), (2, 1), (3, TIME - 1)] {
        let mut content = with_generations(SEQUENCE + sequence, &[1, 2]);
        content.time = time;
        c.applied(Scope::Whole, &content)?;
        let set = c.ta.call(&SetFloor { floor: time });
        c.ok("set floor", set)?;
        c.forget();
        let after = c.status()?.floor;
        c.that("the floor has not fallen", after >= before);
    }
    Ok(())
}

/// News for a start that is over must not let a sender go on.
fn earlier_start(c: &mut Context) -> Verdict {
    let news = |sequence: u64, nonce: [u8; 32]| {
        let mut content = with_generations(sequence, &[1, 2]);
        content.start_nonce = Some(nonce);
        content.groups[0].pgks[0].policy.max_unsynced_s = 1;
        content
    };
    let earlier = c.status()?.start_nonce;
    c.applied(Scope::Whole, &news(SEQUENCE + 1, earlier))?;
    c.forget();
    let status = c.status()?;
    c.differ("the two starts' nonces", &status.start_nonce, &earlier);
    c.passed_until(|status| status.unsynced_s > 1)?;
    let sent = c.send(GROUP, 1).map(drop);
    c.equal("send without news", sent.err(), Some(Error::Refused(Code::Unsynced)));
    c.applied(Scope::Whole, &news(SEQUENCE + 2, earlier))?;
    let sent = c.send(GROUP, 1);
    c.refused("send with news for an earlier start", sent, Code::Unsynced);
    let status = c.status()?;
    let mut fresh = news(SEQUENCE + 3, status.start_nonce);
    fresh.time = status.floor + 10;
    c.applied(Scope::Whole, &fresh)?;
    let sent = c.send(GROUP, 1);
    c.ok("send with news for this start", sent).map(drop)
}
