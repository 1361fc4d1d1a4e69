//! `init`: a manager comes into being, whole or not at all.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use proseal_issuer::{Delegation, ManagerId, RootKey, SignerKey, SignerVersion, system_random};
use serde_json::json;
use zeroize::Zeroizing;

use crate::config;
use crate::domain::clock;
use crate::domain::{Refusal, number};
use crate::failure::Failure;
use crate::file;
use crate::here::Here;
use crate::home::Home;
use crate::output::Report;
use crate::store::manager::{self, Identity, Note};
use crate::store::{Place, Store};
use crate::value::{grouped, hex, rfc3339};
use crate::vault::{FileKey, Kind, SECRET_LEN, Vault};

pub(super) async fn run(
    home: &Home,
    database: Option<&str>,
    root_key: Option<&Path>,
    here: &Here,
) -> Result<Report, Failure> {
    let database = database.map(Place::parse).transpose().map_err(Failure::Usage)?;
    let now = here.clock.now();
    clock::check(now, now, false)?;
    let path = home.path();
    let taken = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
    if taken || path.is_file() {
        return Err(Failure::Home {
            message: format!("{} is there already", path.display()),
            hint: "a manager's folder is made once: name another one (--home DIR), or use this one",
        });
    }
    let draft = draft(path)?;
    file::create_private_folder(&draft)?;
    let made = fill(&Home::new(draft.clone()), database, root_key, now, &here.user).await;
    let placed = made.and_then(|made| {
        fs::rename(&draft, path).map(|()| made).map_err(|error| {
            // Nobody has seen this root key.
            root_key.map(fs::remove_file);
            file::cannot("make", path, &error)
        })
    });
    if placed.is_err() {
        // What is left of a failed attempt is of no use.
        let _ = fs::remove_dir_all(&draft);
    }
    let (identity, version) = placed?;
    // The manager is there, whatever comes of this.
    file::sync_folder(path)?;
    let place = root_key.map_or_else(|| home.root_key(), Path::to_owned);
    let fingerprint = grouped(&identity.root.digest());
    let text = format!(
        "manager {} in {}\n  this machine's clock: {}\n  root key's fingerprint: {fingerprint}\n  root key: {}\n  key file: {}\n\
         Compare the clock with another one now: radios believe for ever what is signed of the time.\n\
         Put the root key on a medium of its own, twice, and lock both away: `signer renew` is all that \
         needs it. Keep a copy of the key file, apart from the backups of the folder.\n\
         Next: `prose-manager enrolment --out FILE` writes what makes radios this manager's.\n",
        identity.manager,
        path.display(),
        rfc3339(now),
        place.display(),
        home.key().display(),
    );
    let object = json!({
        "home": path.display().to_string(),
        "manager": identity.manager.to_string(),
        "clock": rfc3339(now),
        "root_digest": hex(&identity.root.digest()),
        "fingerprint": fingerprint,
        "root_key": place.display().to_string(),
        "signer_version": version,
    });
    Ok(Report::new(text, object))
}

/// Beside the folder that it is to be.
fn draft(path: &Path) -> Result<PathBuf, Failure> {
    let name =
        path.file_name().ok_or_else(|| Failure::Usage("--home is no folder's name".to_owned()))?;
    let mut draft = std::ffi::OsString::from(".");
    draft.push(name);
    draft.push(format!(".{}", std::process::id()));
    Ok(path.with_file_name(draft))
}

async fn fill(
    home: &Home,
    database: Option<Place>,
    root_key: Option<&Path>,
    now: u64,
    user: &str,
) -> Result<(Identity, u32), Failure> {
    let random = |octets: &mut [u8]| {
        getrandom::fill(octets).map_err(|error| Failure::System(error.to_string()))
    };
    let mut key = Zeroizing::new([0; SECRET_LEN]);
    random(key.as_mut_slice())?;
    let mut manager = [0; 16];
    random(&mut manager)?;
    file::create_secret(&home.key(), &key)?;
    let vault = Vault::new(FileKey::new(key));
    let root = RootKey::generate(&mut system_random());
    let identity = Identity {
        manager: ManagerId(manager),
        root: root.public(),
        newest_change: now,
        signer: 0,
    };

    let place = match database {
        Some(Place::Url(url)) => {
            create_private_file(&home.config(), config::text(&url).as_bytes())?;
            Place::Url(url)
        }
        Some(Place::File(path)) => Place::File(path),
        None => {
            create_private_file(&home.database(), b"")?;
            Place::File(home.database())
        }
    };
    let store = Store::open(&place, 1).await?;
    let mut change = store.change().await?;
    if manager::exists(&mut change).await? {
        return Err(Failure::Home {
            message: "there is a manager in this database already".to_owned(),
            hint: "to serve it from this machine too, bring its folder (docs/manager.md, Many processes); else name another database",
        });
    }
    manager::create(&mut change, &identity).await?;
    let (version, signer) = new_signer(&root, identity.manager, 0, now, &vault)?;
    manager::set_signer(&mut change, &signer).await?;
    let note = Note { who: user.to_owned(), what: "init".to_owned() };
    manager::audit(&mut change, now, &[note]).await?;
    change.commit().await?;
    store.close().await;
    // Last: nothing that fails leaves a root key behind.
    file::create_secret(root_key.unwrap_or(&home.root_key()), root.expose_seed())?;
    Ok((identity, version))
}

fn create_private_file(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.and_then(|mut file| file.write_all(octets).and_then(|()| file.sync_all()))
        .map_err(|error| file::cannot("make", path, &error))
}

/// A signer of a version above `last`.
pub(super) fn new_signer(
    root: &RootKey,
    manager: ManagerId,
    last: u32,
    now: u64,
    vault: &Vault,
) -> Result<(u32, manager::Signer), Failure> {
    let next = number::next(u64::from(last), now);
    let version = u32::try_from(next).map_err(|_| Refusal::NoVersion)?;
    let key = SignerKey::generate(&mut system_random());
    let delegation = Delegation::sign(root, key.public(), SignerVersion::new(version)?, manager);
    let sealed_key = vault.seal(Kind::Signer(version), key.expose_seed())?;
    Ok((version, manager::Signer { version, delegation: delegation.octets().to_vec(), sealed_key }))
}
