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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn marks()(
            all in proptest::collection::btree_map(
                (0_u32..4, 1_u64..4, 0_u32..1 << 24),
                (1_u16.., any::<[u8; 8]>(), any::<u32>()),
                0..40,
            ),
        ) -> Vec<(Owner, Mark)> {
            all.into_iter().map(|((group, generation, sender), (ptk_id, salt, ceiling))| (
                Owner {
                    group: GroupId::new(group).unwrap(),
                    generation: Generation::new(generation).unwrap(),
                    sender: MemberId::new(sender).unwrap(),
                },
                Mark { ptk_id: PtkId::new(ptk_id).unwrap(), salt: EpochSalt(salt), ceiling },
            )).collect()
        }
    }

    proptest! {
        #[test]
        fn marks_are_read_as_they_were_written(marks in marks()) {
            let mut mixed = marks.clone();
            mixed.reverse();
            let octets = encode(mixed);
            prop_assert_eq!(octets.len(), HEAD + marks.len() * RECORD + DIGEST);
            prop_assert_eq!(decode(&octets).unwrap(), marks);
        }

        #[test]
        fn no_octet_can_be_changed_or_be_missing(marks in marks(), at in any::<prop::sample::Index>()) {
            let octets = encode(marks);
            let mut changed = octets.clone();
            changed[at.index(octets.len())] ^= 1;
            prop_assert!(decode(&changed).is_err());
            prop_assert!(decode(&octets[..at.index(octets.len())]).is_err());
        }
    }

    /// The example of docs/packet.md.
    #[test]
    fn the_format_is_pinned() {
        let owner = Owner {
            group: GroupId::new(0x0a0b0c).unwrap(),
            generation: Generation::new(1).unwrap(),
            sender: MemberId::new(0x010203).unwrap(),
        };
        let salt = EpochSalt([0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7]);
        let mark = Mark { ptk_id: PtkId::new(1).unwrap(), salt, ceiling: 65 };
        let octets = encode(vec![(owner, mark)]);
        let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        let head = "50726f5365616c4800010000";
        assert!(hex.starts_with(&format!(
            "{head}00010a0b0c00000000000000010102030001a0a1a2a3a4a5a6a700000041"
        )));
        let mut later = octets[..octets.len() - DIGEST].to_vec();
        later[9] = 2;
        let digest = Sha256::digest(&later);
        later.extend_from_slice(&digest);
        assert!(matches!(decode(&later), Err(LoadError::Version(2))));
    }

    #[test]
    fn the_file_is_replaced_as_a_whole() {
        let folder = std::env::temp_dir().join(format!("prosed-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("high-water");
        assert!(load(&path).unwrap().is_empty());
        for _ in 0..2 {
            store(&path, &encode(Vec::new())).unwrap();
            assert!(load(&path).unwrap().is_empty());
        }
        fs::write(&path, b"ProSealH").unwrap();
        assert!(matches!(load(&path), Err(LoadError::Damaged)));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }
}
