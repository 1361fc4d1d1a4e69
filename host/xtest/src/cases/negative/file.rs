//! 7000: a TA file that is not what was signed does not open. The TA is made
//! to panic first, since OP-TEE keeps it loaded; its file is then changed
//! where tee-supplicant finds it, and put back whatever happens.

use std::fs;
use std::path::PathBuf;

use proseal_proto::test_command::{TestId, UUID};

use super::deadly;
use super::requests::good;
use crate::case::{Case, Stop, Verdict};
use crate::check::Context;
use crate::ioctl::{PARAMS, Param, Refusal, login};
use crate::line::uuid;

pub(super) const CASES: &[Case] = &[
    deadly(7001, "a TA file with another magic number is refused", magic),
    deadly(7002, "a TA file with a bit flipped in its header's algorithm is refused", algorithm),
    deadly(7003, "a TA file with a bit flipped in its hash is refused", hash),
    deadly(7004, "a TA file with a bit flipped in its signature is refused", signature),
    deadly(7005, "a TA file with a bit flipped in its UUID is refused", other_uuid),
    deadly(7006, "a TA file with a bit flipped in its version is refused", version),
    deadly(7007, "a TA file with a bit flipped in its first octet of ELF is refused", first_octet),
    deadly(7008, "a TA file with a bit flipped in the middle is refused", middle),
    deadly(7009, "a TA file with a bit flipped in its last octet is refused", last_octet),
    deadly(7010, "a TA file that lacks its last octet is refused", shorter),
    deadly(7011, "an empty TA file is refused", empty),
];

/// Where tee-supplicant looks.
const FOLDERS: [&str; 2] = ["/lib/optee_armtz", "/usr/lib/optee_armtz"];

/// `struct shdr` of OP-TEE: magic 4, type 4, size 4, algorithm 4, hash size 2,
/// signature size 2; then the hash, the signature, and for a TA
/// (`struct shdr_bootstrap_ta`) its UUID 16 and version 4; then the ELF.
const ALGORITHM: usize = 12;
const HASH_SIZE: usize = 16;
const HASH: usize = 20;

/// The TA's file, which goes back to its place. It may be a link into a medium that
/// cannot be written to, so it is set aside and another stands there meanwhile.
struct TaFile {
    path: PathBuf,
    aside: PathBuf,
    octets: Vec<u8>,
}

impl TaFile {
    fn find() -> Option<Self> {
        FOLDERS.iter().find_map(|folder| {
            let path = PathBuf::from(folder).join(format!("{UUID}.ta"));
            let octets = fs::read(&path).ok()?;
            let aside = path.with_extension("aside");
            fs::rename(&path, &aside).ok()?;
            Some(Self { path, aside, octets })
        })
    }

    /// Where its hash, its signature and its UUID start, and its code.
    fn parts(&self) -> [usize; 4] {
        let size =
            |at: usize| usize::from(u16::from_le_bytes([self.octets[at], self.octets[at + 1]]));
        let signature = HASH + size(HASH_SIZE);
        let uuid = signature + size(HASH_SIZE + 2);
        [HASH, signature, uuid, uuid + 20]
    }

    /// Its octets with one bit flipped.
    fn flipped(&self, at: usize) -> Vec<u8> {
        let mut octets = self.octets.clone();
        octets[at] ^= 1;
        octets
    }
}

impl Drop for TaFile {
    fn drop(&mut self) {
        let _ = fs::rename(&self.aside, &self.path);
    }
}

/// Makes the TA panic, changes its file, and expects that it does not open.
fn changed(c: &mut Context, change: impl FnOnce(&TaFile) -> Vec<u8>, expected: u32) -> Verdict {
    let Some(file) = TaFile::find() else {
        return Err(Stop::Skipped(String::from("the TA's file cannot be replaced here")));
    };
    let line = c.line()?;
    let panic = TestId::Panic.number();
    let dead = Refusal::Tee { result: proseal_client::error::TARGET_DEAD, origin: 3 };
    c.equal("panic", line.call(panic, &good(panic)).map(drop), Err(dead));
    // The dead instance goes with its last session.
    c.ta = c.target.client();
    drop(line);

    let written = fs::write(&file.path, change(&file));
    c.ok("writing the file", written)?;
    let open = || -> Result<(), Refusal> {
        let device = crate::ioctl::Device::open()?;
        device.open_session(uuid(), login::PUBLIC, [0; 16], [Param::NONE; PARAMS]).map(drop)
    };
    c.equal("opening", open(), Err(Refusal::Tee { result: expected, origin: 3 }));
    drop(file);
    c.equal("opening the file as it was", open(), Ok(()));
    Ok(())
}

/// `TEEC_ERROR_SECURITY`: not what was signed.
const SECURITY: u32 = 0xffff_000f;
/// `TEEC_ERROR_BAD_FORMAT`: the loader reads the ELF's head before the whole
/// is checked.
const BAD_FORMAT: u32 = 0xffff_0005;
/// `TEEC_ERROR_OUT_OF_MEMORY`: what OP-TEE makes of a file of no size.
const OUT_OF_MEMORY: u32 = 0xffff_000c;

fn flipped(c: &mut Context, at: impl FnOnce(&TaFile) -> usize) -> Verdict {
    changed(c, |file| file.flipped(at(file)), SECURITY)
}

fn magic(c: &mut Context) -> Verdict {
    flipped(c, |_| 0)
}

fn algorithm(c: &mut Context) -> Verdict {
    flipped(c, |_| ALGORITHM)
}

fn hash(c: &mut Context) -> Verdict {
    flipped(c, |file| file.parts()[0])
}

fn signature(c: &mut Context) -> Verdict {
    flipped(c, |file| file.parts()[1])
}

fn other_uuid(c: &mut Context) -> Verdict {
    flipped(c, |file| file.parts()[2])
}

fn version(c: &mut Context) -> Verdict {
    flipped(c, |file| file.parts()[3] - 4)
}

fn first_octet(c: &mut Context) -> Verdict {
    changed(c, |file| file.flipped(file.parts()[3]), BAD_FORMAT)
}

fn middle(c: &mut Context) -> Verdict {
    flipped(c, |file| file.octets.len() / 2)
}

fn last_octet(c: &mut Context) -> Verdict {
    flipped(c, |file| file.octets.len() - 1)
}

fn shorter(c: &mut Context) -> Verdict {
    changed(c, |file| file.octets[..file.octets.len() - 1].to_vec(), SECURITY)
}

fn empty(c: &mut Context) -> Verdict {
    changed(c, |_| Vec::new(), OUT_OF_MEMORY)
}
