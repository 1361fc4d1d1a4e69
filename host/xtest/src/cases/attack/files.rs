//! 1000: a file of the store is deleted; 1100: changed; 1200: another
//! device's is in its place. What OP-TEE 4.5 makes of each, exactly.

use std::fs;
use std::sync::Mutex;

use proseal_proto::id::DeviceId;
use proseal_proto::test_command::Scope;

use super::{CORRUPT, Found, Good, SECURITY, SEQUENCE, case, with_generations};
use crate::case::{Case, Stop, Verdict};
use crate::check::Context;
use crate::store::{self, DIRECTORY, Image, OPTEES, path};

pub(super) const CASES: &[Case] = &[
    case(1001, "without its state's file the device is damaged until it is erased", state_deleted),
    case(1002, "a damage that the TA's death has hidden brings no key back", damage_forgotten),
    case(1003, "without the directory the device is factory, and back with it", directory_deleted),
    case(
        1004,
        "without a file of OP-TEE's own nothing opens, and all is back with it",
        own_deleted,
    ),
    case(1005, "without any file the device is factory, and back with them", all_deleted),
    case(1006, "the state's file deleted under a living TA is written again", state_deleted_alive),
    case(1007, "the directory deleted under a living TA is written again", directory_deleted_alive),
    case(1101, "a state's file of noise, cut or empty is damage", state_changed),
    case(1102, "with a directory of noise, cut or empty nothing opens", directory_changed),
    case(1103, "with a changed file of OP-TEE's own nothing opens", own_changed),
    case(1104, "octets behind the end of a file are of no effect", appended),
    case(1105, "two files under each other's names open nothing", exchanged),
    case(1201, "the state's file of another device is damage", foreign_state),
    case(1202, "with the directory of another device nothing opens", foreign_directory),
    case(1203, "with the list of versions of another device nothing opens", foreign_versions),
    case(1204, "all of another device but its state is damage", foreign_but_state),
    case(1206, "an empty list of TAs of another device is as good as one's own", foreign_empty),
    case(1205, "the whole store of another device is that device, and none of this one", foreign),
];

/// Removes a file of the store.
fn remove(c: &mut Context, name: &str) -> Verdict {
    c.ok("removing the file", fs::remove_file(path(name)))
}

/// Writes a file of the store.
fn put(c: &mut Context, name: &str, octets: &[u8]) -> Verdict {
    c.ok("writing the file", store::put(name, octets))
}

fn state_deleted(c: &mut Context) -> Verdict {
    let good = c.good()?;
    c.forget();
    remove(c, &good.state)?;
    c.expect("the device without its state's file", &Found::Damaged)?;
    let erased = c.erase(DeviceId::NONE);
    c.ok("erase", erased)?;
    c.expect("the device after the erase", &Found::Factory)?;
    c.applied(Scope::Whole, &with_generations(1, &[1]))
}

/// OP-TEE has deleted what it found corrupt, so the next start finds no state
/// and the device reads as factory: before a device has an identity (whose
/// keys are objects of their own) nothing is left to tell the two apart. That
/// it was enrolled is forgotten then, and so are all its keys: no generation
/// of before comes back, unless it is brought again.
fn damage_forgotten(c: &mut Context) -> Verdict {
    let good = c.good()?;
    c.forget();
    remove(c, &good.state)?;
    c.expect("the device without its state's file", &Found::Damaged)?;
    c.forget();
    c.expect("the device after the next start", &Found::Factory)?;
    // The directory does not name the object any more.
    c.forget();
    put(c, &good.state, good.image.octets(&good.state))?;
    c.expect("the device with the file put back", &Found::Factory)
}

fn directory_deleted(c: &mut Context) -> Verdict {
    let good = c.good()?;
    c.forget();
    remove(c, DIRECTORY)?;
    c.expect("the device without the directory", &Found::Factory)?;
    // It has been made anew meanwhile, and with it OP-TEE's own files.
    good.put_back(c)?;
    c.expect("the device with it", &Found::whole())
}

fn own_deleted(c: &mut Context) -> Verdict {
    let good = c.good()?;
    for name in OPTEES {
        c.forget();
        remove(c, name)?;
        c.expect(&format!("the TEE without file {name}"), &Found::Closed(CORRUPT))?;
        put(c, name, good.image.octets(name))?;
        c.expect("the device with it", &Found::whole())?;
    }
    Ok(())
}

fn all_deleted(c: &mut Context) -> Verdict {
    let good = c.good()?;
    c.forget();
    c.ok("removing all", Image::default().put_back())?;
    c.expect("the device without any file", &Found::Factory)?;
    good.put_back(c)?;
    c.expect("the device with them", &Found::whole())
}

/// What is in memory goes on, and the next write makes the store whole again.
fn written_again(c: &mut Context, name: &str) -> Verdict {
    c.expect("the device", &Found::whole())?;
    remove(c, name)?;
    c.expect("the living TA", &Found::whole())?;
    c.suspend(true)?;
    c.forget();
    c.expect("the device after the next start", &Found::whole().suspended())?;
    c.suspend(false)?;
    c.forget();
    c.expect("the device after another start", &Found::whole())
}

