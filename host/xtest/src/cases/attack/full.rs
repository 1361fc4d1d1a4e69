//! 1500: the disk is full. What ends a key must not need room.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};

use proseal_proto::error::Code;
use proseal_proto::id::DeviceId;
use proseal_proto::test_command::{Scope, SetFloor};
use rustix::fs::FallocateFlags;

use super::{Found, SEQUENCE, case, with_generations};
use crate::case::{Case, Verdict};
use crate::check::Context;
use crate::fixture::TIME;

pub(super) const CASES: &[Case] = &[
    case(1501, "a revocation takes effect on a full disk", revoked),
    case(1502, "an erase takes effect on a full disk", erased),
    case(1503, "a suspension takes effect on a full disk", suspended),
    case(1504, "a key whose time is over is erased on a full disk", ended),
    case(1505, "a content that removes keys takes effect on a full disk", removed),
    case(
        1507,
        "a revocation on a full disk is the second write of the state's life",
        first_revoked,
    ),
    case(1506, "a factory device on a full disk takes no content, and stays what it is", installed),
];

/// On the store's own disk, beside its folder.
const FILLER: &str = "/var/lib/optee-client/data/filler";

/// A disk without room, as long as this lives.
struct FullDisk;

impl FullDisk {
    /// Fills it to the last block, those for root too.
    fn new() -> io::Result<Self> {
        let full = Self;
        let mut file = File::create(FILLER)?;
        let mut end = 0;
        for size in (10..=22).rev().map(|bits| 1 << bits) {
            // The one error that is wanted.
            while rustix::fs::fallocate(&file, FallocateFlags::empty(), end, size).is_ok() {
                end += size;
            }
        }
        // It must be full for others too: what is allocated late counts now.
        file.sync_all()?;
        file.seek(SeekFrom::Start(end))?;
        while file.write_all(&[0xf1; 1024]).is_ok() {}
        let _ = file.sync_all();
        Ok(full)
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        let _ = fs::remove_file(FILLER);
    }
}

/// Does it on a full disk, and expects this of the device afterwards: at once,
/// after the next start, and when there is room again.
fn on_full_disk(
    c: &mut Context,
    act: impl FnOnce(&mut Context) -> Verdict,
    found: &Found,
) -> Verdict {
    c.expect("the device", &Found::whole())?;
    let full = FullDisk::new();
    let full = c.ok("filling the disk", full)?;
    act(c)?;
    c.expect("the device, the disk full", found)?;
    c.forget();
    c.expect("the device after the next start, the disk full", found)?;
    drop(full);
    c.forget();
    c.expect("the device, with room", found)
}

fn revoked(c: &mut Context) -> Verdict {
    on_full_disk(c, Context::revoke_first, &Found::holding(SEQUENCE, &[2], 3))
}

/// Nothing was written since the state was made: the room for the second
/// version of each of its blocks must be there all the same.
fn first_revoked(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.applied(Scope::Whole, &super::content())?;
    on_full_disk(c, Context::revoke_first, &Found::holding(SEQUENCE, &[2], 3))
}

fn erased(c: &mut Context) -> Verdict {
    let erase = |c: &mut Context| {
        let erased = c.erase(DeviceId::NONE);
        c.ok("erase", erased)
    };
    on_full_disk(c, erase, &Found::Factory)
}

fn suspended(c: &mut Context) -> Verdict {
    on_full_disk(c, |c| c.suspend(true), &Found::whole().suspended())
}

fn ended(c: &mut Context) -> Verdict {
    let pass = |c: &mut Context| {
        let floor = TIME + 31 * 24 * 3600;
        let set = c.ta.call(&SetFloor { floor });
        c.ok("set floor", set).map(drop)
    };
    on_full_disk(c, pass, &Found::holding(SEQUENCE, &[], 3))
}

fn removed(c: &mut Context) -> Verdict {
    let remove = |c: &mut Context| c.applied(Scope::Whole, &with_generations(SEQUENCE + 1, &[2]));
    on_full_disk(c, remove, &Found::holding(SEQUENCE + 1, &[2], 3))
}

fn installed(c: &mut Context) -> Verdict {
    c.fresh()?;
    let full = FullDisk::new();
    let full = c.ok("filling the disk", full)?;
    let outcome = c.install(Scope::Whole, &with_generations(1, &[1]));
    c.refused("install", outcome, Code::StoreFull);
    c.expect("the device", &Found::Factory)?;
    c.forget();
    c.expect("the device after the next start", &Found::Factory)?;
    drop(full);
    c.applied(Scope::Whole, &with_generations(1, &[1]))
}
