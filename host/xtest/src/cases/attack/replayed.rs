//! 1300: a file of the store is put back alone, as it was some writes ago;
//! 1400: all of them are. Without RPMB the TEE cannot tell an older store from
//! the present one, so what these cases show is where the harm ends.

use std::collections::BTreeSet;

use proseal_proto::id::DeviceId;
use proseal_proto::message::{Outcome, SendReply, Version};
use proseal_proto::test_command::Scope;

use super::{Found, SEQUENCE, case, with_generations};
use crate::case::{Case, Stop, Verdict};
use crate::check::Context;
use crate::derivation::expected;
use crate::fixture::{self, GROUP, MEMBER};
use crate::store::{self, DIRECTORY, OPTEES};

pub(super) const CASES: &[Case] = &[
    case(1301, "the state's file alone from one write ago is damage", state_alone),
    case(1302, "the directory alone from one write ago is the state of then", directory_alone),
    case(
        1303,
        "the directory alone from before a revocation brings no key back",
        before_revocation,
    ),
    case(1304, "the directory alone from before a removal brings no key back", before_removal),
    case(1305, "the directory alone from before an erase brings no key back", before_erase),
    case(1306, "OP-TEE's own files put back alone are of no effect", own_alone),
    case(1307, "one file put back under a living TA is written over", alone_under_living),
    case(1401, "two lives of one store have no epoch and no key in common", two_lives),
    case(1402, "many lives of one store have no epoch and no key in common", many_lives),
    case(
        1403,
        "a store from before a revocation brings it back, until the next content",
        revocation,
    ),
    case(1404, "a store from before an erase is the device of then", erasure),
    case(1405, "a store put back under a living TA is of no effect", under_living),
    case(1406, "a store put back between two sends brings no PTK Id back", between_sends),
];

fn put(c: &mut Context, name: &str, octets: &[u8]) -> Verdict {
    c.ok("putting the file back", store::put(name, octets))
}

fn state_alone(c: &mut Context) -> Verdict {
    let good = c.good()?;
    c.suspend(true)?;
    c.forget();
    put(c, &good.state, good.image.octets(&good.state))?;
    c.expect("the device", &Found::Damaged)
}

/// OP-TEE writes each block beside its previous version, so the file has both
/// states, and the directory says which of them holds: putting it back alone
/// undoes one write. It can no more than a replay of all files.
fn directory_alone(c: &mut Context) -> Verdict {
    let good = c.good()?;
    c.suspend(true)?;
    c.forget();
    put(c, DIRECTORY, good.image.octets(DIRECTORY))?;
    c.expect("the device", &Found::whole())?;

    // One write more, and there is no such state any more.
    good.put_back(c)?;
    c.suspend(true)?;
    c.suspend(false)?;
    c.forget();
    put(c, DIRECTORY, good.image.octets(DIRECTORY))?;
    c.expect("the device, two writes later", &Found::Damaged)
}

/// What ends a key is written twice, so that neither version has it.
fn before_revocation(c: &mut Context) -> Verdict {
    let good = c.good()?;
    c.expect("the device", &Found::whole())?;
    c.revoke_first()?;
    c.forget();
    put(c, DIRECTORY, good.image.octets(DIRECTORY))?;
    c.expect("the device", &Found::Damaged)
}

fn before_removal(c: &mut Context) -> Verdict {
    let good = c.good()?;
    c.expect("the device", &Found::whole())?;
    c.applied(Scope::Whole, &fixture::content(SEQUENCE + 1, Vec::new()))?;
    c.forget();
    put(c, DIRECTORY, good.image.octets(DIRECTORY))?;
    c.expect("the device", &Found::Damaged)
}

fn before_erase(c: &mut Context) -> Verdict {
    let good = c.good()?;
    c.expect("the device", &Found::whole())?;
    let erased = c.erase(DeviceId::NONE);
    c.ok("erase", erased)?;
    c.forget();
    put(c, DIRECTORY, good.image.octets(DIRECTORY))?;
    c.expect("the device", &Found::Damaged)
}

fn own_alone(c: &mut Context) -> Verdict {
    let good = c.good()?;
    c.revoke_first()?;
    c.forget();
    for name in OPTEES {
        put(c, name, good.image.octets(name))?;
    }
    c.expect("the device", &Found::holding(SEQUENCE, &[2], 3))
}

fn alone_under_living(c: &mut Context) -> Verdict {
    let good = c.good()?;
    for name in [good.state.as_str(), DIRECTORY] {
        good.put_back(c)?;
        c.revoke_first()?;
        put(c, name, good.image.octets(name))?;
        c.expect("the living TA", &Found::holding(SEQUENCE, &[2], 3))?;
        c.suspend(true)?;
        c.suspend(false)?;
        c.forget();
        c.expect("the device after the next start", &Found::holding(SEQUENCE, &[2], 3))?;
    }
    Ok(())
}

/// An epoch of this device: what its frames would show, and its keys.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Epoch {
    ptk_id: u16,
    salt: [u8; 8],
    ik: [u8; 32],
    ck: [u8; 32],
}

