//! Notices and packages that travel on the link. They are verified here first, so that
//! only what is new costs the trusted application a signature; the newest notice of
//! each group is kept, and sent again to those who do not know of it.

use std::collections::VecDeque;
use std::time::Duration;

use proseal_issuer::{Error, ManagerId, Notice, Package, Trust, VerifyKey};
use proseal_proto::id::{DeviceId, Generation, GroupId};
use proseal_proto::message::StatusReply;

use crate::bucket::Bucket;
use crate::drops::DropReason;

/// Objects that are verified in a second, and packages that are sent in one.
pub const PER_SECOND: u32 = 10;
/// A notice is not sent again for that long after it was sent or heard.
pub const AGAIN: Duration = Duration::from_secs(10);
/// Packages of a bundle that are kept, each device's newest.
pub const BUNDLE: usize = 64;

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

/// Signed objects of the link.
pub struct Objects {
    trust: Option<Trust>,
    device: DeviceId,
    sequence: u64,
    groups: Vec<Known>,
    notices: Vec<Kept>,
    bundle: Vec<Package>,
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
        let groups = &self.groups;
        self.notices.retain(|kept| groups.iter().any(|known| known.group == kept.notice.group()));
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

    /// Takes a notice in with the packages that follow it, from a file. Gives what of it
    /// is for this device, to be imported in this order.
    pub fn bundle(&mut self, objects: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Error> {
        let trust = self.trust.ok_or(Error::Untrusted)?;
        let mut own = Vec::new();
        for octets in objects {
            match Notice::verify(octets, &trust) {
                Ok(notice) => own.extend(self.notice(notice, None).ok().flatten()),
                Err(Error::WrongType { .. }) => {
                    let package = Package::verify(octets, &trust)?;
                    if package.device() == self.device {
                        own.extend(self.package(package).ok().flatten());
                    } else {
                        self.carry(package);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(own)
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

    /// Keeps a package for somebody else.
    fn carry(&mut self, package: Package) {
        let of_device = |other: &&mut Package| other.device() == package.device();
        if let Some(other) = self.bundle.iter_mut().find(of_device) {
            if other.sequence() < package.sequence() {
                *other = package;
            }
        } else if self.bundle.len() < BUNDLE {
            self.bundle.push(package);
        }
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
        self.to_send.clear();
        self.to_send.push_back((group, kept.notice.octets().to_vec()));
        let packages = self.bundle.iter().map(|package| (group, package.octets().to_vec()));
        self.to_send.extend(packages);
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

    /// What is kept for others, to be written to disk and brought back by
    /// [`Self::bundle`].
    pub fn kept(&self) -> impl Iterator<Item = &[u8]> {
        let notices = self.notices.iter().map(|kept| kept.notice.octets());
        notices.chain(self.bundle.iter().map(Package::octets))
    }
}
