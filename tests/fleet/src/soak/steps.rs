//! Radios that go away at each step of what they do: the answer is lost, the radio is started
//! anew, or its power goes at a write. Asked again, all is as it should be.

use super::desk::Desk;
use super::judge::Judge;
use super::life::Life;
use super::{GROUPS, Shared};
use crate::failure::Failure;
use crate::manager::Manager;
use crate::radio::Cut;

/// What it does when it goes away, after those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Enrol,
    Join,
    Update,
}

/// How it goes away.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Its conversation ends; whether its memory is lost, too.
    Cut(Cut, bool),
    /// Its power goes at the write after so many.
    Power(u32),
}

/// Each step of each act, by a radio of its own; how many.
pub(super) fn run(
    manager: &Manager,
    shared: &Shared,
    desk: &mut Desk,
    judge: &mut Judge,
) -> Result<usize, Failure> {
    let mut gone = Vec::new();
    for act in [Act::Enrol, Act::Join, Act::Update] {
        for is_sent in [false, true] {
            for is_restarted in [false, true] {
                let ways = (0..).map(|spared| Way::Cut(Cut { spared, is_sent }, is_restarted));
                each(manager, shared, desk, (act, ways), &mut gone)?;
            }
        }
        each(manager, shared, desk, (act, (0..).map(Way::Power)), &mut gone)?;
    }
    // Nobody has asked again.
    judge.acknowledged(&gone, &[], desk, shared)?;
    for life in &mut gone {
        life.settle(manager, shared)?;
        life.forget_doubts();
    }
    judge.acknowledged(&gone, &[], desk, shared)?;
    judge.converged(manager, &gone, shared)?;
    Ok(gone.len())
}

/// One step after the other, until there are no more.
fn each(
    manager: &Manager,
    shared: &Shared,
    desk: &mut Desk,
    (act, ways): (Act, impl Iterator<Item = Way>),
    gone: &mut Vec<Life>,
) -> Result<(), Failure> {
    for way in ways {
        let mut life = Life::begin(manager, shared)?;
        life.radio.invite(manager)?;
        if act > Act::Enrol {
            life.enrol(manager, shared)?;
        }
        if act > Act::Join {
            life.join(manager, GROUPS[0])?;
            desk.replace(manager, shared)?;
        }
        match way {
            Way::Cut(cut, _) => life.radio.cut = Some(cut),
            Way::Power(writes) => life.radio.power_goes_after(writes),
        }
        let done = match act {
            Act::Enrol => life.enrol(manager, shared),
            Act::Join => life.join(manager, GROUPS[0]),
            Act::Update => life.radio.update(manager).map(drop),
        };
        let went = life.radio.is_off();
        if matches!(way, Way::Power(_) | Way::Cut(_, true)) {
            life.radio.restart();
        }
        let is_last = !went && done.is_ok();
        match done {
            Err(Failure::Lost(_)) | Ok(()) => {}
            Err(Failure::Radio(_)) if went => {}
            Err(failure) => return Err(Failure::Wrong(format!("{act:?}, {way:?}: {failure}"))),
        }
        gone.push(life);
        if is_last {
            return Ok(());
        }
    }
    Ok(())
}
