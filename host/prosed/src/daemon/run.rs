//! The loop: what comes in goes to the station, what the station wants goes out. One
//! thread; the TEE and the disk have theirs, and nothing here waits for them.

use std::fs;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use proseal_client::Client;
use proseal_proto::id::GroupId;
use proseal_proto::message::Outcome;
use prosed::frame::{DATA_MAX, HEADROOM, Layout, SduType, TAILROOM};
use prosed::highwater::Mark;
use prosed::highwater::file::{self, Owner};
use prosed::object::file as carried;
use prosed::receive::{Delivery, Verdict};
use prosed::station::{Action, Station};
use prosed::time::Time;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::api::{Api, Host};
use super::config::Config;
use super::disk::Disk;
use super::link::{Inbox, Link, MANY};
use super::metrics::Metrics;
use super::notify::Notify;
use super::process;
use super::tee::{Admitted, Answer, Question, Tee};
use super::tun::Tun;
use super::wake::Wake;

mod host;

/// Frames or packets that are taken from one socket before the next one has its turn.
const BATCH: usize = 64;
/// How often the TEE is asked what it holds: an administrator may have changed it.
const LOOK: Duration = Duration::from_secs(5);
/// The loop goes round at least so often.
const ROUND: Duration = Duration::from_secs(1);

/// All that the loop has in its hands.
pub(crate) struct Daemon {
    path: PathBuf,
    config: Config,
    start: Instant,
    /// The trusted application's floor, and when it told that.
    floor: (u64, Duration),
    parts: Parts,
    link: Link,
    tee: Tee,
    disk: Disk,
    marks: Vec<(Owner, Mark)>,
    shelf: Disk,
    carried: Vec<(GroupId, Vec<u8>)>,
    wake: Wake,
    signals: [(i32, UnixStream); 2],
    notify: Notify,
    metrics: Metrics,
    measured: Instant,
    subscriber_drops: u64,
    looked: Option<Instant>,
    looking: bool,
    ready: bool,
    inbox: Inbox,
    buffer: Vec<u8>,
    _lock: fs::File,
}

/// What frames and packets pass through: apart from the rest, so that both sides can be
/// held at once.
struct Parts {
    station: Station,
    tuns: Vec<Tun>,
    deliveries: Vec<(Delivery, Vec<u8>)>,
}

/// Where there is something to do.
struct Ready {
    wake: bool,
    link: bool,
    signals: bool,
    tuns: bool,
    api: bool,
}

/// What stops a daemon from starting.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {error}")]
pub(crate) struct Failed {
    what: String,
    error: io::Error,
}

fn failed(what: impl Into<String>) -> impl FnOnce(io::Error) -> Failed {
    let what = what.into();
    |error| Failed { what, error }
}

impl Daemon {
    /// Opens all that there is to open. `open` makes the way to the TEE.
    pub(crate) fn start(
        path: PathBuf,
        config: Config,
        open: impl FnOnce() -> Client + Send + 'static,
    ) -> Result<(Self, Api), Failed> {
        process::no_dumps().map_err(failed("core dumps cannot be turned off"))?;
        if config.lock_memory {
            process::lock_memory().map_err(failed(
                "memory cannot be locked (LimitMEMLOCK=infinity, or lock_memory = false)",
            ))?;
        }
        let state = &config.state;
        let lock = process::only_one(state)
            .map_err(failed(format!("{} is in use by another prosed", state.display())))?;
        let highwater = state.join("high-water");
        let marks = load(&highwater).map_err(failed("the high-water file"))?;
        let shelf = state.join("carried");
        let carried = load_carried(&shelf).map_err(failed("the file of what is carried"))?;
        let link = Link::open(&config)
            .map_err(failed(format!("the link on {:?} does not open", config.interface)))?;
        let socket = config.socket.display().to_string();
        let api = Api::open(&config.socket, config.users.clone())
            .map_err(failed(format!("the local API at {socket} does not open")))?;
        let wake = Wake::new().map_err(failed("an eventfd"))?;
        let metrics = Metrics::default();
        if let Some(address) = config.metrics {
            metrics.serve(address).map_err(failed(format!("metrics at {address}")))?;
        }
        let signals = [signal(&[SIGTERM, SIGINT])?, signal(&[SIGHUP])?];
        let mut daemon = Self {
            path,
            start: Instant::now(),
            floor: (0, Duration::ZERO),
            parts: Parts { station: Station::default(), tuns: Vec::new(), deliveries: Vec::new() },
            link,
            tee: Tee::new(open, wake.clone()),
            disk: Disk::new(highwater, wake.clone()),
            marks,
            shelf: Disk::new(shelf, wake.clone()),
            carried,
            wake,
            signals,
            notify: Notify::from_environment(),
            metrics,
            measured: Instant::now(),
            subscriber_drops: 0,
            looked: None,
            looking: false,
            ready: false,
            inbox: Inbox::new(),
            buffer: vec![0; HEADROOM + DATA_MAX + TAILROOM],
            config,
            _lock: lock,
        };
        daemon.open_tuns()?;
        Ok((daemon, api))
    }

