//! tee-supplicant's files as whoever owns the normal world may handle them:
//! read, keep, lose, change and put back. OP-TEE has none of them open between
//! two calls of the TA, which opens its object anew in each.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// Where Debian's tee-supplicant keeps its files.
pub(crate) const FOLDER: &str = "/var/lib/optee-client/data/tee";
/// OP-TEE's directory: which object has which number, and the hash of each.
pub(crate) const DIRECTORY: &str = "dirf.db";
/// The guard's mark, the directory's second name (qemu-env/guest/store-guard).
const MARK: &str = ".dirf.ready";
/// What OP-TEE makes at the very first session, before any object of ours:
/// its list of installed TAs, and that of the TAs' versions.
pub(crate) const OPTEES: [&str; 2] = ["0", "1"];

/// The path of one of the store's files.
pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(FOLDER).join(name)
}

/// The store's files, all of one instant.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Image(pub(crate) BTreeMap<String, Vec<u8>>);

impl Image {
    /// The files as they are now.
    pub(crate) fn take() -> io::Result<Self> {
        let files = names()?.into_iter().map(|name| Ok((name.clone(), fs::read(path(&name))?)));
        files.collect::<io::Result<_>>().map(Self)
    }

    /// Makes these the store's files, and no others.
    pub(crate) fn put_back(&self) -> io::Result<()> {
        for name in names()?.iter().filter(|name| !self.0.contains_key(*name)) {
            fs::remove_file(path(name))?;
        }
        self.0.iter().try_for_each(|(name, octets)| put(name, octets))
    }

    /// The octets of one file; none if it is not there.
    pub(crate) fn octets(&self, name: &str) -> &[u8] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The one file that is here and not in `earlier`: an object that was made
    /// in between.
    pub(crate) fn new_since(&self, earlier: &Self) -> Option<String> {
        let mut new = self.0.keys().filter(|name| !earlier.0.contains_key(*name));
        new.next().filter(|_| new.next().is_none()).cloned()
    }
}

/// Writes a file in its place: the mark is the directory by another name, and
/// must stay that, or the next boot's guard would call it another store.
pub(crate) fn put(name: &str, octets: &[u8]) -> io::Result<()> {
    let inode = |name: &str| fs::metadata(path(name)).map(|file| file.ino()).ok();
    if name == DIRECTORY && inode(MARK).is_some() && inode(MARK) != inode(DIRECTORY) {
        if inode(DIRECTORY).is_some() {
            fs::remove_file(path(DIRECTORY))?;
        }
        fs::hard_link(path(MARK), path(DIRECTORY))?;
    }
    fs::write(path(name), octets)
}

/// The directory and the numbered files, and nothing else that lies there.
fn names() -> io::Result<Vec<String>> {
    let is_number = |name: &str| name.bytes().all(|digit| digit.is_ascii_hexdigit());
    let names = fs::read_dir(FOLDER)?
        .map(|file| Ok(file?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<String>>>()?;
    Ok(names.into_iter().filter(|name| name == DIRECTORY || is_number(name)).collect())
}
