//! A manager: its folder, its database, its servers as processes of their own, an operator.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};

use crate::database::{Database, Kind};
use crate::failure::Failure;
use crate::https::{Authority, Connection};

/// No peer is held back: all of them are one here.
const CONFIG: &str = "rate = 1000000\nburst = 1000000\nlog = \"warn\"\n";
/// The server waits 30 s for the next request of a connection.
const IDLE: Duration = Duration::from_secs(20);
/// signal(7).
const SIGKILL: i32 = 9;
const PASSWORD: &[u8] = b"correct horse battery staple\n";

/// What a radio knows of its manager.
#[derive(Clone)]
pub(crate) struct Pinned {
    pub(crate) authority: Authority,
    pub(crate) root_key: [u8; 32],
    pub(crate) manager: [u8; 16],
}

/// A manager that serves.
pub(crate) struct Manager {
    program: PathBuf,
    folder: PathBuf,
    pub(crate) database: Database,
    /// `None`: it was killed.
    servers: Mutex<Vec<Option<Child>>>,
    pub(crate) pinned: Pinned,
    /// Where each server is, for radios and for operators.
    addresses: Vec<(SocketAddr, SocketAddr)>,
    /// Each who connects takes the next one.
    turn: AtomicUsize,
    /// Servers that were ended by a kill, and by nothing else.
    pub(crate) killed: AtomicUsize,
    bearer: String,
    /// An operator's, and when it was used last.
    connection: Mutex<Option<(Connection, Instant)>>,
}

