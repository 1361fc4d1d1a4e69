//! The configuration file `manager.toml` in the manager's folder. What it does not know
//! it refuses, with the line.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::Deserialize;

use crate::failure::Failure;
use crate::home::Home;
use crate::http::limit::Rate;
use crate::store::Place;

/// A longer file is no configuration.
const LEN_MAX: usize = 64 * 1024;

/// What it says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Config {
    /// URL of a PostgreSQL database; SQLite in the folder if there is none.
    database: Option<String>,
    /// Where radios reach the manager.
    url: Option<String>,
    /// Where radios come.
    pub(crate) listen: SocketAddr,
    /// Where operators come.
    pub(crate) operator_listen: SocketAddr,
    /// Names and addresses for the server's certificate, beside this machine's own.
    pub(crate) names: Vec<String>,
    /// Requests of one peer in a second, in the long run.
    rate: u32,
    /// Requests of one peer at once.
    burst: u32,
    /// Most connections that are open at once, of each listener.
    pub(crate) connections: usize,
    /// Connections to the database that read.
    pub(crate) readers: u32,
    /// How long an operator is signed in, seconds.
    pub(crate) session_s: u64,
    /// What is logged: error, warn, info, debug.
    pub(crate) log: Level,
    /// How it is logged.
    pub(crate) log_format: Format,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

/// How it is logged.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    Text,
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database: None,
            url: None,
            listen: SocketAddr::from((Ipv6Addr::UNSPECIFIED, 8443)),
            operator_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8444)),
            names: Vec::new(),
            rate: 50,
            burst: 200,
            connections: 4096,
            readers: 4,
            session_s: 8 * 3600,
            log: Level::Info,
            log_format: Format::Text,
        }
    }
}

impl Config {
    /// Reads it; where there is none, all is as it is without.
    ///
    /// Errors: [`Failure::Config`], with the line.
    pub(crate) fn read(home: &Home) -> Result<Self, Failure> {
        let path = home.config();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(crate::file::cannot("read", &path, &error)),
        };
        Self::parse(&text).map_err(|message| Failure::Config {
            message: format!("{}: {message}", path.display()),
        })
    }

    /// Errors: a text that begins with `line N: `.
    fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LEN_MAX {
            return Err("it is longer than 64 KiB".to_owned());
        }
        let config: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let before = text.get(..at).unwrap_or_default();
            let line = before.matches('\n').count().saturating_add(1);
            format!("line {line}: {}", error.message())
        })?;
        config.check().map_err(|(key, error)| {
            let line = text.lines().position(|line| line.trim_start().starts_with(key));
            format!("line {}: {key}: {error}", line.unwrap_or(0).saturating_add(1))
        })?;
        Ok(config)
    }

    /// Errors: the key, and what is wrong with its value.
    fn check(&self) -> Result<(), (&'static str, String)> {
        if let Some(url) = &self.database {
            Place::parse(url).map_err(|error| ("database", error))?;
        }
        if let Some(url) = &self.url {
            check_url(url).map_err(|error| ("url", error))?;
        }
        let at_least_one = "expected 1 or more".to_owned();
        for (key, value) in [
            ("rate", u64::from(self.rate)),
            ("burst", u64::from(self.burst)),
            ("connections", self.connections as u64),
            ("readers", u64::from(self.readers)),
            ("session-s", self.session_s),
        ] {
            if value == 0 {
                return Err((key, at_least_one));
            }
        }
        Ok(())
    }

    /// Where the database is: as the command line says, else as this does.
    pub(crate) fn place(&self, home: &Home, argument: Option<&str>) -> Result<Place, Failure> {
        match argument.or(self.database.as_deref()) {
            Some(url) => Place::parse(url).map_err(Failure::Usage),
            None if home.database().exists() => Ok(Place::File(home.database())),
            None => Err(home.none()),
        }
    }

    /// Whether the database is another one than SQLite's in the folder.
    pub(crate) const fn has_database(&self, argument: Option<&str>) -> bool {
        argument.is_some() || self.database.is_some()
    }

    /// Where radios reach the manager.
    pub(crate) fn url(&self) -> Result<String, Failure> {
        self.url.clone().ok_or_else(|| {
            let text = "say where radios reach the manager: --url https://HOST:8443, or `url` in manager.toml";
            Failure::Usage(text.to_owned())
        })
    }

    pub(crate) const fn rate(&self) -> Rate {
        Rate { per_s: self.rate, burst: self.burst }
    }
}

/// Errors: a text, for what radios cannot connect to.
pub(crate) fn check_url(url: &str) -> Result<(), String> {
    let host = url.strip_prefix("https://").unwrap_or_default();
    let is_plain = !host.is_empty() && host.bytes().all(|octet| octet.is_ascii_graphic());
    if is_plain && !host.contains(['/', '?', '#', '@']) {
        Ok(())
    } else {
        Err("expected https://HOST or https://HOST:PORT".to_owned())
    }
}

/// The file of a manager whose database is elsewhere.
pub(crate) fn text(database: &str) -> String {
    format!(
        "# prose-manager (docs/manager.md, Configuration)\ndatabase = {}\n",
        // A string of JSON is one of TOML.
        serde_json::Value::from(database)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let url = "postgres://a:\"b@c/d?host=/tmp";
        assert_eq!(Config::parse(&text(url)).unwrap().database.as_deref(), Some(url));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_no_secret() {
        for (wrong, line) in [
            ("\n\nnonsense = 1\n", "line 3: "),
            ("database = 7\n", "line 1: "),
            ("# a\ndatabase = \"mysql://a:secret@b\"\n", "line 2: "),
            ("a\n", "line 1: "),
            ("rate = 1\n\nburst = 0\n", "line 3: burst: "),
            ("listen = \"nowhere\"\n", "line 1: "),
            ("url = \"http://a\"\n", "line 1: url: "),
            ("log = \"everything\"\n", "line 1: "),
        ] {
            let said = Config::parse(wrong).unwrap_err();
            assert!(said.starts_with(line) && !said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn a_url_is_a_place_and_nothing_behind_it() {
        for good in ["https://manager", "https://10.0.2.2:8443", "https://[::1]:8443"] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for wrong in ["https://", "https://a/b", "https://a b", "https://a@b", "a"] {
            assert!(check_url(wrong).is_err(), "{wrong}");
        }
    }
}
