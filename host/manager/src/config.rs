//! The configuration file `manager.toml` in the manager's folder. What it does not know
//! it refuses, with the line.

use std::fs;
use std::io::ErrorKind;

use serde::Deserialize;

use crate::failure::Failure;
use crate::home::Home;
use crate::store::Place;

/// A longer file is no configuration.
const LEN_MAX: usize = 64 * 1024;

/// What it says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// URL of a PostgreSQL database; SQLite in the folder if there is none.
    database: Option<String>,
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
        if let Some(url) = &config.database {
            Place::parse(url).map_err(|error| {
                let line = text.lines().position(|line| line.trim_start().starts_with("database"));
                format!("line {}: database: {error}", line.unwrap_or(0).saturating_add(1))
            })?;
        }
        Ok(config)
    }

    /// Where the database is: as the command line says, else as this does.
    pub(crate) fn place(&self, home: &Home, argument: Option<&str>) -> Result<Place, Failure> {
        match argument.or(self.database.as_deref()) {
            Some(url) => Place::parse(url).map_err(Failure::Usage),
            None if home.database().exists() => Ok(Place::File(home.database())),
            None => Err(home.none()),
        }
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
        ] {
            let said = Config::parse(wrong).unwrap_err();
            assert!(said.starts_with(line) && !said.contains("secret"), "{said}");
        }
    }
}
