//! How devices, groups and members are shown: to programs on the command line and over
//! the network alike. Ids are hexadecimal, times RFC 3339 UTC; nothing is secret.

use serde::Serialize;
use utoipa::ToSchema;

use super::Work;
use crate::domain::alarm::Alarm;
use crate::domain::device::is_floor_ahead;
use crate::domain::timeline::{Span, Timeline};
use crate::failure::Failure;
use crate::store::StoreError;
use crate::store::device::{self, Device};
use crate::store::generation;
use crate::store::group::Group;
use crate::store::member::{self, Member, Membership};
use crate::value::{hex, rfc3339};

const NOTHING: [u8; 32] = [0; 32];

/// What is known of a device.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeviceView {
    /// Its id, which is its fingerprint: 32 hexadecimal digits.
    pub(crate) device: String,
    /// What the operator calls it.
    pub(crate) name: Option<String>,
    /// Whose token it enrolled with.
    pub(crate) subscriber: Option<String>,
    /// `pending`, `approved` or `lost`.
    pub(crate) standing: &'static str,
    /// `factory`, `enrolled` or `damaged`, by its newest statement.
    pub(crate) state: &'static str,
    /// Whose it says that it is: `this` manager's, an `other`'s, or `none`.
    pub(crate) root: &'static str,
    /// When its newest statement came.
    pub(crate) stated_at: String,
    /// Its own lower bound of the time.
    pub(crate) floor: String,
    /// The sequence of the package that it has applied; 0 is none.
    pub(crate) sequence: u64,
    /// The last sequence that was given to it.
    pub(crate) sequence_given: u64,
    /// A statement had an older sequence, and nobody has accepted that.
    pub(crate) rolled_back: bool,
    /// How it stands to its newest package: `no_package`, `due`, `not_seen`, `partly` or
    /// `applied`.
    pub(crate) package: &'static str,
    /// Digest of the package that it has applied.
    pub(crate) package_digest: Option<String>,
    /// `rolled_back`, `foreign_root`, `floor_ahead`: nothing is sealed for it in the first two.
    pub(crate) alarms: Vec<&'static str>,
    /// The groups that it is in.
    pub(crate) groups: Vec<MembershipView>,
}

/// A group that a device is in.
#[derive(Serialize, ToSchema)]
pub(crate) struct MembershipView {
    /// The group's id, 6 hexadecimal digits.
    pub(crate) group: String,
    /// The group's name.
    pub(crate) name: Option<String>,
    /// The device's id in it, 6 hexadecimal digits.
    pub(crate) member: String,
    /// Whether it may send.
    pub(crate) may_send: bool,
}

/// A generation that packages bring.
#[derive(Serialize, ToSchema)]
pub(crate) struct GenerationView {
    pub(crate) generation: u64,
    /// Its label on the air, 2 hexadecimal digits.
    pub(crate) pgk_id: String,
    /// `future`, `in_use` or `ending`.
    pub(crate) state: &'static str,
    pub(crate) not_before: String,
    pub(crate) not_after: String,
    /// The same for who draws it.
    #[serde(skip)]
    pub(crate) span: Span,
}

/// A group.
#[derive(Serialize, ToSchema)]
pub(crate) struct GroupView {
    /// Its layer-2 id, 6 hexadecimal digits.
    pub(crate) group: String,
    pub(crate) name: Option<String>,
    /// `hkdf-sha256` or `3gpp-ts33303`.
    pub(crate) profile: &'static str,
    /// `aead`, `integrity` or `3gpp`.
    pub(crate) suite: &'static str,
    /// The operator's own mark in the derivation.
    pub(crate) label: String,
    /// How long a key is the newest.
    pub(crate) lifetime_s: u64,
    /// How long it goes on beside the one that follows.
    pub(crate) overlap_s: u64,
    /// How many future keys members hold.
    pub(crate) ahead: usize,
    pub(crate) receive_grace_s: u32,
    pub(crate) send_grace_s: u32,
    pub(crate) max_unsynced_s: u32,
    pub(crate) epoch_s: u32,
    pub(crate) epoch_packets: u32,
    pub(crate) accept_rollback: bool,
    /// Who may join by himself: `listed` subscribers, or every `approved` device.
    pub(crate) joining: &'static str,
    /// What is below is ended.
    pub(crate) next: u64,
    /// There is a notice that says so.
    pub(crate) has_notice: bool,
    /// Members need further keys soon: rotate, or extend.
    pub(crate) extension_due: bool,
    /// A lost time may have given keys that are not known here: replace.
    pub(crate) replacement_due: bool,
    pub(crate) generations: Vec<GenerationView>,
    /// How many there are.
    pub(crate) members: u64,
}

/// A member of a group.
#[derive(Serialize, ToSchema)]
pub(crate) struct MemberView {
    pub(crate) device: String,
    pub(crate) name: Option<String>,
    /// Its id in the group, 6 hexadecimal digits.
    pub(crate) member: String,
    pub(crate) may_send: bool,
    /// `pending`, `approved` or `lost`.
    pub(crate) standing: &'static str,
    /// How it stands to its newest package: `no_package`, `due`, `not_seen`, `partly` or
    /// `applied`.
    pub(crate) package: &'static str,
    /// The sequence of the package that it has applied; 0 is none.
    pub(crate) sequence: u64,
    /// The last sequence that was given to it.
    pub(crate) sequence_given: u64,
    /// When its newest statement came.
    pub(crate) stated_at: String,
    /// `rolled_back`, `foreign_root`, `floor_ahead`: nothing is sealed for it in the first two.
    pub(crate) alarms: Vec<&'static str>,
}