    fn open_tuns(&mut self) -> Result<(), Failed> {
        let groups = &self.config.groups;
        let named = |tun: &Tun| {
            groups
                .iter()
                .any(|config| config.group == tun.group && config.tun.as_ref() == Some(&tun.name))
        };
        self.parts.tuns.retain(named);
        for config in groups {
            let Some(name) = &config.tun else { continue };
            if !self.parts.tuns.iter().any(|tun| tun.name == *name) {
                let tun = Tun::open(config.group, name)
                    .map_err(failed(format!("the TUN interface {name} does not open")))?;
                self.parts.tuns.push(tun);
            }
        }
        Ok(())
    }

    fn now(&self) -> Time {
        let local = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let local = local.map_or(0, |since| since.as_secs());
        let up = self.start.elapsed();
        let (floor, told) = self.floor;
        let floor = floor.saturating_add(up.saturating_sub(told).as_secs());
        Time { up, clock: local.max(floor), floor }
    }

    /// Goes round until it is told to end.
    pub(crate) fn run(mut self, mut api: Api) -> io::Result<()> {
        loop {
            self.look();
            self.act();
            self.deliver(&mut api);
            self.link.flush();
            let ready = self.sleep(&api)?;
            if ready.wake {
                self.wake.clear();
                self.answers();
                self.disk_ended();
            }
            if ready.link {
                self.receive();
            }
            if ready.tuns {
                self.packets();
            }
            if ready.api {
                api.users.clone_from(&self.config.users);
                api.work(&mut self);
            }
            self.deliver(&mut api);
            self.subscriber_drops = api.lost;
            if self.config.metrics.is_some() && self.measured.elapsed() >= ROUND {
                self.measured = Instant::now();
                let status = self.status();
                self.metrics.set(&status);
            }
            self.notify.alive();
            for at in (0..self.signals.len()).filter(|_| ready.signals) {
                let (signal, pipe) = &mut self.signals[at];
                let (signal, came) = (*signal, pipe.read(&mut [0; 16]).is_ok());
                match (signal, came) {
                    (SIGHUP, true) => {
                        if let Err(error) = Host::reload(&mut self) {
                            say(&error);
                        }
                    }
                    (_, true) => return self.end(),
                    (_, false) => {}
                }
            }
        }
    }

    /// Waits for anything to happen; what.
    fn sleep(&self, api: &Api) -> io::Result<Ready> {
        let now = self.now().up;
        let due = self.parts.station.due().map(|due| due.saturating_sub(now));
        let times = [Some(ROUND), due, self.notify.within()];
        let timeout = times.into_iter().flatten().min().unwrap_or(ROUND);
        let tick = Duration::from_micros(500);
        let timeout = timeout.max(tick);
        let timeout =
            Timespec { tv_sec: timeout.as_secs() as i64, tv_nsec: timeout.subsec_nanos().into() };
        let (wake, link) = (self.wake.fd(), self.link.fd());
        let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(16);
        let signals = self.signals.iter().map(|(_, pipe)| pipe.as_fd());
        let tuns = self.parts.tuns.iter().map(Tun::fd);
        for fd in [wake, link].into_iter().chain(signals).chain(tuns) {
            fds.push(PollFd::from_borrowed_fd(fd, PollFlags::IN));
        }
        for (fd, writes) in api.fds() {
            let flags = if writes { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
            fds.push(PollFd::from_borrowed_fd(fd, flags));
        }
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut each = fds.iter().map(|fd| !fd.revents().is_empty());
        let mut any = |count| each.by_ref().take(count).fold(false, |any, one| any | one);
        Ok(Ready {
            wake: any(1),
            link: any(1),
            signals: any(self.signals.len()),
            tuns: any(self.parts.tuns.len()),
            api: any(usize::MAX),
        })
    }

    /// Asks the TEE what it holds, now and then.
    fn look(&mut self) {
        if !self.looking && self.looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
            self.looking = true;
            self.tee.ask(Question::Look);
        }
    }