impl Manager {
    /// Sets one up in a new folder, and starts so many servers of it.
    pub(crate) fn start(
        program: &Path,
        kind: Kind,
        servers: NonZeroUsize,
    ) -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!(
            "prose-fleet-{}-{}",
            std::process::id(),
            kind.name()
        ));
        fs::create_dir_all(&folder)?;
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let none = Pinned { authority: Authority::none()?, root_key: [0; 32], manager: [0; 16] };
        let mut manager = Self {
            program: program.to_owned(),
            folder,
            database: Database::start(kind)?,
            servers: Mutex::new((0..servers.get()).map(|_| None).collect()),
            pinned: none,
            addresses: vec![(nowhere, nowhere); servers.get()],
            turn: AtomicUsize::new(0),
            killed: AtomicUsize::new(0),
            bearer: String::new(),
            connection: Mutex::new(None),
        };
        match manager.database.url() {
            Some(url) => manager.command(&["--database", &url, "init"])?,
            None => manager.command(&["init"])?,
        };
        let path = manager.home().join("manager.toml");
        let config = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, config + CONFIG)?;
        manager.command(&["operator", "add", "fleet"])?;
        let token = manager.command(&["operator", "token", "fleet"])?;
        manager.bearer = format!("Bearer {}", token["token"].as_str().unwrap_or_default());
        manager.pinned = manager.pin()?;
        manager.addresses = manager.serve()?;
        Ok(manager)
    }

    /// Where the database is, for who reads it beside the server.
    pub(crate) fn database_url(&self) -> String {
        let file = || format!("sqlite://{}?mode=ro", self.home().join("manager.db").display());
        self.database.url().unwrap_or_else(file)
    }

    fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// The object that a command prints, if it is done.
    pub(crate) fn command(&self, words: &[&str]) -> Result<Value, Failure> {
        let mut command = Command::new(&self.program);
        command.arg("--json").arg("--home").arg(self.home()).args(words);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        // Most ask for nothing and do not read it.
        let _ = child.stdin.take().map(|mut input| input.write_all(PASSWORD));
        let output = child.wait_with_output()?;
        let object: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        if object["ok"] == true {
            Ok(object)
        } else {
            Err(Failure::Wrong(format!("prose-manager {words:?}: {object}")))
        }
    }

    /// By a token file that nobody uses.
    fn pin(&self) -> Result<Pinned, Failure> {
        let file = self.folder.join("token");
        let out = file.to_string_lossy().into_owned();
        let url = "https://localhost";
        self.command(&["device", "invite", "nobody", "--url", url, "--out", &out])?;
        let text = fs::read_to_string(&file)?;
        let value = |name: &str| {
            let mut values = text.lines().filter_map(|line| line.split_once(" = "));
            let found = values.find(|(key, _)| *key == name).map(|(_, value)| value);
            found.ok_or_else(|| Failure::Wrong(format!("a token file without {name}")))
        };
        let wrong = || Failure::Wrong("a token file that cannot be read".to_owned());
        let authority = Base64UrlUnpadded::decode_vec(value("authority")?).map_err(|_| wrong())?;
        Ok(Pinned {
            authority: Authority::new(&authority)?,
            root_key: hexadecimal(value("root-key")?).ok_or_else(wrong)?,
            manager: hexadecimal(value("manager")?).ok_or_else(wrong)?,
        })
    }

    /// Starts the servers that do not run: on the ports that they had, once they had some.
    pub(crate) fn serve(&self) -> Result<Vec<(SocketAddr, SocketAddr)>, Failure> {
        let mut servers = self.servers()?;
        let places = servers.iter_mut().zip(&self.addresses);
        places
            .map(|(server, at)| if server.is_some() { Ok(*at) } else { self.serve_at(server, *at) })
            .collect()
    }

    fn serve_at(
        &self,
        place: &mut Option<Child>,
        (devices, operators): (SocketAddr, SocketAddr),
    ) -> Result<(SocketAddr, SocketAddr), Failure> {
        let mut command = Command::new(&self.program);
        command.arg("--json").arg("--home").arg(self.home());
        command.args(["serve", "--listen", &devices.to_string()]);
        command.args(["--operator-listen", &operators.to_string()]);
        let log = fs::File::options().append(true).create(true).open(self.folder.join("log"))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut server = command.spawn()?;
        let mut line = String::new();
        if let Some(output) = server.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        *place = Some(server);
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        let address = |name: &str| {
            let address = said[name].as_str().and_then(|text| text.parse().ok());
            address.ok_or_else(|| Failure::Wrong(format!("the server: {said}; {}", self.log())))
        };
        Ok((address("devices")?, address("operators")?))
    }

    /// Where one of the servers is.
    fn address(&self) -> (SocketAddr, SocketAddr) {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.addresses[turn % self.addresses.len()]
    }

    /// A connection of a radio: to the next server, or to the next one that answers.
    pub(crate) fn connect(&self) -> Result<Connection, Failure> {
        self.reach(|(devices, _)| devices)
    }

    fn reach(
        &self,
        side: impl Fn((SocketAddr, SocketAddr)) -> SocketAddr,
    ) -> Result<Connection, Failure> {
        let mut tried = self.pinned.authority.connect(side(self.address()));
        for _ in 1..self.count() {
            match tried {
                Err(failure) if failure.is_passing() => {
                    tried = self.pinned.authority.connect(side(self.address()));
                }
                done => return done,
            }
        }
        tried
    }

    /// Ends servers at once, in the middle of whatever they do (SIGKILL): all of them, or the
    /// one that was drawn.
    pub(crate) fn kill(&self, drawn: Option<usize>) -> Result<(), Failure> {
        let mut servers = self.servers()?;
        let killed = servers.iter_mut().enumerate();
        let killed = killed.filter(|(at, _)| drawn.is_none_or(|drawn| drawn == *at));
        let mut killed: Vec<_> = killed.filter_map(|(_, server)| server.take()).collect();
        killed.iter_mut().try_for_each(Child::kill)?;
        for mut server in killed {
            let status = server.wait()?;
            if status.signal() != Some(SIGKILL) {
                let text = format!("a server ended by itself, {status}: {}", self.log());
                return Err(Failure::Wrong(text));
            }
            self.killed.fetch_add(1, Ordering::Relaxed);
        }
        // Nobody may answer on that one any more.
        self.kept()?.take();
        Ok(())
    }

    fn kept(&self) -> Result<MutexGuard<'_, Option<(Connection, Instant)>>, Failure> {
        let poisoned = |_| Failure::Wrong("an operator's thread died".to_owned());
        self.connection.lock().map_err(poisoned)
    }

    /// How many there are, also when some do not run.
    pub(crate) const fn count(&self) -> usize {
        self.addresses.len()
    }

    fn servers(&self) -> Result<MutexGuard<'_, Vec<Option<Child>>>, Failure> {
        self.servers.lock().map_err(|_| Failure::Wrong("a server's thread died".to_owned()))
    }

    /// What the servers have logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Processor time of the servers so far, seconds.
    pub(crate) fn processor_s(&self) -> Option<f64> {
        self.servers()
            .ok()?
            .iter()
            .flatten()
            .map(|server| processor_s(&server.id().to_string()))
            .sum()
    }

    /// One request of an operator.
    pub(crate) fn operate(&self, line: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let mut kept = self.kept()?;
        let mut connection = match kept.take() {
            Some((connection, used)) if used.elapsed() < IDLE => connection,
            _ => self.reach(|(_, operators)| operators)?,
        };
        let answer = connection.ask(line, Some(&self.bearer), body)?;
        *kept = Some((connection, Instant::now()));
        answer.done(line)
    }

    /// A one-time token for a subscriber's radio, which is approved with it.
    pub(crate) fn invite(&self, subscriber: &str, device: &str) -> Result<String, Failure> {
        let body = json!({ "subscriber": subscriber, "device": device, "expires_s": 86_400 });
        let said = self.operate("POST /v1/invitations", Some(&body))?;
        Ok(said["token"].as_str().unwrap_or_default().to_owned())
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = self.kill(None);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Processor time of a process of this id so far, seconds; `self` is this one.
pub(crate) fn processor_s(process: &str) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // User and system time, in ticks of 10 ms (proc(5), fields 14 and 15).
    let fields: Vec<_> = stat.rsplit(") ").next()?.split(' ').collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100.0)
}

/// Octets of hexadecimal digits.
fn hexadecimal<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut octets = [0; N];
    for (octet, pair) in octets.iter_mut().zip(digits.chunks(2)) {
        *octet = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(octets)
}
