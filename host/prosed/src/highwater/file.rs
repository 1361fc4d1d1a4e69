//! The high-water file (docs/packet.md): its octets, and its place on disk. It is
//! replaced as a whole, old or new.
//!
//! ```text
//! "ProSealH" · version u16 · count u32 · count records in ascending order · SHA-256 of all before
//! record = group 3 · generation 8 · sender 3 · PTK Id 2 · salt 8 · ceiling 4
//! ```

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use proseal_proto::id::{EpochSalt, Generation, GroupId, MemberId, PtkId};
use sha2::{Digest, Sha256};

use super::{Mark, SENDERS};
use proseal_proto::limit::{GROUPS, PGKS};

const MAGIC: &[u8; 8] = b"ProSealH";
const VERSION: u16 = 1;
const HEAD: usize = 8 + 2 + 4;
const RECORD: usize = 3 + 8 + 3 + 2 + 8 + 4;
const DIGEST: usize = 32;
/// Octets of the longest file.
const MAX: usize = HEAD + GROUPS * PGKS * SENDERS * RECORD + DIGEST;

/// Whose high-water a mark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// The group.
    pub group: GroupId,
    /// The generation.
    pub generation: Generation,
    /// The sender.
    pub sender: MemberId,
}

/// Why a file gives no marks.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It cannot be read.
    #[error("the high-water file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is not what was written.
    #[error("the high-water file is damaged: old epochs could be replayed to this radio")]
    Damaged,
    /// A later release wrote it.
    #[error("the high-water file is of a later release (version {0})")]
    Version(u16),
}

/// The file's octets; `marks` come in any order.
#[must_use]
pub fn encode(mut marks: Vec<(Owner, Mark)>) -> Vec<u8> {
    marks.sort_unstable_by_key(|(owner, _)| *owner);
    let mut octets = Vec::with_capacity(
        HEAD.saturating_add(marks.len().saturating_mul(RECORD)).saturating_add(DIGEST),
    );
    octets.extend_from_slice(MAGIC);
    octets.extend_from_slice(&VERSION.to_be_bytes());
    octets.extend_from_slice(&u32::try_from(marks.len()).unwrap_or(u32::MAX).to_be_bytes());
    for (owner, mark) in &marks {
        octets.extend_from_slice(&owner.group.octets());
        octets.extend_from_slice(&owner.generation.get().to_be_bytes());
        octets.extend_from_slice(&owner.sender.octets());
        octets.extend_from_slice(&mark.ptk_id.get().to_be_bytes());
        octets.extend_from_slice(&mark.salt.0);
        octets.extend_from_slice(&mark.ceiling.to_be_bytes());
    }
    let digest = Sha256::digest(&octets);
    octets.extend_from_slice(&digest);
    octets
}

/// Reads exactly one file.
pub fn decode(octets: &[u8]) -> Result<Vec<(Owner, Mark)>, LoadError> {
    let damaged = LoadError::Damaged;
    let Some((content, digest)) = octets.split_last_chunk::<DIGEST>() else { return Err(damaged) };
    let Some((magic, rest)) = content.split_first_chunk::<8>() else { return Err(damaged) };
    let Some((&version, rest)) = rest.split_first_chunk() else { return Err(damaged) };
    let Some((&count, records)) = rest.split_first_chunk() else { return Err(damaged) };
    let whole: [u8; DIGEST] = Sha256::digest(content).into();
    if magic != MAGIC || whole != *digest {
        return Err(damaged);
    }
    let (version, count) = (u16::from_be_bytes(version), u32::from_be_bytes(count));
    if version != VERSION {
        return Err(LoadError::Version(version));
    }
    let (records, rest) = records.as_chunks::<RECORD>();
    if !rest.is_empty() || u32::try_from(records.len()) != Ok(count) {
        return Err(damaged);
    }
    let marks: Option<Vec<_>> = records.iter().map(record).collect();
    let marks = marks.ok_or(LoadError::Damaged)?;
    let ascending = marks.is_sorted_by(|(one, _), (next, _)| one < next);
    if ascending { Ok(marks) } else { Err(LoadError::Damaged) }
}

fn record(octets: &[u8; RECORD]) -> Option<(Owner, Mark)> {
    let (&group, rest) = octets.split_first_chunk()?;
    let (&generation, rest) = rest.split_first_chunk()?;
    let (&sender, rest) = rest.split_first_chunk()?;
    let (&ptk_id, rest) = rest.split_first_chunk()?;
    let (&salt, rest) = rest.split_first_chunk()?;
    let &ceiling = rest.first_chunk()?;
    let owner = Owner {
        group: GroupId::from_octets(group),
        generation: Generation::new(u64::from_be_bytes(generation)).ok()?,
        sender: MemberId::from_octets(sender),
    };
    let ptk_id = PtkId::new(u16::from_be_bytes(ptk_id)).ok()?;
    Some((owner, Mark { ptk_id, salt: EpochSalt(salt), ceiling: u32::from_be_bytes(ceiling) }))
}

/// Reads the file; none is one without marks.
pub fn load(path: &Path) -> Result<Vec<(Owner, Mark)>, LoadError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        file => file?,
    };
    let mut octets = Vec::new();
    let most = u64::try_from(MAX).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut octets)?;
    if octets.len() > MAX { Err(LoadError::Damaged) } else { decode(&octets) }
}

/// Replaces the file: after this it is the new one, also after a loss of power.
pub fn store(path: &Path, octets: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(octets)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
