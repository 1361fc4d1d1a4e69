//! Suite `storage`: what is kept, over a restart of the machine too. 1001
//! leaves a state behind and 1002 finds it again after the restart; any other
//! case erases the device, and with it what 1001 has left.

#[cfg(feature = "optee")]
pub(super) mod damage;

use std::fs::File;
use std::io::Write;
use std::path::Path;

use proseal_proto::error::Code;
use proseal_proto::id::DeviceId;
use proseal_proto::limit;
use proseal_proto::message::DeviceState;
use proseal_proto::test_command::Scope;
use serde_json::{Value, json};

use crate::case::{Case, Stop, Verdict, plainly};
use crate::check::Context;
use crate::derivation::expected;
use crate::fixture::{self, GROUP, OTHER};
use crate::show::hex;

pub(super) const AFTER_RESTART: &[Case] =
    &[case(1002, "what was held before the restart is held, and no PTK Id comes twice", restarted)];

pub(super) const BEFORE_RESTART: &[Case] =
    &[case(1001, "a known state is left for after a restart (then: 1002)", leave)];

pub(super) const CASES: &[Case] = &[
    case(1003, "16 groups with 4 PGKs are held, and all derive", capacity),
    case(1004, "PTK Ids go on over the blocks that are reserved ahead", blocks),
    case(1005, "after an erase a device starts anew", anew),
];

const fn case(number: u16, title: &'static str, run: fn(&mut Context) -> Verdict) -> Case {
    Case { suite: "storage", number, title, run, around: plainly }
}

/// Names this start of the machine.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// PTK Ids that a restart may cost: one block reserved ahead.
const BLOCK: u16 = 64;
/// The generation and key of the state that is left.
const LEFT: u64 = 5;
/// Its sequence.
const SEQUENCE: u64 = 42;

fn boot_id(c: &mut Context) -> Result<String, Stop> {
    let id = std::fs::read_to_string(BOOT_ID);
    Ok(c.ok("reading the boot id", id)?.trim().to_owned())
}

