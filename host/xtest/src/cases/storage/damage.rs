//! 1006: the state's file is changed where the normal world keeps it. OP-TEE
//! deletes what it finds corrupt, and a TA that took that for an empty store
//! would be factory without a word.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use proseal_proto::command::{Id, RESPONSE_HEAD};
use proseal_proto::error::Code;
use proseal_proto::id::DeviceId;
use proseal_proto::message::DeviceState;
use proseal_proto::test_command::{Scope, TestId};

use super::case;
use crate::case::{Case, Stop, Verdict};
use crate::cases::negative::good;
use crate::check::Context;
use crate::fixture::{self, GROUP};
use crate::ioctl::Refusal;
use crate::line::Line;
use crate::store::{FOLDER, Image};

pub(in crate::cases) const CASES: &[Case] =
    &[case(1006, "a bit flipped anywhere in the state's file is damage, or of no effect", flipped)];

/// What OP-TEE seals as one, octets.
const BLOCK: u64 = 4096;

fn flipped(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.applied(Scope::Whole, &fixture::one_pgk())?;
    let path = state_file(c)?;
    let len = fs::metadata(&path).map(|file| file.len());
    let len = c.ok("the length of the state's file", len)?;
    let whole = Image::take();
    let whole = c.ok("reading the store's files", whole)?;
    let mut damaged = 0_u32;
    for at in (BLOCK / 64..len).step_by(BLOCK as usize) {
        c.part(&format!("octet {at} of {len}"), |c| {
            restart(c)?;
            c.ok("putting the store back", whole.put_back())?;
            flip(c, &path, at)?;
            // At level 0 one erase stands for all: by then OP-TEE has deleted the object.
            let erases = damaged == 0 || c.level > 0;
            damaged += u32::from(look(c, erases)?);
            Ok(())
        });
    }
    // Three blocks hold the state, and what stands before them is the way there.
    c.above("places whose change is damage > 2", damaged, 2_u32);
    c.fresh()
}

/// The file that was written last and is not OP-TEE's directory.
fn state_file(c: &mut Context) -> Result<PathBuf, Stop> {
    let files = fs::read_dir(FOLDER).map(|files| {
        files
            .flatten()
            .map(|file| file.path())
            .filter(|path| {
                path.file_name().is_some_and(|name| !name.to_string_lossy().contains("dirf"))
            })
            .max_by_key(|path| fs::metadata(path).and_then(|file| file.modified()).ok())
    });
    let newest = c.ok("reading the store's folder", files)?;
    c.some("the state's file", newest)
}

fn flip(c: &mut Context, path: &PathBuf, at: u64) -> Verdict {
    let flipped = fs::OpenOptions::new().read(true).write(true).open(path).and_then(|file| {
        let mut octet = [0];
        file.read_exact_at(&mut octet, at)?;
        file.write_all_at(&[octet[0] ^ 1], at)
    });
    c.ok("changing the file", flipped)
}

/// The TA forgets what it has read.
fn restart(c: &mut Context) -> Verdict {
    let panic = TestId::Panic.number();
    let line = Line::open();
    let line = c.ok("opening a session", line)?;
    let dead = Refusal::Tee { result: proseal_client::error::TARGET_DEAD, origin: 3 };
    c.equal("panic", line.call(panic, &good(panic)).map(drop), Err(dead));
    c.ta = c.target.client();
    Ok(())
}

/// Whether the device is damaged, and behaves so, until it is erased. If not, it is
/// whole.
fn look(c: &mut Context, erases: bool) -> Result<bool, Stop> {
    // Below the client, which would call again if the TA died of it.
    let status = Id::Status.number();
    let line = Line::open();
    let line = c.ok("opening a session", line)?;
    let response = line.call(status, &good(status));
    let response = c.ok("the first look at the store", response)?;
    c.octets("its code", response.get(..RESPONSE_HEAD).unwrap_or_default(), &[0; RESPONSE_HEAD]);

    let state = c.status()?.state;
    let is_damaged = state == DeviceState::Damaged;
    if is_damaged {
        let sent = c.send(GROUP, 1);
        c.refused("send", sent, Code::Damaged);
        let installed = c.install(Scope::Whole, &fixture::one_pgk());
        c.refused("install", installed, Code::Damaged);
        if erases {
            let erased = c.erase(DeviceId::NONE);
            c.ok("erase", erased)?;
            c.is_factory()?;
        }
    } else {
        c.equal("device state", state, DeviceState::Enrolled);
        let sent = c.send(GROUP, 1);
        c.ok("send", sent)?;
    }
    Ok(is_damaged)
}
