//! Notices and packages that travel on the link. They are verified here first, so that
//! only what is new costs the trusted application a signature; the newest notice of
//! each group is kept, and sent again to those who do not know of it, with the packages
//! that were brought here for others.

use std::collections::VecDeque;
use std::time::Duration;

use proseal_issuer::{Error, ManagerId, Notice, Package, Trust, VerifyKey};
use proseal_proto::id::{DeviceId, Generation, GroupId};
use proseal_proto::message::StatusReply;

use crate::bucket::Bucket;
use crate::drops::DropReason;

pub mod file;

/// Objects that are verified in a second, and packages that are sent in one.
pub const PER_SECOND: u32 = 10;
/// A notice is not sent again for that long after it was sent or heard.
pub const AGAIN: Duration = Duration::from_secs(10);
/// Packages that are carried for others, each device's newest; beyond that the one that came
/// first makes room.
pub const BUNDLE: usize = 64;
/// Objects that wait to be sent, of all groups.
const QUEUE: usize = 2 * BUNDLE;
/// A file that could not be written is tried again after that long.
const SAVE_AGAIN: Duration = Duration::from_secs(5);

/// What an object is that was brought here to be carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A notice: kept for the group.
    Notice,
    /// This device's own package: for its trusted application.
    Own,
    /// Another device's package: kept for it.
    Package,
}

impl Kind {
    /// The name in the local API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Own => "own",
            Self::Package => "package",
        }
    }
}

/// Why an object is not carried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCarried {
    /// This device is not in the group.
    #[error("this radio is not in group {0}")]
    UnknownGroup(GroupId),
    /// A notice of another group than was said.
    #[error("it is a notice of group {0}")]
    OtherGroup(GroupId),
    /// This device has no manager to trust.
    #[error("this radio is enrolled by no manager")]
    NoManager,
    /// What it is, or whose signature it has.
    #[error(transparent)]
    Invalid(#[from] Error),
}

/// An object that was taken in.
pub(crate) struct Taken {
    pub(crate) kind: Kind,
    /// Whether it says something that was not known here.
    pub(crate) is_new: bool,
    /// For the trusted application.
    pub(crate) import: Option<Vec<u8>>,
}

/// What the trusted application holds of a group.
struct Known {
    group: GroupId,
    next: u64,
    oldest: Option<Generation>,
}

/// A notice that is handed on.
struct Kept {
    notice: Notice,
    /// When it was sent or heard last.
    said: Option<Duration>,
}

/// A package for somebody else.
struct Carried {
    group: GroupId,
    package: Package,
}

/// Whether the file has what is kept.
#[derive(Default)]
struct Saving {
    changed: bool,
    under_way: bool,
    not_before: Duration,
}

/// Signed objects of the link.
pub struct Objects {
    trust: Option<Trust>,
    device: DeviceId,
    sequence: u64,
    groups: Vec<Known>,
    notices: Vec<Kept>,
    bundle: Vec<Carried>,
    saving: Saving,
    bucket: Bucket,
    pace: Bucket,
    to_send: VecDeque<(GroupId, Vec<u8>)>,
}

impl Default for Objects {
    fn default() -> Self {
        Self {
            trust: None,
            device: DeviceId::NONE,
            sequence: 0,
            groups: Vec::new(),
            notices: Vec::new(),
            bundle: Vec::new(),
            saving: Saving::default(),
            bucket: Bucket::new(PER_SECOND, PER_SECOND),
            pace: Bucket::new(PER_SECOND, 1),
            to_send: VecDeque::new(),
        }
    }
}

