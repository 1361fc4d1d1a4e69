//! 1000: what the TA says of itself and of the device, and its sessions.

use std::time::Duration;

use proseal_proto::content::{Content, Label};
use proseal_proto::error::Code;
use proseal_proto::id::{DeviceId, EpochSalt};
use proseal_proto::message::{
    DeviceState, Events, Outcome, PgkState, ReceiveItem, Revoke, Suspend, Version, VersionReply,
};
use proseal_proto::profile::{Profile, Suite};
use proseal_proto::test_command::{GcmOpen, Kdf, Marks, MarksReply, Scope};
use proseal_proto::{PROTO_VERSION, limit};

use super::case;
use crate::case::{Case, Stop, Verdict};
use crate::check::Context;
use crate::fixture::{self, GROUP, MEMBER, OTHER, TIME};

pub(in crate::cases) const CASES: &[Case] = &[
    case(1001, "version: protocol, build, limits, rollback protection", version),
    case(1002, "status of a factory device is empty", status_of_factory),
    case(1003, "status has what was installed", status_of_enrolled),
    case(1004, "two sessions see one state", two_sessions),
    case(1005, "16 sessions are open at once", sixteen_sessions),
    case(1007, "refusals are counted", refusals),
    case(1008, "no command goes deeper than is wiped; stack and heap keep a quarter free", marks),
];

/// Sessions beside the case's own: many, and so few that those of the case
/// before may still be closing.
const SESSIONS: usize = 40;
/// What is wiped of the stack after each command, octets (ta/src/stack.rs).
const STACK_WIPED: u32 = 7 * 1024;
/// After one that checks signatures, or has one made.
const STACK_WIPED_SIGNED: u32 = 10 * 1024;
/// What the stack's high-water mark counts above that: 2,048 that are never
/// painted (ta/test/src/marks.rs), and less than 512 of the entry point.
const STACK_ABOVE: u32 = 2_048 + 512;

fn version(c: &mut Context) -> Verdict {
    let version = c.ta.call(&Version);
    let version = c.ok("version", version)?;
    c.equal("protocol version", version.proto, PROTO_VERSION);
    c.equal("build", version.build, VersionReply::TEST_BUILD);
    c.equal("groups", usize::from(version.groups), limit::GROUPS);
    c.equal("PGKs", usize::from(version.pgks), limit::PGKS);
    c.equal("batch", usize::from(version.batch), limit::BATCH);
    c.equal("request_max", version.request_max as usize, limit::REQUEST_MAX);
    c.equal("response_max", version.response_max as usize, limit::RESPONSE_MAX);
    c.above("ta_version > 0", version.ta_version, 0_u32);
    let level = version.rollback_protection;
    c.note(format!("TA version {}, rollback protection {level}", version.ta_version));
    c.that("rollback protection is a level of GlobalPlatform", [0, 100, 1000].contains(&level));
    Ok(())
}

fn status_of_factory(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.is_factory()?;
    let status = c.status()?;
    c.equal("floor", status.floor, 0);
    c.equal("sequence", status.sequence, 0);
    c.equal("device id", status.device, DeviceId::NONE);
    c.octets("root key", &status.root_key, &[0; 32]);
    c.octets("manager id", &status.manager, &[0; 16]);
    c.equal("signer version", status.signer_version, 0);
    c.equal("unsynced_s", status.unsynced_s, 0);
    c.differ("start nonce and zeros", &status.start_nonce, &[0; 32]);
    let again = c.status()?;
    c.octets("start nonce, again", &again.start_nonce, &status.start_nonce);
    Ok(())
}

fn status_of_enrolled(c: &mut Context) -> Verdict {
    c.fresh()?;
    let mut pgk = fixture::pgk(0x21, 1);
    pgk.policy.suite = Suite::Integrity;
    pgk.policy.send_grace_s = 77;
    let content = fixture::content(
        9,
        vec![
            fixture::group(GROUP, vec![fixture::pgk(7, 0), pgk]),
            fixture::group(GROUP + 1, vec![]),
        ],
    );
    c.applied(Scope::Whole, &content)?;

    let status = c.status()?;
    c.equal("device state", status.state, DeviceState::Enrolled);
    c.equal("sequence", status.sequence, 9);
    c.floor_since(status.floor, TIME);
    c.equal("groups", status.groups.len(), 2);
    let groups: [_; 2] = status.groups.try_into().map_err(|_| Stop::Failed)?;
    let [group, bare] = groups;
    c.equal("group", group.group, fixture::group_id(GROUP));
    c.equal("member", group.member, fixture::member(MEMBER));
    c.equal("next", group.next, 0x22);
    c.that("not suspended", !group.suspended);
    c.equal("bare group", bare.group, fixture::group_id(GROUP + 1));
    c.equal("bare group's next", bare.next, 1);
    c.equal("bare group's PGKs", bare.pgks.len(), 0);

    c.equal("PGKs", group.pgks.len(), 2);
    let pgks: [_; 2] = group.pgks.try_into().map_err(|_| Stop::Failed)?;
    let [first, second] = pgks;
    c.equal("first generation", first.generation, fixture::generation(7));
    c.equal("first suite", first.suite, Suite::Aead);
    c.equal("generation", second.generation, fixture::generation(0x21));
    c.equal("PGK Id", second.pgk_id.0, 0x21);
    c.equal("profile", second.profile, Profile::HkdfSha256);
    c.equal("suite", second.suite, Suite::Integrity);
    c.equal("PGK state", second.state, PgkState::Held);
    c.equal("not_before", second.not_before, fixture::policy().not_before);
    c.equal("not_after", second.not_after, fixture::policy().not_after);
    c.equal("receive_grace_s", second.receive_grace_s, 600);
    c.equal("send_grace_s", second.send_grace_s, 77);
    c.equal("epochs left", second.epochs_left, u16::MAX);

    let sent = c.send(GROUP, 0x21);
    c.ok("send", sent)?;
    let group = c.status()?.groups.into_iter().next();
    let left = group.and_then(|group| group.pgks.get(1).map(|pgk| pgk.epochs_left));
    c.equal("epochs left after one", left, Some(u16::MAX - 1));
    Ok(())
}