    /// Does what the station wants.
    fn act(&mut self) {
        let now = self.now();
        while let Some(action) = self.parts.station.poll(now) {
            match action {
                Action::Receive(command) => self.tee.ask(Question::Receive(command)),
                Action::Send(command) => self.tee.ask(Question::Send(command)),
                Action::Import(octets) => self.tee.ask(Question::Import(octets)),
                Action::Save(octets) => self.disk.write(octets),
                Action::Keep(octets) => self.shelf.write(octets),
                Action::Transmit(group, frame) => self.link.send(group, &frame),
                Action::Report(event) => say(&event.to_string()),
            }
        }
    }

    fn answers(&mut self) {
        while let Some(answer) = self.tee.answer() {
            let now = self.now();
            let Parts { station, deliveries, .. } = &mut self.parts;
            let mut out = |verdict: Verdict, octets: &mut [u8]| keep(deliveries, verdict, octets);
            match answer {
                Answer::Keys(reply) => {
                    let reply = reply.inspect_err(|error| say(&format!("receive: {error}")));
                    station.keys(now, reply.ok(), &mut out);
                }
                Answer::Epoch(group, reply) => {
                    let reply =
                        reply.inspect_err(|error| say(&format!("group {group}, send: {error}")));
                    station.epoch(now, group, reply.ok().as_deref());
                }
                Answer::Imported(outcome) => {
                    match outcome {
                        Ok(Outcome::Applied | Outcome::Partly) => {
                            say("a package or notice was applied")
                        }
                        Ok(Outcome::Same | Outcome::Superseded) => {}
                        Err(error) => say(&format!("import: {error}")),
                    }
                    self.looked = None;
                }
                Answer::Suspended(result) => {
                    if let Err(error) = result {
                        say(&format!("suspend: {error}"));
                    }
                    self.looked = None;
                }
                Answer::Same => self.seen(),
                Answer::NotSeen(error) => {
                    say(&format!("status: {error}"));
                    self.seen();
                }
                Answer::Holds(status, keys) => {
                    self.floor = (status.floor, self.start.elapsed());
                    self.configure(&status, keys);
                    self.seen();
                }
            }
        }
    }

    fn seen(&mut self) {
        (self.looking, self.looked) = (false, Some(Instant::now()));
        if !self.ready {
            self.ready = true;
            self.notify.say("READY=1");
        }
    }

    fn configure(&mut self, status: &proseal_proto::message::StatusReply, keys: Vec<Admitted>) {
        let now = self.now();
        let Parts { station, tuns, deliveries } = &mut self.parts;
        let mut keys: Vec<_> = keys.into_iter().map(Some).collect();
        let admission = |group, generation| {
            let is_it = |key: &&mut Option<Admitted>| {
                key.as_ref().is_some_and(|key| (key.0, key.1) == (group, generation))
            };
            keys.iter_mut().find(is_it)?.take().map(|key| key.2)
        };
        let mut out = |verdict: Verdict, octets: &mut [u8]| keep(deliveries, verdict, octets);
        let marks = std::mem::take(&mut self.marks);
        station.configure(now, status, admission, &marks, &mut out);
        station.restore(&std::mem::take(&mut self.carried));
        let link_mtu = mtu(&self.config.interface);
        for tun in tuns {
            let group = status.groups.iter().find(|group| group.group == tun.group);
            let pgks = group.into_iter().flat_map(|group| &group.pgks);
            let overhead = pgks
                .map(|pgk| Layout::new(pgk.profile, pgk.suite).overhead(pgk.profile.has_salt()));
            if let Some(overhead) = overhead.max()
                && let Err(error) = tun.set_mtu(link_mtu.saturating_sub(48 + overhead))
            {
                say(&format!("the MTU of {}: {error}", tun.name));
            }
        }
        let groups = status.groups.iter().map(|group| group.group);
        let groups: Vec<_> = groups.map(|group| (group, self.config.address(group))).collect();
        if let Err(error) = self.link.join(&groups) {
            say(&format!("multicast: {error}"));
        }
    }

    fn disk_ended(&mut self) {
        let now = self.now();
        while let Some(ended) = self.disk.ended() {
            if let Err(error) = &ended {
                say(&format!("the high-water file: {error}"));
            }
            let Parts { station, deliveries, .. } = &mut self.parts;
            let mut out = |verdict: Verdict, octets: &mut [u8]| keep(deliveries, verdict, octets);
            station.saved(now, ended.is_ok(), &mut out);
        }
        while let Some(ended) = self.shelf.ended() {
            if let Err(error) = &ended {
                say(&format!("the file of what is carried: {error}"));
            }
            self.parts.station.kept(now, ended.is_ok());
        }
    }