impl Objects {
    /// Goes over to what the device holds and trusts now.
    pub fn configure(&mut self, status: &StatusReply) {
        let seen = self.trust.map_or(0, |trust| trust.least_version);
        let root = VerifyKey::from_octets(&status.root_key).ok();
        let root = root.filter(|_| status.root_key != [0; 32]);
        let before = self.trust.map(|trust| (trust.root, trust.manager));
        self.trust = root.map(|root| Trust {
            root,
            manager: ManagerId(status.manager),
            least_version: status.signer_version.max(seen),
        });
        (self.device, self.sequence) = (status.device, status.sequence);
        let known = status.groups.iter().map(|group| Known {
            group: group.group,
            next: group.next,
            oldest: group.pgks.iter().map(|pgk| pgk.generation).min(),
        });
        self.groups = known.collect();
        let is_same = self.trust.map(|trust| (trust.root, trust.manager)) == before;
        let groups = &self.groups;
        let stays = |group| is_same && groups.iter().any(|known| known.group == group);
        let before = self.notices.len().saturating_add(self.bundle.len());
        self.notices.retain(|kept| stays(kept.notice.group()));
        self.bundle.retain(|carried| stays(carried.group));
        self.to_send.retain(|(group, _)| stays(*group));
        self.saving.changed |= self.notices.len().saturating_add(self.bundle.len()) != before;
    }

    /// Takes an object in that somebody sent. What comes back is for `import`.
    pub fn receive(&mut self, now: Duration, octets: &[u8]) -> Result<Option<Vec<u8>>, DropReason> {
        // To compare costs less than a place in the bucket is worth.
        if let Some(kept) = self.notices.iter_mut().find(|kept| kept.notice.octets() == octets) {
            kept.said = Some(now);
            return Err(DropReason::ObjectKnown);
        }
        if !self.bucket.take(now) {
            return Err(DropReason::ObjectBucket);
        }
        let trust = self.trust.ok_or(DropReason::ObjectInvalid)?;
        match Notice::verify(octets, &trust) {
            Ok(notice) => self.notice(notice, Some(now)),
            Err(Error::WrongType { .. }) => {
                let package = Package::verify(octets, &trust);
                self.package(package.map_err(|_| DropReason::ObjectInvalid)?)
            }
            Err(_) => Err(DropReason::ObjectInvalid),
        }
    }

    /// Takes in what somebody has brought to be carried to the others of a group, and sends
    /// it once.
    pub(crate) fn carry(
        &mut self,
        now: Duration,
        group: GroupId,
        octets: &[u8],
    ) -> Result<Taken, NotCarried> {
        let taken = self.keep(group, octets)?;
        if taken.kind == Kind::Notice {
            let of_group = |kept: &&mut Kept| kept.notice.group() == group;
            self.notices.iter_mut().filter(of_group).for_each(|kept| kept.said = Some(now));
        }
        let is_queued = self.to_send.iter().any(|(to, queued)| *to == group && queued == octets);
        if taken.kind != Kind::Own && !is_queued && self.to_send.len() < QUEUE {
            self.to_send.push_back((group, octets.to_vec()));
        }
        Ok(taken)
    }

