//! 3100: erasing. 3200: how keys end, and what is told of it.

use proseal_client::Error;
use proseal_proto::content::Content;
use proseal_proto::error::Code;
use proseal_proto::id::DeviceId;
use proseal_proto::message::{EventKind, Events, Outcome, PgkState, Revoke, Suspend};
use proseal_proto::role::Role;
use proseal_proto::test_command::{Scope, SetFloor};

use super::case;
use crate::case::{Case, Verdict};
use crate::check::Context;
use crate::fixture::{self, GROUP, OTHER, TIME};

pub(in crate::cases) const CASES: &[Case] = &[
    case(3101, "erase with another device id is refused and changes nothing", wrong_device),
    case(3102, "erase leaves nothing to derive from", erase_empties),
    case(3103, "erase of a factory device succeeds", erase_factory),
    case(3201, "a key is held, then for receiving only, then gone", ends_by_time),
    case(3202, "the floor goes on with powered time, and only forward", floor),
    case(3203, "a suspended group derives nothing, over an end of the TA", suspended),
    case(3204, "only the administrator lets a suspended group go on", resumed_by_whom),
    case(3205, "a revoked generation is gone for ever", revoked),
    case(3206, "sending stops without news, and goes on with them", unsynced),
    case(3207, "events tell what has happened, in order", told),
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
    c.with_content(&fixture::one_pgk())?;
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

/// [`GROUP`] with generations 1 and 2, of which the first ends 100 seconds
/// after the content's time, with a grace of 20 for sending and 50 for receiving.
fn mortal(sequence: u64) -> Content<'static> {
    let mut content = fixture::content(
        sequence,
        vec![fixture::group(GROUP, vec![fixture::pgk(1, 0), fixture::pgk(2, 1)])],
    );
    let policy = &mut content.groups[0].pgks[0].policy;
    policy.not_after = TIME + 100;
    (policy.send_grace_s, policy.receive_grace_s) = (20, 50);
    content
}

impl Context {
    /// Raises the floor.
    #[track_caller]
    fn set_floor(&mut self, floor: u64) -> Verdict {
        let set = self.ta.call(&SetFloor { floor });
        self.ok("set floor", set).map(drop)
    }

    /// Expects sending and receiving with a generation to end so.
    #[track_caller]
    fn derives(
        &mut self,
        generation: u64,
        sends: Result<(), Code>,
        receives: Result<(), Code>,
    ) -> Verdict {
        let sent = self.send(GROUP, generation).map(drop);
        self.equal("send", sent, sends.map_err(Error::Refused));
        let items = self.receive(vec![fixture::epoch(GROUP, generation, OTHER, 1)]);
        let keys = self.ok("receive", items)?.pop().map(|keys| keys.map(drop));
        self.equal("receive", keys, Some(receives));
        Ok(())
    }

    /// The TA ends, and starts anew with the next call.
    fn restart_ta(&mut self) -> Verdict {
        let before = self.status()?.start_nonce;
        self.target.restart();
        let after = self.status()?.start_nonce;
        self.differ("start nonce and that of the start before", &after, &before);
        Ok(())
    }
}

fn ends_by_time(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.applied(Scope::Whole, &mortal(1))?;
    c.derives(1, Ok(()), Ok(()))?;
    c.set_floor(TIME + 101)?;
    c.derives(1, Ok(()), Ok(()))?;
    c.set_floor(TIME + 121)?;
    c.derives(1, Err(Code::ReceiveOnly), Ok(()))?;
    let state = c.status()?.groups[0].pgks[0].state;
    c.equal("state", state, PgkState::ReceiveOnly);
    c.set_floor(TIME + 151)?;
    let gone = Err(Code::UnknownGeneration);
    c.derives(1, gone, gone)?;
    c.derives(2, Ok(()), Ok(()))?;
    c.restart_ta()?;
    c.derives(1, gone, gone)?;
    // Its windows cannot be opened again.
    let mut extended = mortal(2);
    extended.groups[0].pgks[0].policy.not_after = TIME + 1_000_000;
    let outcome = c.install(Scope::Whole, &extended);
    let outcome = c.ok("install", outcome)?;
    c.equal("outcome", outcome, Outcome::Partly);
    c.derives(1, gone, gone)
}

fn floor(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.applied(Scope::Whole, &mortal(1))?;
    let before = c.status()?.floor;
    let after = c.passed_until(|status| status.floor > before)?.floor;
    c.that("at least a second has passed", (before + 1..before + 60).contains(&after));
    c.set_floor(TIME)?;
    let floor = c.status()?.floor;
    c.that("what is below the floor changes nothing", floor >= after);
    c.set_floor(TIME + 50)?;
    c.restart_ta()?;
    let floor = c.status()?.floor;
    c.floor_since(floor, TIME + 50);
    Ok(())
}

