//! The configuration file: TOML, each error with its line.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use proseal_proto::id::GroupId;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where frames go unless the file says otherwise.
const PORT: u16 = 46_360;
/// Connections to the local API and what they may be: see `docs/prosed.md`.
const SOCKET: &str = "/run/prosed/prosed.socket";
const STATE: &str = "/var/lib/prosed";
/// Longest name of a network interface (IFNAMSIZ, with its zero).
const NAME_MAX: usize = 15;

/// The file, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// The link's network interface.
    pub(crate) interface: String,
    /// UDP port of all groups.
    pub(crate) port: u16,
    /// The local API's socket.
    pub(crate) socket: PathBuf,
    /// Folder of the high-water file and the lock.
    pub(crate) state: PathBuf,
    /// Where metrics are served, if at all: a loopback address.
    pub(crate) metrics: Option<SocketAddr>,
    /// Who may send and subscribe beside root and the daemon's own user.
    pub(crate) users: Vec<u32>,
    /// Whether all memory is locked.
    pub(crate) lock_memory: bool,
    /// What differs from the defaults in a group.
    pub(crate) groups: Vec<GroupConfig>,
}

/// What a group's section says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupConfig {
    /// The group.
    pub(crate) group: GroupId,
    /// Its multicast address.
    pub(crate) address: Ipv6Addr,
    /// Its TUN interface.
    pub(crate) tun: Option<String>,
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub(crate) struct ConfigError {
    line: usize,
    what: String,
}

/// The multicast address of a group: link-local, transient (RFC 4291 section 2.7).
pub(crate) const fn address(group: GroupId) -> Ipv6Addr {
    let [a, b, c] = group.octets();
    let low = u16::from_be_bytes([b, c]);
    Ipv6Addr::new(0xff12, 0, 0, 0, 0, 0x7073, a as u16, low)
}

impl Config {
    /// Where a group's frames go.
    pub(crate) fn address(&self, group: GroupId) -> Ipv6Addr {
        let own = self.groups.iter().find(|config| config.group == group);
        own.map_or_else(|| address(group), |config| config.address)
    }

    /// Reads and checks a file.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let at =
            |offset: usize| text.bytes().take(offset).filter(|&octet| octet == b'\n').count() + 1;
        let table = DeTable::parse(text).map_err(|error| ConfigError {
            line: error.span().map_or(1, |span| at(span.start)),
            what: error.message().to_owned(),
        })?;
        let mut reader = Reader { at: &at };
        reader.config(table.get_ref())
    }
}

struct Reader<'t> {
    at: &'t dyn Fn(usize) -> usize,
}

type Field<'t> = Spanned<DeValue<'t>>;