fn state_deleted_alive(c: &mut Context) -> Verdict {
    let name = c.good()?.state;
    written_again(c, &name)
}

fn directory_deleted_alive(c: &mut Context) -> Verdict {
    written_again(c, DIRECTORY)
}

/// Changes of a whole file; one octet at a time is `storage_1006`.
fn changes(octets: &[u8]) -> [(&'static str, Vec<u8>); 4] {
    [
        ("noise", vec![0x5a; octets.len()]),
        ("inverted", octets.iter().map(|octet| !octet).collect()),
        ("cut", octets[..octets.len() / 2].to_vec()),
        ("empty", Vec::new()),
    ]
}

fn changed(c: &mut Context, name: &str, found: impl Fn(&str) -> Found) -> Verdict {
    let good = c.good()?;
    for (what, octets) in changes(good.image.octets(name)) {
        good.put_back(c)?;
        put(c, name, &octets)?;
        c.expect(&format!("the device with {name}: {what}"), &found(what))?;
    }
    Ok(())
}

fn state_changed(c: &mut Context) -> Verdict {
    let name = c.good()?.state;
    changed(c, &name, |_| Found::Damaged)
}

fn directory_changed(c: &mut Context) -> Verdict {
    changed(c, DIRECTORY, |what| match what {
        // Its two counters do not fit each other: OP-TEE has another word for it.
        "inverted" => Found::Closed(SECURITY),
        _ => Found::Closed(CORRUPT),
    })
}

fn own_changed(c: &mut Context) -> Verdict {
    OPTEES.iter().try_for_each(|name| changed(c, name, |_| Found::Closed(CORRUPT)))
}

fn appended(c: &mut Context) -> Verdict {
    let good = c.good()?;
    c.forget();
    for (name, octets) in &good.image.0 {
        put(c, name, &[octets, &[0xa5; 4096][..]].concat())?;
    }
    c.expect("the device with longer files", &Found::whole())
}

fn exchanged(c: &mut Context) -> Verdict {
    let good = c.good()?;
    for other in OPTEES {
        good.put_back(c)?;
        put(c, other, good.image.octets(&good.state))?;
        put(c, &good.state, good.image.octets(other))?;
        c.expect(&format!("the TEE with {other} exchanged"), &Found::Closed(CORRUPT))?;
    }
    Ok(())
}

/// Another device's store. QEMU's hardware key is the same for all, so what is
/// made here on empty files is what another QEMU would have made: keys of
/// files are drawn at random, and only what seals them is shared.
/// (`tests/system/test_attack.py` takes them from a second machine.)
fn other_device(c: &mut Context) -> Result<Good, Stop> {
    static OTHER: Mutex<Option<Good>> = Mutex::new(None);
    let made = OTHER.lock().ok().and_then(|other| other.clone());
    if let Some(other) = made {
        return Ok(other);
    }
    c.forget();
    c.ok("removing all", Image::default().put_back())?;
    c.fresh()?;
    let empty = c.image()?;
    c.applied(Scope::Whole, &with_generations(SEQUENCE + 2, &[4, 5]))?;
    let image = c.image()?;
    let state = image.new_since(&empty);
    let other = Good { state: c.some("its state's file", state)?, image };
    if let Ok(mut place) = OTHER.lock() {
        *place = Some(other.clone());
    }
    Ok(other)
}

/// Expects this of the device with some files of another.
fn swapped(c: &mut Context, names: &[&str], found: &Found) -> Verdict {
    let other = other_device(c)?;
    let good = c.good()?;
    good.put_back(c)?;
    for name in names {
        let (ours, others) = (good.image.octets(name), other.image.octets(name));
        c.differ("the two devices' files", ours, others);
        put(c, name, others)?;
    }
    c.expect(&format!("the device with another's {}", names.join(", ")), found)
}

fn foreign_state(c: &mut Context) -> Verdict {
    let name = c.good()?.state;
    swapped(c, &[&name], &Found::Damaged)
}

fn foreign_directory(c: &mut Context) -> Verdict {
    swapped(c, &[DIRECTORY], &Found::Closed(CORRUPT))
}

fn foreign_versions(c: &mut Context) -> Verdict {
    swapped(c, &[OPTEES[1]], &Found::Closed(CORRUPT))
}

/// The hash in the directory is over what a file holds. This one holds nothing,
/// so on devices that share a hardware key each fits each directory; on others
/// it would not open.
fn foreign_empty(c: &mut Context) -> Verdict {
    swapped(c, &[OPTEES[0]], &Found::whole())
}

fn foreign_but_state(c: &mut Context) -> Verdict {
    swapped(c, &[OPTEES[0], OPTEES[1], DIRECTORY], &Found::Damaged)
}

fn foreign(c: &mut Context) -> Verdict {
    let other = other_device(c)?;
    other.put_back(c)?;
    c.expect("the device", &Found::holding(SEQUENCE + 2, &[4, 5], 6))
}
