//! 5000: notices.

use proseal_issuer::testing::{Value, fault};
use proseal_issuer::{ManagerId, Notice};
use proseal_proto::error::Code;
use proseal_proto::message::Outcome;

use super::case;
use crate::case::{Case, Stop, Verdict};
use crate::check::Context;
use crate::device::lasting;
use crate::fixture::{self, GROUP, OTHER, TIME};
use crate::manager::{LastGood, MANAGER, Manager, group, pgk, root, signer};

pub(super) const CASES: &[Case] = &[
    case(5001, "a notice ends what is below its number, and silences the group", ends),
    case(5003, "a revocation dropped on the way is in the next package", dropped),
    case(5004, "a package of before a notice does not undo it", undone),
    case(5005, "the same notice again is the same, an older one superseded", again),
    case(5006, "a notice of another group does nothing", another_group),
    case(5007, "a notice for a removed group raises its number", of_removed),
    case(5008, "a notice's time moves no floor", time),
    case(5009, "a newer signer's notice refuses the older signer's package", newer_signer),
    case(5010, "a notice by an older signer", older_signer),
    case(5011, "a notice of another manager", another_manager),
    case(5012, "a notice by another root", another_root),
    case(5013, "a notice with a changed octet", changed),
    case(5014, "a number of 0, or above 2^48", number),
    case(5015, "a notice whose payload is not the format's", payload),
    case(5016, "a notice with a device id in its header", addressed),
    case(5017, "the type of a package", package_type),
    case(5018, "another algorithm", algorithm),
    case(5019, "a notice that is too long", too_long),
    // Its group has no number left.
    case(5002, "a notice goes above every generation that was given", above),
];

/// Of a notice, and the plain package that brings the next key.
static NOTICE: LastGood = LastGood::none();

/// A notice that lacks nothing, changed and signed.
fn with(manager: &Manager, change: impl FnOnce(&mut fault::Sign1)) -> Vec<u8> {
    let mut notice = fault::notice(&manager.notice(1));
    change(&mut notice);
    notice.sign(&manager.signer)
}

impl Context {
    /// A notice as it should be is the last that was applied: by this case, or at level 0
    /// by one before it; the manager after it.
    #[track_caller]
    fn after_a_good_notice(&mut self) -> Result<Manager, Stop> {
        if self.is_after(&NOTICE)? {
            return self.manager();
        }
        let manager = self.manager()?;
        let before = self.status()?;
        self.imported(&with(&manager, |_| ()), Outcome::Applied)?;
        let after = self.status()?;
        self.that("it is good", after.groups != before.groups);
        self.has_applied = true;
        let manager = self.manager()?;
        self.note_good(&NOTICE)?;
        Ok(manager)
    }

    /// After a good one a notice with one fault is refused with `code`.
    #[track_caller]
    fn refused_notice(&mut self, code: Code, change: impl FnOnce(&mut fault::Sign1)) -> Verdict {
        let manager = self.after_a_good_notice()?;
        self.refused_octets_of_package(&with(&manager, change), code)
    }
}

fn ends(c: &mut Context) -> Verdict {
    let manager = c.manager()?;
    c.imported(manager.notice(1).octets(), Outcome::Applied)?;
    let keys = c.receive(vec![fixture::epoch(GROUP, manager.first, OTHER, 1)]);
    let keys = c.ok("receive", keys)?;
    c.that("the PGK is gone", matches!(keys[..], [Err(Code::UnknownGeneration)]));
    let sent = c.send(GROUP, manager.first);
    c.refused("send", sent, Code::UnknownGeneration);
    let held = c.statement()?.held_digest;
    c.octets("PGKs", &held, &proseal_issuer::held_digest([]));
    Ok(())
}

fn above(c: &mut Context) -> Verdict {
    let mut manager = c.manager()?;
    c.imported(manager.notice((1 << 48) - manager.first).octets(), Outcome::Applied)?;
    manager.sequence += 1;
    let state = manager.state(vec![group(GROUP, vec![pgk((1 << 48) - 1)])]);
    c.imported(&manager.package(&state), Outcome::Partly)?;
    manager.sequence += 1;
    let state = manager.state(vec![group(GROUP, vec![pgk(1 << 48)])]);
    c.imported(&manager.package(&state), Outcome::Applied)
}

/// Somebody on the way keeps the notice from the device. The next package ends the
/// same, since it says the group's number.
fn dropped(c: &mut Context) -> Verdict {
    let manager = c.manager()?;
    c.imported(&manager.package(&manager.holding(&[3])), Outcome::Applied)?;
    let keys = c.receive(vec![fixture::epoch(GROUP, manager.first, OTHER, 1)]);
    let keys = c.ok("receive", keys)?;
    c.that("the PGK is gone", matches!(keys[..], [Err(Code::UnknownGeneration)]));
    c.imported(manager.notice(3).octets(), Outcome::Superseded)
}

fn undone(c: &mut Context) -> Verdict {
    let manager = c.manager()?;
    let package = manager.package(&manager.holding(&[0, 1]));
    c.imported(manager.notice(2).octets(), Outcome::Applied)?;
    c.imported(&package, Outcome::Partly)?;
    let status = c.status()?;
    c.that("none of its PGKs is held", status.groups.iter().all(|group| group.pgks.is_empty()));
    Ok(())
}