fn two_sessions(c: &mut Context) -> Verdict {
    c.fresh()?;
    let mut other = c.target.client();
    c.applied(Scope::Whole, &fixture::one_pgk())?;
    let seen = other.call(&proseal_proto::message::Status);
    let seen = c.ok("status in the other session", seen)?;
    c.equal("its sequence", seen.sequence, 1);
    c.equal("its groups", seen.groups.len(), 1);
    let here = c.status()?;
    c.octets("one start nonce", &seen.start_nonce, &here.start_nonce);

    let first = c.send(GROUP, 1);
    let first = c.ok("send here", first)?;
    let second = other.call(&proseal_proto::message::Send {
        group: fixture::group_id(GROUP),
        generation: fixture::generation(1),
    });
    let second = c.ok("send there", second)?;
    c.equal("the next PTK Id", second.ptk_id.get(), first.ptk_id.get() + 1);
    Ok(())
}

fn sixteen_sessions(c: &mut Context) -> Verdict {
    c.with_content(&fixture::one_pgk())?;
    let mut sessions: Vec<_> = (0..16).map(|_| c.target.client()).collect();
    // The first call of each opens it; the second meets all of them open.
    let mut ids = Vec::new();
    for round in 1..=2 + c.level {
        for (at, session) in sessions.iter_mut().enumerate() {
            let sent = session.call(&proseal_proto::message::Send {
                group: fixture::group_id(GROUP),
                generation: fixture::generation(1),
            });
            ids.push(c.ok(&format!("send in session {at}, round {round}"), sent)?.ptk_id.get());
        }
    }
    c.that("PTK Ids grow over all sessions", ids.windows(2).all(|pair| pair[0] < pair[1]));
    Ok(())
}

fn refusals(c: &mut Context) -> Verdict {
    c.fresh()?;
    let before = c.status()?.refusals;
    for _ in 0..3 {
        let sent = c.send(GROUP, 1);
        c.refused("send in factory state", sent, Code::WrongState);
    }
    let after = c.status()?.refusals;
    c.equal("three more refusals", after, before + 3);
    let still = c.status()?.refusals;
    c.equal("a success is not counted", still, after);
    Ok(())
}

/// The wipe after any command sets the stack's high-water mark, as far down as
/// it goes. So a command that goes deeper, by a single octet, shows: it would
/// leave octets there that nothing wipes.
fn marks(c: &mut Context) -> Verdict {
    c.fresh()?;
    // Of a TA that has just started: nothing went deeper before.
    c.target.restart();
    c.ta = c.target.client();
    let version = c.ta.call(&Version);
    c.ok("the first command, and the wipe after it", version)?;
    let wiped = c.marks()?.stack_high;

    largest_workload(c)?;
    let usual = c.marks()?.stack_high;
    largest_package(c)?;
    let marks = c.marks()?;
    if marks.stack_size == 0 {
        return Err(Stop::Skipped(String::from("this platform has no gauge")));
    }
    for (name, high, size) in
        [("stack", marks.stack_high, marks.stack_size), ("heap", marks.heap_high, marks.heap_size)]
    {
        c.note(format!("{name}: {high} of {size} octets used at most"));
        c.above("high-water mark > 0", high, 0_u32);
        c.above("3/4 of the size > high-water mark", size / 4 * 3, high);
    }
    // That it is the wipe's mark and no other.
    c.above("mark of a small command > what is wiped", wiped, STACK_WIPED);
    c.above("what is wiped, and is above > that mark", STACK_WIPED + STACK_ABOVE, wiped);
    c.equal("the mark after the deepest commands", usual, wiped);
    let signed = wiped + (STACK_WIPED_SIGNED - STACK_WIPED);
    c.equal("the mark after the deepest of all", marks.stack_high, signed);
    Ok(())
}