impl From<Membership> for MembershipView {
    fn from(there: Membership) -> Self {
        Self {
            group: there.group.to_string(),
            name: there.name,
            member: there.member.member.to_string(),
            may_send: there.member.may_send,
        }
    }
}

/// Whose a device says that it is.
fn whose(device: &Device, ours: &[u8; 32]) -> &'static str {
    match device.statement.root_digest {
        NOTHING => "none",
        root if root == *ours => "this",
        _ => "other",
    }
}

/// The generations that packages bring.
pub(crate) fn generations(timeline: &Timeline, now: u64) -> Vec<GenerationView> {
    let one = |span: &Span| GenerationView {
        generation: span.generation.get(),
        pgk_id: span.id.to_string(),
        state: state(span, timeline, now),
        not_before: rfc3339(span.not_before),
        not_after: rfc3339(span.not_after),
        span: *span,
    };
    timeline.live(now).map(one).collect()
}

/// What a generation is for at this moment.
fn state(span: &Span, timeline: &Timeline, now: u64) -> &'static str {
    if span.not_before > now {
        "future"
    } else if timeline.current(now) == Some(span) {
        "in_use"
    } else {
        "ending"
    }
}

impl Work<'_> {
    /// The alarms that a device is in now.
    pub(crate) fn alarms(&self, device: &Device) -> Vec<Alarm> {
        let alarms = [
            (device.rolled_back, Alarm::RolledBack),
            (device.is_foreign(&self.identity.root.digest()), Alarm::ForeignRoot),
            (is_floor_ahead(device.statement.floor, self.now), Alarm::FloorAhead),
        ];
        alarms.into_iter().filter_map(|(is, alarm)| is.then_some(alarm)).collect()
    }

    pub(crate) async fn view_device(&mut self, device: &Device) -> Result<DeviceView, Failure> {
        let views = self.view_devices(std::slice::from_ref(device)).await?;
        let none = StoreError::Damaged("a device is missing");
        views.into_iter().next().ok_or_else(|| none.into())
    }

    /// Many devices, in their order.
    pub(crate) async fn view_devices(
        &mut self,
        devices: &[Device],
    ) -> Result<Vec<DeviceView>, Failure> {
        let mut groups = self.memberships(devices).await?;
        let progress = self.progress_in(devices, &groups).await?;
        let root = self.identity.root.digest();
        let views = devices.iter().zip(progress).map(|(device, progress)| {
            let statement = &device.statement;
            let groups = groups.remove(&device.id).unwrap_or_default();
            DeviceView {
                device: device.id.to_string(),
                name: device.name.clone(),
                subscriber: device.subscriber.clone(),
                standing: device.standing.name(),
                state: statement.state.name(),
                root: whose(device, &root),
                stated_at: rfc3339(device.stated_at),
                floor: rfc3339(statement.floor),
                sequence: statement.sequence,
                sequence_given: device.sequence_given,
                rolled_back: device.rolled_back,
                package: progress.name(),
                package_digest: (statement.package_digest != NOTHING)
                    .then(|| hex(&statement.package_digest)),
                alarms: self.alarms(device).into_iter().map(Alarm::name).collect(),
                groups: groups.into_iter().map(MembershipView::from).collect(),
            }
        });
        Ok(views.collect())
    }

    pub(crate) async fn view_group(&mut self, group: &Group) -> Result<GroupView, Failure> {
        let timeline = generation::timeline(&mut self.change, group.id, self.now).await?;
        let policy = &group.policy;
        Ok(GroupView {
            group: group.id.to_string(),
            name: group.name.clone(),
            profile: policy.profile.name(),
            suite: policy.suite.name(),
            label: policy.label.as_str().to_owned(),
            lifetime_s: group.lifetime_s,
            overlap_s: group.overlap_s,
            ahead: group.ahead,
            receive_grace_s: policy.receive_grace_s,
            send_grace_s: policy.send_grace_s,
            max_unsynced_s: policy.max_unsynced_s,
            epoch_s: policy.epoch_s,
            epoch_packets: policy.epoch_packets,
            accept_rollback: policy.accept_rollback,
            joining: group.joining.name(),
            next: timeline.next,
            has_notice: group.notice.is_some(),
            extension_due: timeline.is_extension_due(&group.terms(), self.now),
            replacement_due: timeline.has_unknown(group.joins_from),
            generations: generations(&timeline, self.now),
            members: member::count(&mut self.change, group.id).await?,
        })
    }

    /// Many members of one group, in their order.
    pub(crate) async fn view_members(
        &mut self,
        members: &[Member],
    ) -> Result<Vec<MemberView>, Failure> {
        let ids: Vec<_> = members.iter().map(|member| member.device).collect();
        let mut found = device::some(&mut self.change, &ids).await?;
        let missing = || StoreError::Damaged("a member's device is missing");
        let devices: Result<Vec<_>, _> =
            ids.iter().map(|id| found.remove(id).ok_or_else(missing)).collect();
        let devices = devices?;
        let progress = self.progress_of(&devices).await?;
        let views =
            members.iter().zip(&devices).zip(progress).map(|((member, device), progress)| {
                MemberView {
                    device: member.device.to_string(),
                    name: device.name.clone(),
                    member: member.member.to_string(),
                    may_send: member.may_send,
                    standing: device.standing.name(),
                    package: progress.name(),
                    sequence: device.statement.sequence,
                    sequence_given: device.sequence_given,
                    stated_at: rfc3339(device.stated_at),
                    alarms: self.alarms(device).into_iter().map(Alarm::name).collect(),
                }
            });
        Ok(views.collect())
    }
}