fn suspended(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.applied(Scope::Whole, &mortal(1))?;
    let group = fixture::group_id(GROUP);
    let done = c.ta.call(&Suspend { group, on: true });
    c.ok("suspend", done)?;
    c.derives(2, Err(Code::Suspended), Err(Code::Suspended))?;
    c.restart_ta()?;
    c.derives(2, Err(Code::Suspended), Err(Code::Suspended))?;
    let content = fixture::content(2, vec![]);
    c.applied(Scope::Whole, &content)?;
    let back = fixture::content(3, vec![fixture::group(GROUP, vec![fixture::pgk(7, 2)])]);
    c.applied(Scope::Whole, &back)?;
    c.derives(7, Err(Code::Suspended), Err(Code::Suspended))
}

fn resumed_by_whom(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.applied(Scope::Whole, &mortal(1))?;
    let suspend = |on| Suspend { group: fixture::group_id(GROUP), on };
    let set = |c: &mut Context, role: Role, on: bool, code: Option<Code>| {
        let done = c.target.client_as(role).call(&suspend(on)).map(drop);
        c.equal(
            &format!("{} sets {on}", role.name()),
            done,
            code.map_or(Ok(()), |code| Err(Error::Refused(code))),
        );
    };
    let stopped = Err(Code::Suspended);
    set(c, Role::Daemon, true, None);
    set(c, Role::Daemon, false, Some(Code::NotPermitted));
    c.derives(2, stopped, stopped)?;
    set(c, Role::Administrator, false, None);
    c.derives(2, Ok(()), Ok(()))?;
    set(c, Role::Administrator, true, None);
    c.derives(2, stopped, stopped)
}

fn revoked(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.applied(Scope::Whole, &mortal(1))?;
    let revoke =
        |below| Revoke { group: fixture::group_id(GROUP), below: fixture::generation(below) };
    let above = c.ta.call(&revoke(4));
    c.refused("revoke above next", above, Code::AboveNext);
    let done = c.ta.call(&revoke(2));
    c.ok("revoke", done)?;
    let gone = Err(Code::UnknownGeneration);
    c.derives(1, gone, gone)?;
    c.derives(2, Ok(()), Ok(()))?;
    c.restart_ta()?;
    let outcome = c.install(Scope::Whole, &mortal(2));
    let outcome = c.ok("install", outcome)?;
    c.equal("outcome", outcome, Outcome::Partly);
    c.derives(1, gone, gone)?;
    let done = c.ta.call(&revoke(3));
    c.ok("revoke all", done)?;
    c.derives(2, gone, gone)
}

fn unsynced(c: &mut Context) -> Verdict {
    c.fresh()?;
    let mut content = fixture::one_pgk();
    content.groups[0].pgks[0].policy.max_unsynced_s = 1;
    content.start_nonce = Some(c.status()?.start_nonce);
    c.applied(Scope::Whole, &content)?;
    c.passed_until(|status| status.unsynced_s > 1)?;
    c.derives(1, Err(Code::Unsynced), Ok(()))?;
    (content.sequence, content.start_nonce) = (2, Some([7; 32]));
    c.applied(Scope::Whole, &content)?;
    c.derives(1, Err(Code::Unsynced), Ok(()))?;
    (content.sequence, content.start_nonce) = (3, Some(c.status()?.start_nonce));
    c.applied(Scope::Whole, &content)?;
    // It was made before all that time went by.
    c.derives(1, Err(Code::Unsynced), Ok(()))?;
    (content.sequence, content.time) = (4, c.status()?.floor + 10);
    c.applied(Scope::Whole, &content)?;
    c.derives(1, Ok(()), Ok(()))
}

fn told(c: &mut Context) -> Verdict {
    use EventKind::{Ended, Installed, Refreshed, Resumed, Revoked, Suspended};
    c.fresh()?;
    c.applied(Scope::Whole, &mortal(1))?;
    let (group, below) = (fixture::group_id(GROUP), fixture::generation(3));
    let sent = c.send(GROUP, 2);
    c.ok("send", sent)?;
    for on in [true, false] {
        let done = c.ta.call(&Suspend { group, on });
        c.ok("suspend", done)?;
    }
    c.set_floor(TIME + 151)?;
    let done = c.ta.call(&Revoke { group, below });
    c.ok("revoke", done)?;
    c.restart_ta()?;
    let events = c.ta.call(&Events { since: 0 });
    let events = c.ok("events", events)?;
    let told: Vec<_> = events.events.iter().map(|e| (e.number, e.kind, e.generation)).collect();
    let expected = [
        (0, Installed, 1),
        (1, Installed, 2),
        (2, Refreshed, 2),
        (3, Suspended, 0),
        (4, Resumed, 0),
        (5, Ended, 1),
        (6, Revoked, 3),
    ];
    c.that(&format!("{told:?} is what has happened"), told == expected);
    c.equal("the next one", events.next, 7);
    let later = c.ta.call(&Events { since: 6 });
    let later = c.ok("events", later)?;
    c.equal("events from 6 on", later.events.len(), 1);
    Ok(())
}
