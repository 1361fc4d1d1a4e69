//! The folder with all that a manager keeps, and what is where in it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use proseal_issuer::{RootKey, VerifyKey};

use crate::args::Args;
use crate::failure::Failure;
use crate::file;
use crate::here::Here;
use crate::vault::{FileKey, Vault};

/// Where a manager keeps its things.
pub(crate) struct Home(PathBuf);

impl Home {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Where the arguments say, else where it is by default.
    pub(crate) fn of(args: &Args, here: &Here) -> Self {
        Self::new(args.home.clone().unwrap_or_else(|| here.home.clone()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Groups, devices, packages, the audit; secrets sealed.
    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("manager.db")
    }

    /// What is otherwise than by default.
    pub(crate) fn config(&self) -> PathBuf {
        self.0.join("manager.toml")
    }

    /// What those are sealed with.
    pub(crate) fn key(&self) -> PathBuf {
        self.0.join("key")
    }

    /// The root key, until it is taken away.
    pub(crate) fn root_key(&self) -> PathBuf {
        self.0.join("root-key")
    }

    /// There is no manager here.
    pub(crate) fn none(&self) -> Failure {
        Failure::Home {
            message: format!("there is no manager in {}", self.0.display()),
            hint: "say where it is (--home DIR), or begin with `prose-manager init`",
        }
    }

    /// Checks that there is one, for its owner only.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let path = &self.0;
        let mode = fs::metadata(path).map_err(|_| self.none())?.permissions().mode();
        if ![self.key(), self.database(), self.config()].iter().any(|path| path.exists()) {
            return Err(self.none());
        }
        if mode & 0o077 != 0 {
            return Err(Failure::Home {
                message: format!(
                    "{} is open to other users (mode {:03o})",
                    path.display(),
                    mode & 0o777
                ),
                hint: "`chmod 700` it, on a file system that has owners",
            });
        }
        Ok(())
    }

    /// Checks that a file that is to be carried is written over none of the manager's own.
    pub(crate) fn keeps_out(&self, out: &Path) -> Result<(), Failure> {
        let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).canonicalize();
        // Where there is no folder nothing is written.
        let (Ok(folder), Ok(home)) = (folder, self.0.canonicalize()) else { return Ok(()) };
        if folder.starts_with(home) {
            return Err(Failure::File {
                message: format!("{} is in the manager's own folder", out.display()),
                hint: "name another place: what is in that folder is not carried about",
            });
        }
        Ok(())
    }

    pub(crate) fn vault(&self) -> Result<Vault, Failure> {
        let path = self.key();
        let key = file::read_secret(&path).map_err(|error| Failure::KeyFile {
            message: format!("cannot read the key file {}: {error}", path.display()),
        })?;
        // Whose key is elsewhere puts another sealer here.
        Ok(Vault::new(FileKey::new(key)))
    }

    /// The root key whose public half is `root`, from `elsewhere` or the home folder.
    pub(crate) fn root(
        &self,
        elsewhere: Option<&Path>,
        root: &VerifyKey,
    ) -> Result<RootKey, Failure> {
        let place = elsewhere.map_or_else(|| self.root_key(), Path::to_owned);
        let seed = file::read_secret(&place).map_err(|error| Failure::RootKey {
            message: format!("cannot read the root key {}: {error}", place.display()),
        })?;
        let key = RootKey::from_seed(&seed);
        if key.public() == *root {
            Ok(key)
        } else {
            let message = format!("{} is another manager's root key", place.display());
            Err(Failure::RootKey { message })
        }
    }
}
