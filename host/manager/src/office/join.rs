//! Who is enrolled joins groups and gets packages. A refusal is said before anything is
//! written but the statement, whose alarms must not be lost with it.

use proseal_issuer::SenderContext;
use proseal_proto::id::{DeviceId, GroupId, MemberId};

use super::{Issued, Work};
use crate::domain::Refusal;
use crate::domain::device::{self as rule, Progress, Standing};
use crate::domain::member::{Joining, free_id, joins_from};
use crate::failure::Failure;
use crate::store::access::{self, Access, Permit};
use crate::store::device::{self, Device};
use crate::store::group::{self, Group};
use crate::store::member::{self, Member};

/// What came of joining.
pub(crate) struct Joined {
    pub(crate) group: Group,
    pub(crate) member: Member,
    pub(crate) issued: Issued,
}

/// Most packages of a part of a bundle.
const BUNDLE: u32 = 64;

/// A part of a group's bundle.
pub(crate) struct Bundle {
    pub(crate) notice: Option<Vec<u8>>,
    pub(crate) entries: Vec<Entry>,
    /// The last member in it, if there are more.
    pub(crate) next: Option<MemberId>,
}

/// A package of a bundle.
pub(crate) struct Entry {
    pub(crate) device: DeviceId,
    pub(crate) member: MemberId,
    pub(crate) issued: Issued,
}

impl Work<'_> {
    /// The package for a device that has just reported; a rule that forbids it is no
    /// reason to forget the report.
    pub(crate) async fn fetch(
        &mut self,
        device: &Device,
        context: Option<SenderContext>,
    ) -> Result<Result<Issued, Refusal>, Failure> {
        let signer = self.signer().await?;
        let issued = refused(self.package(device, &signer, context).await)?;
        if let Ok(issued) = &issued
            && issued.is_new
        {
            self.note(format!("package {}: sequence {}", device.id, issued.made.sequence));
        }
        Ok(issued)
    }

    /// The package for a device that lags, if one can be sealed for it.
    pub(crate) async fn news(
        &mut self,
        device: &Device,
        context: Option<SenderContext>,
    ) -> Result<Option<Issued>, Failure> {
        if !matches!(self.progress(device).await?, Progress::Due | Progress::NotSeen) {
            return Ok(None);
        }
        let issued = self.fetch(device, context).await?.ok();
        Ok(issued.filter(|issued| issued.made.sequence > device.statement.sequence))
    }

    /// The notice of a group and the packages of so many of its members above `after`, for
    /// one of them.
    pub(crate) async fn bundle(
        &mut self,
        device: &Device,
        group: GroupId,
        after: Option<MemberId>,
    ) -> Result<Result<Bundle, Refusal>, Failure> {
        let no = Refusal::NotAuthorised { device: device.id };
        let is_member = member::find(&mut self.change, group, device.id).await?.is_some();
        if !is_member || device.standing != Standing::Approved {
            return Ok(Err(no));
        }
        let Some(group) = group::find(&mut self.change, group).await? else { return Ok(Err(no)) };
        let page = member::page(&mut self.change, group.id, after, BUNDLE).await?;
        let is_last = page.len() < BUNDLE as usize;
        let next = page.last().map(|last| last.member).filter(|_| !is_last);
        let mut entries = Vec::new();
        for one in page {
            let Some(of) = device::find(&mut self.change, one.device).await? else { continue };
            // Who can have none is left out.
            if let Ok(issued) = self.fetch(&of, None).await? {
                entries.push(Entry { device: of.id, member: one.member, issued });
            }
        }
        Ok(Ok(Bundle { notice: group.notice, entries, next }))
    }

    /// Lets a device into a group if it may, and gives it the package for it. Who is a
    /// member gets the same again.
    pub(crate) async fn join(
        &mut self,
        device: &Device,
        group: GroupId,
        context: SenderContext,
    ) -> Result<Result<Joined, Refusal>, Failure> {
        let root = self.identity.root.digest();
        let (id, rolled_back) = (device.id, device.rolled_back);
        let may = rule::may_seal(id, device.standing, rolled_back, &device.statement, &root);
        if let Err(refusal) = may {
            return Ok(Err(refusal));
        }
        // Whether there is such a group is nobody's business who may not join it.
        let subscriber = device.subscriber.as_deref();
        let access = access::access(&mut self.change, group, id, subscriber, self.now).await?;
        let Some(access) = access else {
            return Ok(Err(Refusal::NotAuthorised { device: id }));
        };
        let member = match access.member {
            Some(member) => member,
            None => match refused(self.let_in(device, &access).await)? {
                Ok(member) => member,
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        let group = access.group;
        Ok(self.fetch(device, Some(context)).await?.map(|issued| Joined { group, member, issued }))
    }

    async fn let_in(&mut self, device: &Device, access: &Access) -> Result<Member, Failure> {
        let (group, id) = (&access.group, device.id);
        let permit = access.permit.as_ref();
        if access.is_barred || (permit.is_none() && group.joining != Joining::Approved) {
            return Err(Refusal::NotAuthorised { device: id }.into());
        }
        let may_send = permit.is_none_or(|permit| permit.may_send);
        let (member, had_by_id) = match permit.and_then(|permit| permit.member) {
            Some(member) => {
                self.need_free(group, member).await?;
                (member, member::had(&mut self.change, group.id, id, member).await?.1)
            }
            // Nobody ever had it.
            None => {
                let free = free_id(access.highest);
                (free.ok_or(Refusal::NoMemberId { group: group.id })?, None)
            }
        };
        let joins_from = joins_from(access.had, had_by_id, group.joins_from);
        let joining = Member { device: id, member, may_send, joins_from };
        self.admit(group, access.groups, &joining, access.in_use).await?;
        let group = group.id;
        self.note(format!("member join {group} {id} as {member}, may send: {may_send}"));
        Ok(joining)
    }

    /// Lets a subscriber join a group.
    pub(crate) async fn allow(&mut self, group: &Group, permit: &Permit) -> Result<(), Failure> {
        access::allow(&mut self.change, group.id, permit).await?;
        self.note(format!("member allow {} {}", group.id, permit.subscriber));
        Ok(())
    }

    /// Takes that back; who is a member stays one.
    pub(crate) async fn forbid(&mut self, group: &Group, subscriber: &str) -> Result<(), Failure> {
        if !access::forbid(&mut self.change, group.id, subscriber).await? {
            let subscriber = subscriber.to_owned();
            return Err(Refusal::NotListed { group: group.id, subscriber }.into());
        }
        self.note(format!("member forbid {} {subscriber}", group.id));
        Ok(())
    }
}

/// Sets a refusal apart from what failed.
fn refused<T>(result: Result<T, Failure>) -> Result<Result<T, Refusal>, Failure> {
    match result {
        Ok(done) => Ok(Ok(done)),
        Err(Failure::Refused(refusal)) => Ok(Err(refusal)),
        Err(failure) => Err(failure),
    }
}
