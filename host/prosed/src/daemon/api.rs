//! The local API: varlink over a Unix socket. Connections are bounded in number, and so
//! is what is kept for each; the kernel says who is on the other side.

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use proseal_proto::id::{GroupId, MemberId};
use prosed::object::{Kind, NotCarried};
use prosed::varlink::{self, Call, MESSAGE_MAX, Method};
use rustix::net::sockopt::socket_peercred;
use serde_json::{Value, json};

/// Connections at one time.
const CONNECTIONS: usize = 64;
/// Octets that wait for a slow reader; beyond that datagrams are lost to him.
const WAITING: usize = 1 << 20;

/// What the methods do.
pub(crate) trait Host {
    /// Sends a datagram.
    fn send(&mut self, group: GroupId, payload: &[u8]) -> Result<(), String>;
    /// Counters and groups.
    fn status(&mut self) -> Value;
    /// A new epoch; `false` if the group is not known.
    fn refresh(&mut self, group: GroupId) -> bool;
    /// Takes in a notice or package for the others of a group: what it is, and whether it
    /// was new.
    fn carry(&mut self, group: GroupId, object: &[u8]) -> Result<(Kind, bool), NotCarried>;
    /// No more keys; `false` if the group is not known.
    fn suspend(&mut self, group: GroupId) -> bool;
    /// Reads the configuration again.
    fn reload(&mut self) -> Result<(), String>;
}

struct Connection {
    stream: UnixStream,
    user: u32,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    /// Of one group, or of all.
    subscribed: Option<Option<GroupId>>,
    closed: bool,
}

/// The socket and who is connected.
pub(crate) struct Api {
    listener: UnixListener,
    path: PathBuf,
    connections: Vec<Connection>,
    /// Users beside root and this process's own, who may send and subscribe.
    pub(crate) users: Vec<u32>,
    /// Datagrams that slow readers have lost.
    pub(crate) lost: u64,
}

impl Api {
    /// Listens at `path`, where a socket of an earlier life may be.
    pub(crate) fn open(path: &Path, users: Vec<u32>) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        // Who may do what is decided by who is on the other side.
        fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
        listener.set_nonblocking(true)?;
        let (path, connections) = (path.to_owned(), Vec::new());
        Ok(Self { listener, path, connections, users, lost: 0 })
    }

    /// What there is to wait for, and whether there is something to write.
    pub(crate) fn fds(&self) -> impl Iterator<Item = (BorrowedFd<'_>, bool)> {
        let each = self.connections.iter();
        let each = each.map(|one| (one.stream.as_fd(), !one.outgoing.is_empty()));
        std::iter::once((self.listener.as_fd(), false)).chain(each)
    }

    /// Takes in who and what has come, and answers.
    pub(crate) fn work(&mut self, host: &mut dyn Host) {
        while let Ok((stream, _)) = self.listener.accept() {
            let user = socket_peercred(&stream).map(|peer| peer.uid.as_raw());
            if let Ok(user) = user
                && self.connections.len() < CONNECTIONS
                && stream.set_nonblocking(true).is_ok()
            {
                let (incoming, outgoing) = (Vec::new(), Vec::new());
                let (subscribed, closed) = (None, false);
                self.connections.push(Connection {
                    stream,
                    user,
                    incoming,
                    outgoing,
                    subscribed,
                    closed,
                });
            }
        }
        let users = &self.users;
        for connection in &mut self.connections {
            connection.work(users, host);
        }
        self.connections.retain(|connection| !connection.closed);
    }

    /// Gives a datagram to all who have subscribed.
    pub(crate) fn publish(&mut self, group: GroupId, sender: MemberId, payload: &[u8]) {
        let wants = |connection: &&mut Connection| match connection.subscribed {
            Some(only) => only.is_none_or(|only| only == group),
            None => false,
        };
        let mut message = None;
        for connection in self.connections.iter_mut().filter(wants) {
            let message = message.get_or_insert_with(|| varlink::datagram(group, sender, payload));
            if connection.outgoing.len() + message.len() > WAITING {
                self.lost += 1;
            } else {
                connection.outgoing.extend_from_slice(message);
            }
        }
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        // Nobody is there to answer any more.
        let _ = fs::remove_file(&self.path);
    }
}