impl Reader<'_> {
    fn error(&self, at: &std::ops::Range<usize>, what: String) -> ConfigError {
        ConfigError { line: (self.at)(at.start), what }
    }

    fn config(&mut self, table: &DeTable<'_>) -> Result<Config, ConfigError> {
        let mut config = Config {
            interface: String::new(),
            port: PORT,
            socket: SOCKET.into(),
            state: STATE.into(),
            metrics: None,
            users: Vec::new(),
            lock_memory: true,
            groups: Vec::new(),
        };
        for (name, value) in table {
            match name.get_ref().as_ref() {
                "interface" => config.interface = self.interface(value)?,
                "port" => config.port = self.number(value, "a UDP port", 1..=65_535)?,
                "socket" => config.socket = self.path(value)?,
                "state" => config.state = self.path(value)?,
                "metrics" => config.metrics = Some(self.metrics(value)?),
                "users" => config.users = self.users(value)?,
                "lock_memory" => config.lock_memory = self.boolean(value)?,
                "group" => config.groups = self.groups(value)?,
                other => {
                    let what = format!(
                        "{other:?} is not known: interface, port, socket, state, metrics, users, \
                         lock_memory and [group.ID] are"
                    );
                    return Err(self.error(&name.span(), what));
                }
            }
        }
        if config.interface.is_empty() {
            let what = "the interface is missing: interface = \"NAME\" of the ad-hoc link";
            return Err(ConfigError { line: 1, what: what.to_owned() });
        }
        Ok(config)
    }

    fn text<'v>(&self, value: &'v Field<'_>) -> Result<&'v str, ConfigError> {
        match value.get_ref() {
            DeValue::String(text) => Ok(text),
            _ => Err(self.error(&value.span(), "this is a text in quotation marks".to_owned())),
        }
    }

    fn boolean(&self, value: &Field<'_>) -> Result<bool, ConfigError> {
        match value.get_ref() {
            DeValue::Boolean(value) => Ok(*value),
            _ => Err(self.error(&value.span(), "this is true or false".to_owned())),
        }
    }

    fn number<T: TryFrom<i64> + Copy>(
        &self,
        value: &Field<'_>,
        what: &str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Result<T, ConfigError> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().replace('_', "").parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| range.contains(number));
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
            let (from, to) = (range.start(), range.end());
            self.error(&value.span(), format!("this is {what}: a number from {from} to {to}"))
        })
    }

    fn path(&self, value: &Field<'_>) -> Result<PathBuf, ConfigError> {
        let path = PathBuf::from(self.text(value)?);
        if path.is_absolute() {
            Ok(path)
        } else {
            Err(self.error(&value.span(), "this is a path that begins with /".to_owned()))
        }
    }

    fn interface(&self, value: &Field<'_>) -> Result<String, ConfigError> {
        let name = self.text(value)?;
        let good = |octet: u8| octet.is_ascii_graphic() && octet != b'/' && octet != b'%';
        if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(good) {
            let what = format!("{name:?} is not the name of a network interface");
            return Err(self.error(&value.span(), what));
        }
        Ok(name.to_owned())
    }

    fn metrics(&self, value: &Field<'_>) -> Result<SocketAddr, ConfigError> {
        let address = self.text(value)?.parse::<SocketAddr>().ok();
        address.filter(|address| address.ip().is_loopback()).ok_or_else(|| {
            let what =
                "this is a loopback address with a port: metrics are served to this machine only";
            self.error(&value.span(), what.to_owned())
        })
    }

    fn users(&self, value: &Field<'_>) -> Result<Vec<u32>, ConfigError> {
        let DeValue::Array(users) = value.get_ref() else {
            return Err(self.error(&value.span(), "this is a list of user ids: [1000]".to_owned()));
        };
        let most = i64::from(u32::MAX);
        users.iter().map(|user| self.number(user, "a user id", 0..=most)).collect()
    }

    fn groups(&self, value: &Field<'_>) -> Result<Vec<GroupConfig>, ConfigError> {
        let DeValue::Table(groups) = value.get_ref() else {
            return Err(
                self.error(&value.span(), "a group is a section: [group.0a0b0c]".to_owned())
            );
        };
        let mut all: Vec<GroupConfig> = Vec::new();
        for (name, section) in groups {
            let id = name.get_ref();
            let group = (id.len() == 6).then(|| u32::from_str_radix(id, 16).ok()).flatten();
            let group = group.and_then(|group| GroupId::new(group).ok()).ok_or_else(|| {
                self.error(&name.span(), format!("{id:?} is no group: six hexadecimal digits"))
            })?;
            let config = self.group(group, section)?;
            let twice = |other: &&GroupConfig| {
                other.group == group || other.tun.is_some() && other.tun == config.tun
            };
            if let Some(other) = all.iter().find(twice) {
                let what = format!("group {} has the same id or TUN interface", other.group);
                return Err(self.error(&name.span(), what));
            }
            all.push(config);
        }
        Ok(all)
    }

    fn group(&self, group: GroupId, section: &Field<'_>) -> Result<GroupConfig, ConfigError> {
        let DeValue::Table(section) = section.get_ref() else {
            return Err(self.error(&section.span(), "a group is a section".to_owned()));
        };
        let mut config = GroupConfig { group, address: address(group), tun: None };
        for (name, value) in section {
            match name.get_ref().as_ref() {
                "address" => {
                    let address = self.text(value)?.parse::<Ipv6Addr>().ok();
                    config.address = address.filter(Ipv6Addr::is_multicast).ok_or_else(|| {
                        self.error(&value.span(), "this is an IPv6 multicast address".to_owned())
                    })?;
                }
                "tun" => config.tun = Some(self.interface(value)?),
                other => {
                    let what = format!("{other:?} is not known: address and tun are");
                    return Err(self.error(&name.span(), what));
                }
            }
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_file_names_the_interface() {
        let config = Config::parse("interface = \"wlan0\"\n").unwrap();
        assert_eq!((config.interface.as_str(), config.port), ("wlan0", 46_360));
        assert!(config.lock_memory && config.metrics.is_none() && config.groups.is_empty());
        let group = GroupId::new(0x0a0b0c).unwrap();
        assert_eq!(config.address(group).to_string(), "ff12::7073:a:b0c");
    }

    #[test]
    fn all_that_can_be_said_is_read() {
        let config = Config::parse(
            "interface = \"mesh0\"\nport = 5_000\nsocket = \"/run/p\"\nstate = \"/var/p\"\n\
             metrics = \"[::1]:9464\"\nusers = [1000, 1001]\nlock_memory = false\n\
             [group.0a0b0c]\naddress = \"ff15::1\"\ntun = \"prose0\"\n[group.ffffff]\n",
        )
        .unwrap();
        assert_eq!((config.port, config.users), (5_000, vec![1000, 1001]));
        assert_eq!(config.groups[0].tun.as_deref(), Some("prose0"));
        assert_eq!(config.groups[0].address.to_string(), "ff15::1");
        assert_eq!(config.groups.len(), 2);
    }

    #[test]
    fn an_error_names_its_line() {
        let good = "interface = \"a\"\n";
        for (text, line, word) in [
            ("", 1, "interface"),
            ("interface = 1\n", 1, "quotation marks"),
            ("interface = \"sixteen-letters-\"\n", 1, "name of a network"),
            ("interface = \"a/b\"\n", 1, "name of a network"),
            (&format!("{good}\nport = 0\n"), 3, "UDP port"),
            (&format!("{good}port = 65536\n"), 2, "UDP port"),
            (&format!("{good}ports = 1\n"), 2, "is not known"),
            (&format!("{good}metrics = \"0.0.0.0:1\"\n"), 2, "loopback"),
            (&format!("{good}state = \"here\"\n"), 2, "begins with /"),
            (&format!("{good}users = [\n 1,\n -1]\n"), 4, "user id"),
            (&format!("{good}lock_memory = 1\n"), 2, "true or false"),
            (&format!("{good}[group.0a0b0]\n"), 2, "six hexadecimal"),
            (&format!("{good}[group.0a0b0c]\naddress = \"::1\"\n"), 3, "multicast"),
            (&format!("{good}[group.0a0b0c]\ntap = \"::1\"\n"), 3, "is not known"),
            (
                &format!("{good}[group.000001]\ntun = \"a\"\n[group.000002]\ntun = \"a\"\n"),
                4,
                "same",
            ),
            (&format!("{good}{good}"), 2, "duplicate"),
            (&format!("{good}port = \n"), 2, ""),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text:?}: {error}");
            assert!(error.to_string().contains(word), "{text:?}: {error}");
        }
    }
}
