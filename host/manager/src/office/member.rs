//! Who is in a group, and from which generation on.

use proseal_proto::id::{DeviceId, GroupId, MemberId};
use proseal_proto::limit;

use super::Work;
use crate::domain::Refusal;
use crate::domain::device::Standing;
use crate::domain::member::joins_from;
use crate::failure::Failure;
use crate::store::device::Device;
use crate::store::generation;
use crate::store::group::{self, Group};
use crate::store::member::{self, Member};
use crate::store::{access, manager};

/// What came of adding a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Added {
    /// It was one, and whether it may send is otherwise now.
    pub(crate) may_send_changed: bool,
    /// The group needed a new generation for it.
    pub(crate) is_rotated: bool,
}

impl Work<'_> {
    /// Puts a device into a group, or changes whether it may send.
    pub(crate) async fn add_member(
        &mut self,
        group: &Group,
        device: &Device,
        member: MemberId,
        may_send: bool,
    ) -> Result<Added, Failure> {
        let (group_id, id) = (group.id, device.id);
        if device.standing == Standing::Lost {
            return Err(Refusal::Lost { device: id }.into());
        }
        let added = match member::find(&mut self.change, group_id, id).await? {
            Some(there) if there.member != member => {
                let member = there.member;
                return Err(Refusal::OtherMember { group: group_id, member, device: id }.into());
            }
            Some(there) => {
                let changed = Member { may_send, ..there };
                member::save(&mut self.change, group_id, &changed).await?;
                manager::bump_revision(&mut self.change).await?;
                Added { may_send_changed: there.may_send != may_send, is_rotated: false }
            }
            None => {
                self.need_free(group, member).await?;
                let groups = member::of_device(&mut self.change, id).await?.len();
                let joining = self.joining(group, id, member, may_send).await?;
                let is_rotated = self.admit(group, groups, &joining, None).await?;
                Added { may_send_changed: false, is_rotated }
            }
        };
        access::unbar(&mut self.change, group_id, id).await?;
        self.note(format!("member add {group_id} {id} as {member}, may send: {may_send}"));
        Ok(added)
    }

    /// Checks that nobody has a member id that somebody has chosen.
    ///
    /// Errors: [`Refusal::MemberTaken`].
    pub(super) async fn need_free(
        &mut self,
        group: &Group,
        member: MemberId,
    ) -> Result<(), Failure> {
        match member::holder(&mut self.change, group.id, member).await? {
            Some(Member { device, .. }) => {
                Err(Refusal::MemberTaken { group: group.id, member, device }.into())
            }
            None => Ok(()),
        }
    }

    /// Lets a device in that is no member, and in so many `groups`; whether the group needed a
    /// new generation for it. `in_use`: the one in use, where that is known.
    pub(super) async fn admit(
        &mut self,
        group: &Group,
        groups: usize,
        joining: &Member,
        in_use: Option<u64>,
    ) -> Result<bool, Failure> {
        if groups >= limit::GROUPS {
            return Err(Refusal::TooManyGroups { device: joining.device }.into());
        }
        if in_use.is_some_and(|in_use| in_use >= joining.joins_from) {
            member::save(&mut self.change, group.id, joining).await?;
            return Ok(false);
        }
        self.enter(group, joining).await
    }

    /// A member that is to have nothing of what it was given.
    async fn joining(
        &mut self,
        group: &Group,
        device: DeviceId,
        member: MemberId,
        may_send: bool,
    ) -> Result<Member, Failure> {
        let (had, had_by_id) = member::had(&mut self.change, group.id, device, member).await?;
        let joins_from = joins_from(had, had_by_id, group.joins_from);
        Ok(Member { device, member, may_send, joins_from })
    }

    /// Writes a member down; whether the group needed a new generation for it.
    async fn enter(&mut self, group: &Group, joining: &Member) -> Result<bool, Failure> {
        let mut timeline = generation::timeline(&mut self.change, group.id, self.now).await?;
        let current = timeline.current(self.now);
        let is_rotated = current.is_none_or(|span| span.generation.get() < joining.joins_from);
        if is_rotated {
            // Refused before anything is written.
            timeline.begin_anew(&group.terms(), self.now)?;
        }
        member::save(&mut self.change, group.id, joining).await?;
        if is_rotated {
            self.settle(group, &timeline).await?;
        }
        Ok(is_rotated)
    }

    /// A device whose storage was put back is in its groups as one that returns: it may
    /// send under no key that it had. The groups that needed a new one for it.
    pub(super) async fn enter_again(&mut self, device: DeviceId) -> Result<Vec<String>, Failure> {
        let mut renewed = Vec::new();
        for there in member::of_device(&mut self.change, device).await? {
            let Some(group) = group::find(&mut self.change, there.group).await? else { continue };
            let Member { member, may_send, .. } = there.member;
            let joining = self.joining(&group, device, member, may_send).await?;
            if self.enter(&group, &joining).await? {
                renewed.push(group.called());
            }
        }
        Ok(renewed)
    }

    /// Takes a device out of a group by its next package.
    pub(crate) async fn remove_member(
        &mut self,
        group: &Group,
        device: DeviceId,
    ) -> Result<(), Failure> {
        if !self.take_out(group.id, device).await? {
            return Err(Refusal::NotMember { group: group.id, device }.into());
        }
        manager::bump_revision(&mut self.change).await?;
        self.note(format!("member remove {} {device}", group.id));
        Ok(())
    }

    /// Ends a membership; whether there was one. The device comes back by an operator's
    /// word only.
    pub(super) async fn take_out(
        &mut self,
        group: GroupId,
        device: DeviceId,
    ) -> Result<bool, Failure> {
        access::bar(&mut self.change, group, device).await?;
        Ok(member::delete(&mut self.change, group, device).await?)
    }
}