impl Context {
    #[track_caller]
    fn marks(&mut self) -> Result<MarksReply, Stop> {
        let marks = self.ta.call(&Marks);
        self.ok("marks", marks)
    }
}

/// The largest content, with one root and one PGK of the other profile a group.
fn largest_of_all_kinds(sequence: u64) -> Content<'static> {
    let mut content = fixture::largest(sequence);
    for group in &mut content.groups {
        group.pgks[1].is_root = true;
        let policy = &mut group.pgks[2].policy;
        (policy.profile, policy.suite) = (Profile::Ts33303, Suite::ThreeGpp);
        (policy.label, policy.accept_rollback) = (Label::EMPTY, true);
    }
    content
}

/// What the TA's memory must bear all at once: the largest state, replaced by
/// the largest request, while many sessions are open; then each other command.
fn largest_workload(c: &mut Context) -> Verdict {
    let mut others: Vec<_> = (0..SESSIONS).map(|_| c.target.client()).collect();
    for other in &mut others {
        let version = other.call(&Version);
        c.ok("a session more", version)?;
    }
    for sequence in [1, 2] {
        let content = fixture::padded(&largest_of_all_kinds(sequence));
        let outcome = c.install_octets(Scope::Whole, &content);
        c.ok("install of the largest request", outcome)?;
    }
    // Of each profile in the first group; at level 0 of the others the last alone, since each
    // reserves a block: a write.
    let step = if c.level == 0 { limit::GROUPS - 1 } else { 1 };
    let groups = (0..limit::GROUPS).step_by(step);
    for (group, generation) in groups.map(|group| (group, 4)).chain([(0, 3)]) {
        let sent = c.send(fixture::numbered_group(group), generation);
        c.ok("send", sent)?;
    }
    let batch = |generation, salt: fn(ReceiveItem) -> EpochSalt| {
        let ids = 1..=limit::BATCH as u16;
        let epochs = ids.map(|ptk_id| fixture::epoch(GROUP, generation, OTHER, ptk_id));
        epochs.map(|epoch| ReceiveItem { salt: salt(epoch), ..epoch }).collect()
    };
    let unsalted = c.receive(batch(3, |_| EpochSalt::NONE));
    let unsalted = c.ok("receive of a whole batch without salts", unsalted)?;
    c.that("all of it are keys", unsalted.iter().all(Result::is_ok));

    // A key that ends: the next command erases it, before it looks at its own.
    let mut ending = largest_of_all_kinds(3);
    let policy = &mut ending.groups[0].pgks[3].policy;
    (policy.not_after, policy.receive_grace_s) = (c.status()?.floor + 2, 0);
    c.applied(Scope::Whole, &ending)?;
    c.target.pass(Duration::from_secs(3));
    let keys = c.receive(batch(1, |epoch| epoch.salt));
    let keys = c.ok("receive of a whole batch", keys)?;
    c.that("all of it are keys too", keys.iter().all(Result::is_ok));
    let held = c.status()?.groups[0].pgks.len();
    c.equal("PGKs of the group of which one has ended", held, limit::PGKS - 1);

    let (group, below) = (fixture::group_id(GROUP), fixture::generation(2));
    let key = c.admission(GROUP, 2);
    c.ok("admission", key)?;
    let suspended = c.ta.call(&Suspend { group, on: true });
    c.ok("suspend", suspended)?;
    let revoked = c.ta.call(&Revoke { group, below });
    c.ok("revoke", revoked)?;
    let events = c.ta.call(&Events { since: 0 });
    c.ok("events", events)?;
    let parameters = vec![&[2; 3][..], &[3; 6]];
    let derived = c.ta.call(&Kdf { fc: 0x10, key: &[1; 32], parameters });
    c.ok("kdf", derived)?;
    // McGrew and Viega, "The Galois/Counter Mode of Operation", test case 2.
    let sealed = 0x0388_dace_60b6_a392_f328_c2b9_71b2_fe78_u128.to_be_bytes();
    let tag = 0xab6e_47d4_2cec_13bd_f53a_67b2_1257_bddf_u128.to_be_bytes();
    let sealed = &[sealed, tag].concat();
    let opened = c.ta.call(&GcmOpen { key: [0; 16], nonce: [0; 12], aad: &[], sealed });
    let opened = c.ok("gcm open", opened)?.text;
    c.that("it is authentic", opened.is_some());
    let erased = c.erase(DeviceId::NONE);
    c.ok("erase", erased)
}

/// What is signed and sealed: the largest state, in a package as long as any can
/// be, a notice, a statement.
fn largest_package(c: &mut Context) -> Verdict {
    c.enrolled()?;
    let mut manager = c.manager_of_enrolled()?;
    c.imported(&manager.package(&manager.largest(1)), Outcome::Applied)?;
    manager.sequence += 1;
    c.imported(&manager.longest(1), Outcome::Applied)?;
    c.imported(manager.notice(1 << 20).octets(), Outcome::Applied)?;
    c.statement()?;
    c.fresh()
}
