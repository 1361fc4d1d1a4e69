//! What a device remembers of its manager between commands: nothing secret.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64ct::{Base64UrlUnpadded, Encoding};

use super::lines::Lines;
use crate::failure::Failure;

/// Where it is kept, unless told otherwise.
pub(crate) const FOLDER: &str = "/var/lib/proseal";
const FILE: &str = "manager";
/// The most octets of the file, of a URL, and of a certificate in it.
const MOST: u64 = 16 * 1024;
const NAMES: [&str; 2] = ["url", "authority"];

/// Where the manager is, and who vouches for its servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// `https://HOST[:PORT]`, without a slash at the end.
    pub(crate) url: String,
    /// The authority's certificate (X.509, DER).
    pub(crate) authority: Vec<u8>,
}

impl Place {
    /// Reads it from its folder.
    pub(crate) fn load(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(FILE);
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Failure::NoManager { path: path.clone() },
            _ => Failure::File {
                message: format!("cannot read {}: {error}", path.display()),
                hint: "run it as a user that may, or name another folder by --state",
            },
        };
        if fs::metadata(&path).map_err(failed)?.len() > MOST {
            return Err(wrong(&path, "it has more octets than any such file"));
        }
        let text = fs::read_to_string(&path).map_err(failed)?;
        Self::parse(&text).map_err(|what| wrong(&path, &what))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let lines = Lines::parse(text, &NAMES)?;
        Ok(Self { url: url(lines.value("url")?)?, authority: lines.octets("authority")? })
    }

    /// Writes it into its folder, which is made if it is not there: the old file or the new
    /// one, never a part.
    pub(crate) fn save(&self, folder: &Path) -> Result<(), Failure> {
        let path = folder.join(FILE);
        let text = format!(
            "# The manager of this device (`prosectl enrol`).\nurl = {}\nauthority = {}\n",
            self.url,
            Base64UrlUnpadded::encode_string(&self.authority),
        );
        replace(&path, text.as_bytes()).map_err(|error| Failure::File {
            message: format!("cannot write {}: {error}", path.display()),
            hint: "run it as a user that may, or name another folder by --state",
        })
    }
}

fn wrong(path: &Path, what: &str) -> Failure {
    Failure::WrongFile {
        message: format!("{} is damaged: {what}", path.display()),
        hint: "enrol again with a new token file: `prosectl enrol --token-file FILE` writes it anew",
    }
}

fn replace(path: &Path, octets: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let partial: PathBuf = path.with_extension("part");
    let mut file = fs::File::create(&partial)?;
    file.write_all(octets)?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    fs::File::open(folder)?.sync_all()
}

/// A manager's URL: TLS, and no path.
pub(crate) fn url(text: &str) -> Result<String, String> {
    let wrong = || format!("{text:?} is no manager's URL: https://HOST, or https://HOST:PORT");
    let rest = text.strip_prefix("https://").ok_or_else(wrong)?;
    let host = rest.strip_suffix('/').unwrap_or(rest);
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b".-:[]".contains(&octet);
    if host.is_empty() || host.len() > 300 || !host.bytes().all(is_plain) {
        return Err(wrong());
    }
    Ok(format!("https://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_loaded() {
        let folder = std::env::temp_dir().join(format!("prosectl-place-{}", std::process::id()));
        let there = Place::load(&folder.join("deeper"));
        assert!(matches!(there, Err(Failure::NoManager { .. })));
        for port in [1, 2] {
            let place = Place { url: format!("https://m:{port}"), authority: vec![port; 500] };
            place.save(&folder.join("deeper")).unwrap();
            assert_eq!(Place::load(&folder.join("deeper")).unwrap(), place);
        }
        fs::write(folder.join("deeper").join(FILE), "url = http://m").unwrap();
        let damaged = Place::load(&folder.join("deeper")).unwrap_err();
        assert!(damaged.to_string().contains("is damaged"), "{damaged}");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_url_is_of_tls_and_has_no_path() {
        for (text, expected) in [
            ("https://manager:8443", "https://manager:8443"),
            ("https://[fe80::1]:1/", "https://[fe80::1]:1"),
        ] {
            assert_eq!(url(text).as_deref(), Ok(expected));
        }
        for text in [
            "http://m",
            "https://",
            "https://m/x",
            "https://u@m",
            "https://m?x",
            "m",
            "https://m\n",
        ] {
            assert!(url(text).unwrap_err().contains("is no manager's URL"), "{text}");
        }
    }
}