    /// The same of what was brought before a restart; nothing is sent.
    pub(crate) fn keep(&mut self, group: GroupId, octets: &[u8]) -> Result<Taken, NotCarried> {
        let trust = self.trust.ok_or(NotCarried::NoManager)?;
        let is_known = self.groups.iter().any(|known| known.group == group);
        let new = |kind, import: Result<Option<Vec<u8>>, DropReason>| Taken {
            kind,
            is_new: import.is_ok(),
            import: import.ok().flatten(),
        };
        match Notice::verify(octets, &trust) {
            Ok(notice) if notice.group() != group => Err(NotCarried::OtherGroup(notice.group())),
            Ok(_) if !is_known => Err(NotCarried::UnknownGroup(group)),
            Ok(notice) => Ok(new(Kind::Notice, self.notice(notice, None))),
            Err(Error::WrongType { .. }) => {
                let package = Package::verify(octets, &trust)?;
                // By it this device may come into the group.
                if package.device() == self.device {
                    return Ok(new(Kind::Own, self.package(package)));
                }
                if !is_known {
                    return Err(NotCarried::UnknownGroup(group));
                }
                let (kind, import) = (Kind::Package, None);
                Ok(Taken { kind, is_new: self.carry_package(group, package), import })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn notice(
        &mut self,
        notice: Notice,
        said: Option<Duration>,
    ) -> Result<Option<Vec<u8>>, DropReason> {
        let known = self.groups.iter().find(|known| known.group == notice.group());
        let known = known.ok_or(DropReason::ObjectForeign)?;
        let (below, newer) = (notice.below(), (notice.below(), notice.time()));
        let ends = known.oldest.is_some_and(|oldest| oldest < below) || below.get() > known.next;
        let import = ends.then(|| notice.octets().to_vec());
        self.trusts(notice.version().get());
        let same_group = |kept: &&mut Kept| kept.notice.group() == notice.group();
        match self.notices.iter_mut().find(same_group) {
            Some(kept) if (kept.notice.below(), kept.notice.time()) >= newer => {
                return import.map(Some).ok_or(DropReason::ObjectKnown);
            }
            Some(kept) => *kept = Kept { notice, said },
            None => self.notices.push(Kept { notice, said }),
        }
        self.saving.changed = true;
        Ok(import)
    }

    fn package(&mut self, package: Package) -> Result<Option<Vec<u8>>, DropReason> {
        self.trusts(package.version().get());
        if package.device() != self.device {
            return Err(DropReason::ObjectForeign);
        }
        if package.sequence() <= self.sequence {
            return Err(DropReason::ObjectKnown);
        }
        Ok(Some(package.octets().to_vec()))
    }

    /// Keeps a package for somebody else; `false` if it is no newer one.
    fn carry_package(&mut self, group: GroupId, package: Package) -> bool {
        self.trusts(package.version().get());
        let of_device = |other: &Carried| other.package.device() == package.device();
        match self.bundle.iter().position(of_device) {
            Some(at) => {
                let other = self.bundle.get(at);
                if other.is_some_and(|other| other.package.sequence() >= package.sequence()) {
                    return false;
                }
                self.bundle.remove(at);
            }
            None if self.bundle.len() >= BUNDLE => drop(self.bundle.remove(0)),
            None => {}
        }
        self.bundle.push(Carried { group, package });
        self.saving.changed = true;
        true
    }

    /// Signers whom a newer one has replaced are not listened to any more.
    const fn trusts(&mut self, version: u32) {
        if let Some(trust) = &mut self.trust
            && trust.least_version < version
        {
            trust.least_version = version;
        }
    }

    /// A frame of `group` came under an index that is not held here: whoever sent it may
    /// not know what was ended.
    pub fn unknown_index(&mut self, now: Duration, group: GroupId) {
        let Some(kept) = self.notices.iter_mut().find(|kept| kept.notice.group() == group) else {
            return;
        };
        if kept.said.is_some_and(|said| now.saturating_sub(said) < AGAIN) {
            return;
        }
        kept.said = Some(now);
        self.to_send.retain(|(to, _)| *to != group);
        let packages = self.bundle.iter().filter(|carried| carried.group == group);
        let packages = packages.map(|carried| carried.package.octets());
        let all = std::iter::once(kept.notice.octets()).chain(packages);
        self.to_send.extend(all.map(|octets| (group, octets.to_vec())));
    }

    /// The object that should be sent now.
    pub fn transmit(&mut self, now: Duration) -> Option<(GroupId, Vec<u8>)> {
        if self.to_send.is_empty() || !self.pace.take(now) {
            return None;
        }
        self.to_send.pop_front()
    }

    /// When [`Self::transmit`] gives something.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        (!self.to_send.is_empty()).then(|| self.pace.next())
    }

    /// What is kept for others, where the file has something else: to be written, and brought
    /// back by [`Self::keep`]. The end is said by [`Self::saved`] before there is another.
    pub(crate) fn save(&mut self, now: Duration) -> Option<Vec<u8>> {
        if !self.saving.changed || self.saving.under_way || now < self.saving.not_before {
            return None;
        }
        (self.saving.changed, self.saving.under_way) = (false, true);
        let notices = self.notices.iter().map(|kept| (kept.notice.group(), kept.notice.octets()));
        let packages = self.bundle.iter();
        let packages = packages.map(|carried| (carried.group, carried.package.octets()));
        Some(file::encode(notices.chain(packages)))
    }

    /// The file was written, or it failed: then it comes again after a while.
    pub(crate) fn saved(&mut self, now: Duration, written: bool) {
        self.saving.under_way = false;
        if !written {
            self.saving.changed = true;
            self.saving.not_before = now.saturating_add(SAVE_AGAIN);
        }
    }

    /// How many packages are carried for others.
    #[must_use]
    pub const fn carried(&self) -> usize {
        self.bundle.len()
    }
}