    /// Frames from the link.
    fn receive(&mut self) {
        let now = self.now();
        for _ in 0..BATCH / MANY {
            let count = self.link.receive(&mut self.inbox);
            for number in 0..count {
                let frame = self.inbox.datagram(number);
                let verdict = self.parts.station.receive(now, frame);
                match verdict {
                    // An IP packet needs no copy on its way.
                    Verdict::Deliver(delivery) if delivery.sdu == SduType::Ip => {
                        if let Some(tun) = self.parts.tun(delivery.group) {
                            tun.send(&frame[delivery.start..delivery.end]);
                        }
                    }
                    verdict => keep(&mut self.parts.deliveries, verdict, frame),
                }
            }
            if count < MANY {
                return;
            }
        }
    }

    /// IP packets from the TUN interfaces.
    fn packets(&mut self) {
        let now = self.now();
        for at in 0..self.parts.tuns.len() {
            for _ in 0..BATCH {
                let tun = &mut self.parts.tuns[at];
                let room = &mut self.buffer[HEADROOM..HEADROOM + DATA_MAX];
                let Some(len) = tun.receive(room) else { break };
                let group = tun.group;
                let buffer = &mut self.buffer[..HEADROOM + len + TAILROOM];
                if let Ok(frame) = self.parts.station.send(now, group, SduType::Ip, buffer) {
                    self.link.send(group, &buffer[frame]);
                }
            }
        }
    }

    /// Hands on what had to wait for somebody else.
    fn deliver(&mut self, api: &mut Api) {
        for (delivery, payload) in std::mem::take(&mut self.parts.deliveries) {
            match delivery.sdu {
                SduType::Ip => {
                    if let Some(tun) = self.parts.tun(delivery.group) {
                        tun.send(&payload);
                    }
                }
                SduType::NonIp => api.publish(delivery.group, delivery.sender, &payload),
                SduType::Arp | SduType::Signalling => {}
            }
        }
    }

    /// A clean end: after the next start nothing is lost, and nothing taken twice.
    fn end(mut self) -> io::Result<()> {
        self.notify.say("STOPPING=1");
        self.link.flush();
        let written = self.write_last();
        self.tee.close();
        written
    }

    fn write_last(&mut self) -> io::Result<()> {
        if let Some(octets) = self.parts.station.close() {
            self.disk.write(octets);
        }
        while let Some(ended) = self.disk.wait() {
            let last = self.parts.station.closed(ended.is_ok());
            ended?;
            match last {
                Some(octets) => self.disk.write(octets),
                None => return Ok(()),
            }
        }
        Ok(())
    }
}

impl Parts {
    fn tun(&mut self, group: GroupId) -> Option<&mut Tun> {
        self.tuns.iter_mut().find(|tun| tun.group == group)
    }
}

/// An interface's MTU; that of Ethernet where it is not known.
fn mtu(interface: &str) -> usize {
    let path = format!("/sys/class/net/{interface}/mtu");
    fs::read_to_string(path).ok().and_then(|mtu| mtu.trim().parse().ok()).unwrap_or(1500)
}

/// Keeps what is delivered until its turn.
fn keep(deliveries: &mut Vec<(Delivery, Vec<u8>)>, verdict: Verdict, octets: &[u8]) {
    if let Verdict::Deliver(delivery) = verdict {
        deliveries.push((delivery, octets[delivery.start..delivery.end].to_vec()));
    }
}

/// Reads the high-water. A damaged file is put aside, and said: traffic is worth more than
/// protection from old epochs, which the next rotation ends.
fn load(path: &std::path::Path) -> io::Result<Vec<(Owner, Mark)>> {
    match file::load(path) {
        Ok(marks) => Ok(marks),
        Err(file::LoadError::Io(error)) => Err(error),
        Err(error) => {
            say(&format!("{error}; it is kept as {}.damaged", path.display()));
            fs::rename(path, path.with_extension("damaged"))?;
            Ok(Vec::new())
        }
    }
}

/// Reads what is carried for others; none where there is no file.
fn load_carried(path: &std::path::Path) -> io::Result<Vec<(GroupId, Vec<u8>)>> {
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        file => file?,
    };
    let mut octets = Vec::new();
    file.take(carried::MAX as u64).read_to_end(&mut octets)?;
    Ok(carried::decode(&octets))
}

/// A pipe that has something to read after one of these signals.
fn signal(signals: &[i32]) -> Result<(i32, UnixStream), Failed> {
    let (read, write) = UnixStream::pair().map_err(failed("a pipe for signals"))?;
    read.set_nonblocking(true).map_err(failed("a pipe for signals"))?;
    for &signal in signals {
        let write = write.try_clone().map_err(failed("a pipe for signals"))?;
        signal_hook::low_level::pipe::register(signal, write).map_err(failed("a signal"))?;
    }
    Ok((signals[0], read))
}

/// To the journal.
pub(crate) fn say(what: &str) {
    eprintln!("prosed: {what}");
}