fn again(c: &mut Context) -> Verdict {
    let manager = c.manager()?;
    c.imported(manager.notice(5).octets(), Outcome::Applied)?;
    let before = c.status()?;
    c.imported(manager.notice(5).octets(), Outcome::Same)?;
    c.imported(manager.notice(4).octets(), Outcome::Superseded)?;
    let after = c.status()?;
    c.that("nothing changes", lasting(&before) == lasting(&after));
    Ok(())
}

fn another_group(c: &mut Context) -> Verdict {
    let manager = c.manager()?;
    let before = c.status()?;
    // One that no case was ever in.
    let (group, below) = (fixture::group_id(GROUP + 0x100), fixture::generation(7));
    let notice = Notice::sign(&manager.signer, group, below, TIME);
    c.imported(notice.octets(), Outcome::Same)?;
    let after = c.status()?;
    c.that("nothing changes", lasting(&before) == lasting(&after));
    Ok(())
}

fn of_removed(c: &mut Context) -> Verdict {
    let mut manager = c.manager()?;
    c.imported(&manager.package(&manager.state(Vec::new())), Outcome::Applied)?;
    c.imported(manager.notice(7).octets(), Outcome::Applied)?;
    manager.sequence += 1;
    c.imported(&manager.package(&manager.holding(&[6])), Outcome::Partly)?;
    manager.sequence += 1;
    c.imported(&manager.package(&manager.holding(&[7])), Outcome::Applied)
}

fn time(c: &mut Context) -> Verdict {
    let manager = c.manager()?;
    let before = c.status()?.floor;
    let (group, below) = (fixture::group_id(GROUP), fixture::generation(manager.first + 9));
    let notice = Notice::sign(&manager.signer, group, below, TIME + 365 * 24 * 3600);
    c.imported(notice.octets(), Outcome::Applied)?;
    let after = c.status()?.floor;
    c.floor_since(after, before);
    Ok(())
}

fn newer_signer(c: &mut Context) -> Verdict {
    let mut manager = c.manager()?;
    let package = manager.package(&manager.plain());
    let newer = manager.version + 1;
    manager.signer = signer(&manager.root, newer, MANAGER);
    // The version alone is kept.
    c.imported(manager.notice(0).octets(), Outcome::Superseded)?;
    let version = c.status()?.signer_version;
    c.equal("signer version", version, newer);
    c.refused_octets_of_package(&package, Code::SignerSuperseded)
}

fn older_signer(c: &mut Context) -> Verdict {
    let mut manager = c.after_a_good_notice()?;
    manager.signer = signer(&manager.root, manager.version - 1, MANAGER);
    c.refused_octets_of_package(manager.notice(3).octets(), Code::SignerSuperseded)
}

fn another_manager(c: &mut Context) -> Verdict {
    let mut manager = c.after_a_good_notice()?;
    manager.signer = signer(&manager.root, manager.version, ManagerId([0x3b; 16]));
    c.refused_octets_of_package(manager.notice(3).octets(), Code::WrongManager)
}

fn another_root(c: &mut Context) -> Verdict {
    let mut manager = c.after_a_good_notice()?;
    manager.signer = signer(&root(2), manager.version, MANAGER);
    c.refused_octets_of_package(manager.notice(3).octets(), Code::UntrustedSigner)
}

fn changed(c: &mut Context) -> Verdict {
    let manager = c.after_a_good_notice()?;
    let mut octets = manager.notice(3).octets().to_vec();
    // In the payload: what is signed ends 66 octets before the end.
    let at = octets.len() - 67;
    octets[at] ^= 1;
    c.refused_octets_of_package(&octets, Code::BadSignature)
}

fn number(c: &mut Context) -> Verdict {
    for number in [0, (1_u64 << 48) + 1] {
        c.refused_notice(Code::Malformed, |notice| notice.payload.set(&[2], number))?;
    }
    Ok(())
}

fn payload(c: &mut Context) -> Verdict {
    for key in [1, 2, 3] {
        c.refused_notice(Code::Malformed, |notice| notice.payload.remove(&[key]))?;
    }
    c.refused_notice(Code::Malformed, |notice| notice.payload.set(&[4], 0))?;
    c.refused_notice(Code::Malformed, |notice| notice.payload.set(&[1], 1_u64 << 24))?;
    c.refused_notice(Code::Malformed, |notice| notice.payload.reverse(&[]))
}

fn addressed(c: &mut Context) -> Verdict {
    c.refused_notice(Code::Malformed, |notice| {
        notice.protected.set(&[-65538], Value::Bytes(vec![1; 16]));
        notice.protected.set(&[-65539], 1);
    })
}

fn package_type(c: &mut Context) -> Verdict {
    c.refused_notice(Code::Malformed, |notice| {
        notice.protected.set(&[16], "proseal-package");
    })
}

fn algorithm(c: &mut Context) -> Verdict {
    c.refused_notice(Code::UnsupportedAlgorithm, |notice| notice.protected.set(&[1], -7))
}

fn too_long(c: &mut Context) -> Verdict {
    c.refused_notice(Code::Oversized, |notice| {
        notice.payload.set(&[64], Value::Bytes(vec![0; 512]));
    })
}