/// On the disk when it returns: the restart may be a power cut.
fn write_synced(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn leave(c: &mut Context) -> Verdict {
    c.fresh()?;
    let pgk = fixture::pgk(LEFT, 5);
    let epoch = fixture::epoch(GROUP, LEFT, OTHER, 77);
    let expected = expected(&pgk, &epoch);
    c.applied(Scope::Whole, &fixture::content(SEQUENCE, vec![fixture::group(GROUP, vec![pgk])]))?;
    let mut last = 0;
    for _ in 0..3 {
        let sent = c.send(GROUP, LEFT);
        last = c.ok("send", sent)?.ptk_id.get();
    }
    let keys = c.receive_one(epoch)?;
    c.octets("IK", keys.ik.expose(), &expected.ik);
    let next = c.status()?.groups.first().map(|group| group.next);
    let left = json!({
        "boot_id": boot_id(c)?,
        "next": c.some("the group", next)?,
        "last_ptk_id": last,
        "ik": hex(&expected.ik),
        "ck": hex(&expected.ck),
    });
    let written = write_synced(&c.state_file, &left.to_string());
    c.ok("writing the state file", written)?;
    c.note(format!("left in {}", c.state_file.display()));
    Ok(())
}

fn restarted(c: &mut Context) -> Verdict {
    let Ok(text) = std::fs::read_to_string(&c.state_file) else {
        return Err(Stop::Skipped(String::from("storage_1001 has left nothing")));
    };
    let mut left: Value = c.ok("the state file", serde_json::from_str(&text))?;
    let boot = boot_id(c)?;
    if left["boot_id"].as_str() == Some(&boot) {
        return Err(Stop::Skipped(String::from(
            "the machine has not restarted since storage_1001",
        )));
    }
    let status = c.status()?;
    c.equal("device state", status.state, DeviceState::Enrolled);
    c.equal("sequence", status.sequence, SEQUENCE);
    c.floor_since(status.floor, fixture::TIME);
    let next = status.groups.first().map(|group| group.next);
    c.equal("next", next, left["next"].as_u64());

    let keys = c.receive_one(fixture::epoch(GROUP, LEFT, OTHER, 77))?;
    c.equal("IK", Some(hex(keys.ik.expose()).as_str()), left["ik"].as_str());
    c.equal("CK", Some(hex(keys.ck.expose()).as_str()), left["ck"].as_str());

    let last = left["last_ptk_id"].as_u64().and_then(|id| u16::try_from(id).ok());
    let last = c.some("the last PTK Id before the restart", last)?;
    let sent = c.send(GROUP, LEFT);
    let first = c.ok("send", sent)?.ptk_id.get();
    c.above("PTK Id after the restart > all before", first, last);
    c.above("a restart costs at most a block", last + BLOCK + 1, first);

    // The next restart is checked against what was given out now.
    left["boot_id"] = boot.into();
    left["last_ptk_id"] = first.into();
    let written = write_synced(&c.state_file, &left.to_string());
    c.ok("writing the state file", written)
}

fn capacity(c: &mut Context) -> Verdict {
    c.fresh()?;
    let content = fixture::largest(1);
    c.applied(Scope::Whole, &content)?;
    let groups = c.status()?.groups;
    c.equal("groups", groups.len(), limit::GROUPS);
    for group in &groups {
        c.equal("PGKs", group.pgks.len(), limit::PGKS);
    }
    let pgks = content.groups.iter().flat_map(|group| group.pgks.iter().map(|p| (group.group, p)));
    let pgks: Vec<_> = pgks.collect();
    let items = pgks.iter().map(|&(group, pgk)| {
        let mut item = fixture::epoch(GROUP, pgk.generation.get(), OTHER, 1);
        item.group = group;
        item
    });
    let items: Vec<_> = items.collect();
    let reply = c.receive(items.clone());
    let reply = c.ok("receive with all of them", reply)?;
    c.equal("items", reply.len(), pgks.len());
    for (((_, pgk), item), keys) in pgks.iter().zip(&items).zip(reply) {
        let keys = c.ok("the item", keys)?;
        let expected = expected(pgk, item);
        c.octets("IK", keys.ik.expose(), &expected.ik);
        c.octets("CK", keys.ck.expose(), &expected.ck);
    }
    for at in [0, limit::GROUPS - 1] {
        for generation in 1..=limit::PGKS as u64 {
            let sent = c.send(fixture::numbered_group(at), generation);
            let sent = c.ok("send", sent)?;
            c.equal("each PGK counts by itself", sent.ptk_id.get(), 1);
        }
    }
    Ok(())
}

fn blocks(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.applied(Scope::Whole, &fixture::one_pgk())?;
    for id in 1..=(2 + c.level as u16) * BLOCK + 2 {
        let sent = c.send(GROUP, 1);
        let sent = c.ok("send", sent)?;
        c.equal("PTK Id", sent.ptk_id.get(), id);
    }
    Ok(())
}

fn anew(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.applied(Scope::Whole, &fixture::content(9, fixture::largest(1).groups))?;
    let sent = c.send(fixture::numbered_group(0), 4);
    c.ok("send", sent)?;
    let erased = c.erase(DeviceId::NONE);
    c.ok("erase", erased)?;

    // Sequence, numbers and counters are those of a device that never was.
    c.applied(Scope::Whole, &fixture::one_pgk())?;
    let status = c.status()?;
    c.equal("sequence", status.sequence, 1);
    c.equal("groups", status.groups.len(), 1);
    let sent = c.send(GROUP, 1);
    let sent = c.ok("send", sent)?;
    c.equal("PTK Id", sent.ptk_id.get(), 1);
    let sent = c.send(fixture::numbered_group(1), 4);
    c.refused("send in a group of before", sent, Code::UnknownGroup);
    Ok(())
}
