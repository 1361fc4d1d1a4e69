//! How devices stand to what they should hold: of many at once, by a question for each kind
//! of thing and not for each device.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use proseal_proto::id::{DeviceId, GroupId};

use super::Work;
use super::issue::{Share, is_same_content, share, wanted};
use crate::domain::device::{self as rule, Brought, Progress, Standing};
use crate::failure::Failure;
use crate::store::StoreError;
use crate::store::device::{Device, Mark};
use crate::store::generation::Entry;
use crate::store::member::{self, Membership};

/// The groups that each of some devices is in.
pub(super) type Groups = HashMap<DeviceId, Vec<Membership>>;

impl Work<'_> {
    /// How one device stands.
    pub(crate) async fn progress(&mut self, device: &Device) -> Result<Progress, Failure> {
        let all = self.progress_of(std::slice::from_ref(device)).await?;
        let none = StoreError::Damaged("a device is missing");
        all.first().copied().ok_or_else(|| none.into())
    }

    /// How each of these devices stands, in their order.
    pub(crate) async fn progress_of(
        &mut self,
        devices: &[Device],
    ) -> Result<Vec<Progress>, Failure> {
        let memberships = self.memberships(devices).await?;
        self.progress_in(devices, &memberships).await
    }

    /// The groups that these devices are in.
    pub(super) async fn memberships(&mut self, devices: &[Device]) -> Result<Groups, Failure> {
        let ids: Vec<_> = devices.iter().map(|device| device.id).collect();
        Ok(member::of_devices(&mut self.change, &ids).await?)
    }

    /// The same of devices that are in these groups.
    pub(super) async fn progress_in(
        &mut self,
        devices: &[Device],
        memberships: &Groups,
    ) -> Result<Vec<Progress>, Failure> {
        // What has ended by itself since a package was made is no news.
        let marks = devices.iter().filter_map(|device| device.newest);
        let since = marks.map(|mark| mark.made_at).fold(self.now, u64::min);
        let groups: BTreeSet<_> = memberships.values().flatten().map(|there| there.group).collect();
        let mut entries = HashMap::new();
        for group in groups {
            entries.insert(group, self.entries(group, since).await?);
        }
        let now = self.now;
        let one = |device: &Device| {
            let mark = device.newest.as_ref();
            let at = mark.map_or(now, |mark| mark.made_at);
            let there = memberships.get(&device.id).map_or(&[][..], Vec::as_slice);
            Ok(judge(device, mark, &shares(there, &entries, at)?))
        };
        devices.iter().map(one).collect()
    }
}

/// What a device should have been given at the time `at`, as far as is known now.
fn shares(
    memberships: &[Membership],
    entries: &HashMap<GroupId, Arc<[Entry]>>,
    at: u64,
) -> Result<Vec<Share>, Failure> {
    let one = |there: &Membership| {
        let of = entries.get(&there.group).map_or(&[][..], |of| &**of);
        share(there, of.iter().filter(|pgk| pgk.span.is_wanted(there.next, at)).cloned())
    };
    memberships.iter().map(one).collect()
}

fn judge(device: &Device, mark: Option<&Mark>, shares: &[Share]) -> Progress {
    let Some(mark) = mark else {
        return if shares.is_empty() { Progress::NoPackage } else { Progress::Due };
    };
    let is_lost = device.standing == Standing::Lost;
    if !is_lost && !is_same_content(&wanted(shares, None), &mark.wanted) {
        return Progress::Due;
    }
    let statement = &device.statement;
    if mark.digest != statement.package_digest {
        return Progress::NotSeen;
    }
    let brought = shares.iter().flat_map(|share| {
        let brought = move |pgk: &Entry| Brought {
            group: share.group,
            generation: pgk.span.generation,
            closes: pgk.span.closes(),
        };
        share.pgks.iter().map(brought)
    });
    let brought: Vec<_> = brought.collect();
    let is_all = rule::holds(&statement.held_digest, statement.floor, &brought);
    if is_all { Progress::Applied } else { Progress::Partly }
}