impl Connection {
    fn work(&mut self, users: &[u32], host: &mut dyn Host) {
        let mut buffer = [0; 16 * 1024];
        // Who does not read his replies is not read from either.
        while self.outgoing.len() < WAITING {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.closed = true,
                Ok(len) => {
                    self.incoming.extend_from_slice(&buffer[..len]);
                    self.answer_all(users, host);
                    if !self.closed {
                        continue;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => self.closed = true,
            }
            break;
        }
        while !self.outgoing.is_empty() {
            match self.stream.write(&self.outgoing) {
                Ok(len) => drop(self.outgoing.drain(..len)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    self.closed = true;
                    break;
                }
            }
        }
    }

    fn answer_all(&mut self, users: &[u32], host: &mut dyn Host) {
        while let Some(end) = self.incoming.iter().position(|&octet| octet == 0) {
            let message: Vec<u8> = self.incoming.drain(..=end).collect();
            match varlink::read(&message[..end]) {
                Ok(call) => {
                    let oneway = call.oneway;
                    let reply = self.answer(call, users, host);
                    if !oneway {
                        self.outgoing.extend(reply);
                    }
                }
                Err(Some(reply)) => self.outgoing.extend(reply),
                Err(None) => self.closed = true,
            }
        }
        self.closed |= self.incoming.len() > MESSAGE_MAX;
    }

    fn answer(&mut self, call: Call, users: &[u32], host: &mut dyn Host) -> Vec<u8> {
        let done = |done: Result<(), String>, name| match done {
            Ok(()) => varlink::reply(&json!({}), false),
            Err(reason) => varlink::refusal(name, &reason),
        };
        let known = |known: bool, group: GroupId| match known {
            true => varlink::reply(&json!({}), false),
            false => {
                let reason = format!("this radio is not in group {group}");
                varlink::refusal("UnknownGroup", &reason)
            }
        };
        if !self.may(&call.method, users) {
            let reason = format!("user {} may not: see `users` in docs/prosed.md", self.user);
            return varlink::refusal("NotPermitted", &reason);
        }
        match call.method {
            Method::Service(reply) => reply,
            Method::Send(group, payload) => done(host.send(group, &payload), "NotSent"),
            Method::Subscribe(_) if !call.more => varlink::expected_more(),
            Method::Subscribe(group) => {
                self.subscribed = Some(group);
                Vec::new()
            }
            Method::Status => varlink::reply(&host.status(), false),
            Method::Refresh(group) => known(host.refresh(group), group),
            Method::Carry(group, object) => match host.carry(group, &object) {
                Ok((kind, is_new)) => {
                    let what = json!({ "kind": kind.name(), "is_new": is_new });
                    varlink::reply(&what, false)
                }
                Err(NotCarried::UnknownGroup(group)) => known(false, group),
                Err(error) => varlink::refusal("NotCarried", &error.to_string()),
            },
            Method::Suspend(group) => known(host.suspend(group), group),
            Method::Reload => done(host.reload(), "NotReloaded"),
        }
    }

    /// What is cheap and secret of nobody is for all; traffic is for who is listed; what
    /// changes the daemon is for root and its own user.
    fn may(&self, method: &Method, users: &[u32]) -> bool {
        let own = self.user == 0 || self.user == rustix::process::geteuid().as_raw();
        match method {
            Method::Service(_) | Method::Status => true,
            Method::Send(..) | Method::Subscribe(_) | Method::Carry(..) => {
                own || users.contains(&self.user)
            }
            Method::Refresh(_) | Method::Suspend(_) | Method::Reload => own,
        }
    }
}
