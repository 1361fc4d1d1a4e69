//! Files: read bounded, written whole, secret ones readable by their owner only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::vault::SECRET_LEN;

const SECRET_MODE: u32 = 0o600;
const PUBLIC_MODE: u32 = 0o644;

/// Reads at most one octet more than `most`, which tells what is too long.
pub(crate) fn read(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| cannot("read", path, &error);
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut octets = Vec::new();
    File::open(path).and_then(|file| file.take(limit).read_to_end(&mut octets)).map_err(failed)?;
    Ok(octets)
}

/// Reads a file of exactly one secret.
pub(crate) fn read_secret(path: &Path) -> io::Result<Zeroizing<[u8; SECRET_LEN]>> {
    let mut secret = Zeroizing::new([0; SECRET_LEN]);
    let mut file = File::open(path)?;
    file.read_exact(secret.as_mut_slice())?;
    match file.read(&mut [0])? {
        0 => Ok(secret),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "it is longer than a key")),
    }
}

/// Writes a secret to a file that is not there yet: whole or not at all.
pub(crate) fn create_secret(path: &Path, secret: &[u8; SECRET_LEN]) -> Result<(), Failure> {
    create_private(path, secret)
}

/// Writes what only its owner may read to a file that is not there yet: whole or not at
/// all.
pub(crate) fn create_private(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    write_whole(path, octets, SECRET_MODE, RenameFlags::NOREPLACE)
}

/// Copies what only its owner may read to a file that is not there yet, onto the disk.
pub(crate) fn copy_private(from: &Path, to: &Path) -> Result<(), Failure> {
    let mut source = File::open(from).map_err(|error| cannot("read", from, &error))?;
    let copied = (|| {
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(SECRET_MODE).open(to)?;
        io::copy(&mut source, &mut file)?;
        file.sync_all()
    })();
    copied.map_err(|error| cannot("write", to, &error))
}

/// Puts a file that another program has written on the disk.
pub(crate) fn sync(path: &Path) -> Result<(), Failure> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| cannot("write", path, &error))
}

/// Gives a file another name, in the place of what had that.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::rename(from, to).map_err(|error| cannot("make", to, &error))?;
    sync_folder(to)
}

/// Writes what nobody need keep secret, in the place of what was there: whole or not
/// at all.
pub(crate) fn write(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    write_whole(path, octets, PUBLIC_MODE, RenameFlags::empty())
}

fn write_whole(path: &Path, octets: &[u8], mode: u32, flags: RenameFlags) -> Result<(), Failure> {
    let failed = |error: io::Error| cannot("write", path, &error);
    let name = path.file_name().ok_or_else(|| failed(io::ErrorKind::InvalidFilename.into()))?;
    let mut draft = std::ffi::OsString::from(".");
    draft.push(name);
    draft.push(format!(".{}", std::process::id()));
    let draft = path.with_file_name(draft);
    let written =
        fill(&draft, octets, mode).and_then(|()| Ok(renameat_with(CWD, &draft, CWD, path, flags)?));
    if let Err(error) = written {
        // What is not there need not be removed.
        let _ = fs::remove_file(&draft);
        return Err(failed(error));
    }
    sync_folder(path)
}

fn fill(path: &Path, octets: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(octets)?;
    file.sync_all()
}

/// Puts the folder's entry of what was just placed there on the disk too.
///
/// Errors: it is in its place all the same, and a power cut may take it away.
pub(crate) fn sync_folder(path: &Path) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let synced = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
    synced.map_err(|error| Failure::File {
        message: format!("{} is there, but may not outlive a power cut: {error}", path.display()),
        hint: "see what is wrong with the disk; then use it if the command is not to be repeated, or remove it",
    })
}

/// A folder for its owner only.
pub(crate) fn create_private_folder(path: &Path) -> Result<(), Failure> {
    let made = fs::create_dir(path)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o700)));
    made.map_err(|error| cannot("make", path, &error))
}

/// A folder that is not there yet, or is empty.
pub(crate) fn create_empty_folder(path: &Path) -> Result<PathBuf, Failure> {
    if path.is_dir() {
        let mut entries = fs::read_dir(path).map_err(|error| cannot("read", path, &error))?;
        if entries.next().is_some() {
            return Err(Failure::File {
                message: format!("{} is not empty", path.display()),
                hint: "name a new folder: what is left of an older bundle must not be carried",
            });
        }
    } else {
        fs::create_dir(path).map_err(|error| cannot("make", path, &error))?;
    }
    Ok(path.to_owned())
}

pub(crate) fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::File {
        message: format!("cannot {what} {}: {error}", path.display()),
        hint: "name another place, or see who may read and write this one",
    }
}