/// Begins epochs with generation 1, each with the keys that are computed for
/// it here.
fn live(c: &mut Context, epochs: u32) -> Result<Vec<Epoch>, Stop> {
    let mut life = Vec::new();
    for _ in 0..epochs {
        let sent = c.send(GROUP, 1);
        let SendReply { ptk_id, salt, keys, .. } = c.ok("send", sent)?;
        let mut epoch = fixture::epoch(GROUP, 1, MEMBER, ptk_id.get());
        epoch.salt = salt;
        let right = expected(&fixture::pgk(1, 1), &epoch);
        c.octets("IK", keys.ik.expose(), &right.ik);
        c.octets("CK", keys.ck.expose(), &right.ck);
        life.push(Epoch { ptk_id: ptk_id.get(), salt: salt.0, ik: right.ik, ck: right.ck });
    }
    Ok(life)
}

/// Expects no pair of PTK Id and salt, no IK and no CK twice. A nonce is salt
/// and sequence number under CK, so no (key, nonce) pair comes twice either.
fn nothing_twice(c: &mut Context, epochs: &[Epoch]) {
    let pairs: BTreeSet<_> = epochs.iter().map(|e| (e.ptk_id, e.salt)).collect();
    c.equal("different pairs of PTK Id and salt", pairs.len(), epochs.len());
    let keys: BTreeSet<_> = epochs.iter().flat_map(|e| [e.ik, e.ck]).collect();
    c.equal("different keys", keys.len(), 2 * epochs.len());
    let nonces: BTreeSet<_> = epochs.iter().map(|e| (e.ck, e.salt)).collect();
    c.equal("different pairs of key and nonce's salt", nonces.len(), epochs.len());
}

fn two_lives(c: &mut Context) -> Verdict {
    let good = c.good()?;
    let first = live(c, 20)?;
    good.put_back(c)?;
    let second = live(c, 20)?;
    // Else nothing would be shown: the counters did come back.
    let ids = |life: &[Epoch]| life.iter().map(|epoch| epoch.ptk_id).collect::<Vec<_>>();
    c.equal("PTK Ids of the second life", ids(&second), ids(&first));
    nothing_twice(c, &[first, second].concat());
    Ok(())
}

fn many_lives(c: &mut Context) -> Verdict {
    let good = c.good()?;
    let mut epochs = Vec::new();
    for _ in 0..if c.level == 0 { 3 } else { 4 * (1 + c.level) } {
        good.put_back(c)?;
        epochs.extend(live(c, 3)?);
    }
    nothing_twice(c, &epochs);
    Ok(())
}

/// The limit of what can be promised without RPMB, and its end: a content says
/// again what its group's `next` is, so no later one can be had without the
/// revocation.
fn revocation(c: &mut Context) -> Verdict {
    let good = c.good()?;
    let version = c.ta.call(&Version);
    let protection = c.ok("version", version)?.rollback_protection;
    c.that("the TA says that storage can be rolled back", protection < 1000);
    c.revoke_first()?;
    c.expect("the device", &Found::holding(SEQUENCE, &[2], 3))?;
    good.put_back(c)?;
    c.expect("the device of before", &Found::whole())?;

    c.applied(Scope::Whole, &with_generations(SEQUENCE + 1, &[2, 3]))?;
    c.expect("the device with the next content", &Found::holding(SEQUENCE + 1, &[2, 3], 4))?;
    let old = c.install(Scope::Whole, &with_generations(SEQUENCE, &[1, 2]));
    let old = c.ok("install of the content of before", old)?;
    c.equal("outcome", old, Outcome::Superseded);
    Ok(())
}

fn erasure(c: &mut Context) -> Verdict {
    let good = c.good()?;
    let erased = c.erase(DeviceId::NONE);
    c.ok("erase", erased)?;
    c.expect("the device", &Found::Factory)?;
    good.put_back(c)?;
    c.expect("the device of before", &Found::whole())
}

fn under_living(c: &mut Context) -> Verdict {
    let good = c.good()?;
    c.revoke_first()?;
    let put = good.image.put_back();
    c.ok("putting the store back", put)?;
    c.expect("the living TA", &Found::holding(SEQUENCE, &[2], 3))?;
    // What it writes next is the present.
    c.suspend(true)?;
    c.suspend(false)?;
    c.forget();
    c.expect("the device after the next start", &Found::holding(SEQUENCE, &[2], 3))
}

fn between_sends(c: &mut Context) -> Verdict {
    let good = c.good()?;
    let mut epochs = Vec::new();
    for _ in 0..3 {
        // More than a block, so that it is written too.
        epochs.extend(live(c, 33)?);
        let put = good.image.put_back();
        c.ok("putting the store back", put)?;
    }
    c.that("PTK Ids grow", epochs.windows(2).all(|two| two[0].ptk_id < two[1].ptk_id));
    nothing_twice(c, &epochs);
    // The files are those of before, and the TA is not.
    c.forget();
    Ok(())
}
