//! Who comes by network: invited, enrolled, let into a group. A refusal is said before
//! anything is written but the statement, whose alarms must not be lost with it.

use base64ct::{Base64UrlUnpadded, Encoding};
use proseal_issuer::Statement;
use proseal_proto::id::{DeviceId, GroupId, MemberId};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::device::Imported;
use super::nonce::random;
use super::{Issued, Work};
use crate::domain::Refusal;
use crate::domain::alarm::Alarm;
use crate::domain::device::{self as rule, Progress, Standing};
use crate::domain::member::{Joining, free_id};
use crate::failure::Failure;
use crate::store::access::{self, Invitation, Permit};
use crate::store::authority;
use crate::store::device::{self, Device};
use crate::store::group::{self, Group};
use crate::store::member::{self, Member};

/// Octets of a token.
const TOKEN_LEN: usize = 32;

/// A one-time token that was made.
pub(crate) struct Invited {
    /// Base64url. Nobody can read it from the database.
    pub(crate) token: Zeroizing<String>,
    pub(crate) expires_at: u64,
}

/// A statement whose signature holds, over a nonce of this manager that is not over.
pub(crate) struct Proof {
    pub(crate) statement: Statement,
    pub(crate) octets: Vec<u8>,
    /// When the nonce ends.
    pub(crate) expires_at: u64,
}

/// What came of an enrolment.
pub(crate) struct Enrolled {
    pub(crate) device: Device,
    pub(crate) subscriber: String,
}

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
    /// Makes a one-time token for a subscriber. `expected`: the one device that it is for,
    /// whose id came by a road that its normal world does not control; it is approved with it.
    pub(crate) async fn invite(
        &mut self,
        subscriber: &str,
        expected: Option<DeviceId>,
        lifetime_s: u64,
    ) -> Result<Invited, Failure> {
        let token = random::<TOKEN_LEN>()?;
        let expires_at = self.now.saturating_add(lifetime_s);
        let invitation = Invitation {
            token_digest: Sha256::digest(token.as_slice()).into(),
            subscriber: subscriber.to_owned(),
            expected,
            expires_at,
            used_by: None,
        };
        access::invite(&mut self.change, &invitation, self.now).await?;
        let of = expected.map_or_else(String::new, |device| format!(", device {device}"));
        self.note(&format!("device invite {subscriber}{of}")).await?;
        Ok(Invited { token: Base64UrlUnpadded::encode_string(&*token).into(), expires_at })
    }

    /// Uses the nonce of a proof, once.
    async fn use_nonce(&mut self, proof: &Proof) -> Result<(), Failure> {
        let is_new =
            authority::use_nonce(&mut self.change, &proof.statement.nonce, proof.expires_at)
                .await?;
        if is_new { Ok(()) } else { Err(Refusal::NonceUsed.into()) }
    }

    /// Enrols a device by a token. Again with the same token it is the same.
    pub(crate) async fn enrol(
        &mut self,
        proof: &Proof,
        token: &[u8],
    ) -> Result<Result<Enrolled, Refusal>, Failure> {
        let id = proof.statement.device.id();
        let digest: [u8; 32] = Sha256::digest(token).into();
        let invitation = access::invitation(&mut self.change, digest).await?;
        let invitation = match invitation.ok_or(Refusal::BadToken)? {
            invitation if invitation.used_by.is_some_and(|by| by != id) => {
                return Err(Refusal::TokenUsed.into());
            }
            invitation if invitation.expected.is_some_and(|of| of != id) => {
                return Err(Refusal::BadToken.into());
            }
            invitation if invitation.used_by.is_none() && invitation.expires_at <= self.now => {
                return Err(Refusal::TokenExpired.into());
            }
            invitation => invitation,
        };
        self.use_nonce(proof).await?;
        let before = device::find(&mut self.change, id).await?;
        let imported = self.take(proof, before.as_ref()).await?;
        let mut device = imported.device;
        if device.standing == Standing::Lost {
            return Err(Refusal::Lost { device: id }.into());
        }
        let root = self.identity.root.digest();
        if device.is_foreign(&root) {
            // The alarm stays; the token does not go to waste.
            return Ok(Err(Refusal::ForeignRoot { device: id }));
        }
        let subscriber = invitation.subscriber;
        if invitation.used_by.is_none() {
            access::use_invitation(&mut self.change, &digest, id).await?;
            device.subscriber = Some(subscriber.clone());
            if device.name.is_none()
                && device::named(&mut self.change, &subscriber).await?.is_none()
            {
                device.name = Some(subscriber.clone());
            }
            device::save(&mut self.change, &device, &root).await?;
            self.note(&format!("device enrol {id} as {subscriber}")).await?;
            if invitation.expected.is_some() && device.standing == Standing::Pending {
                device = self.approve(id).await?.0;
            }
        }
        Ok(Ok(Enrolled { device, subscriber }))
    }

    /// Takes the statement of a device that is enrolled here.
    ///
    /// Errors: [`Refusal::NonceUsed`], [`Refusal::UnknownDevice`], [`Refusal::Lost`].
    pub(crate) async fn report(&mut self, proof: &Proof) -> Result<Device, Failure> {
        let known = self.known(proof.statement.device.id()).await?;
        // It was on its way while a newer one came: that is no rollback.
        let is_late = proof.expires_at <= known.nonce_until;
        let is_older = proof.statement.sequence < known.sequence_seen;
        if is_late && is_older && !known.rolled_back {
            return Err(Refusal::LateStatement.into());
        }
        self.use_nonce(proof).await?;
        Ok(self.take(proof, Some(&known)).await?.device)
    }

    /// Takes a statement, and writes new alarms into the audit.
    async fn take(&mut self, proof: &Proof, before: Option<&Device>) -> Result<Imported, Failure> {
        let id = proof.statement.device.id();
        let root = self.identity.root.digest();
        let had = before.map(|device| (device.rolled_back, device.is_foreign(&root)));
        let (had_rollback, had_foreign) = had.unwrap_or_default();
        let (statement, until) = (proof.statement.clone(), Some(proof.expires_at));
        let imported = self.import(statement, &proof.octets, None, false, until).await?;
        for alarm in &imported.alarms {
            let is_new = match alarm {
                Alarm::RolledBack => !had_rollback,
                Alarm::ForeignRoot => !had_foreign,
                Alarm::UnknownSequence | Alarm::OlderStatement | Alarm::FloorAhead => false,
            };
            if is_new {
                tracing::warn!(device = %id, alarm = alarm.name(), "alarm");
                self.note(&format!("device {id}: alarm {}", alarm.name())).await?;
            }
        }
        Ok(imported)
    }

    /// A device that is enrolled here and not lost.
    pub(crate) async fn known(&mut self, id: DeviceId) -> Result<Device, Failure> {
        let known = device::find(&mut self.change, id).await?;
        match known.ok_or(Refusal::UnknownDevice { device: id })? {
            known if known.standing == Standing::Lost => Err(Refusal::Lost { device: id }.into()),
            known => Ok(known),
        }
    }

    /// The package for a device that has just reported; a rule that forbids it is no
    /// reason to forget the report.
    pub(crate) async fn fetch(
        &mut self,
        device: &Device,
    ) -> Result<Result<Issued, Refusal>, Failure> {
        let signer = self.signer().await?;
        let issued = refused(self.package(device, &signer).await)?;
        if let Ok(issued) = &issued
            && issued.is_new
        {
            self.note(&format!("package {}: sequence {}", device.id, issued.made.sequence)).await?;
        }
        Ok(issued)
    }

    /// The package for a device that lags, if one can be sealed for it.
    pub(crate) async fn news(&mut self, device: &Device) -> Result<Option<Issued>, Failure> {
        if !matches!(self.progress(device).await?, Progress::Due | Progress::NotSeen) {
            return Ok(None);
        }
        let issued = self.fetch(device).await?.ok();
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
            if let Ok(issued) = self.fetch(&of).await? {
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
    ) -> Result<Result<Joined, Refusal>, Failure> {
        let root = self.identity.root.digest();
        let (id, rolled_back) = (device.id, device.rolled_back);
        let may = rule::may_seal(id, device.standing, rolled_back, &device.statement, &root);
        if let Err(refusal) = may {
            return Ok(Err(refusal));
        }
        // Whether there is such a group is nobody's business who may not join it.
        let Some(group) = group::find(&mut self.change, group).await? else {
            return Ok(Err(Refusal::NotAuthorised { device: id }));
        };
        let member = match member::find(&mut self.change, group.id, id).await? {
            Some(member) => member,
            None => match refused(self.let_in(device, &group).await)? {
                Ok(member) => member,
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        Ok(self.fetch(device).await?.map(|issued| Joined { group, member, issued }))
    }

    async fn let_in(&mut self, device: &Device, group: &Group) -> Result<Member, Failure> {
        let no = Refusal::NotAuthorised { device: device.id };
        let permit = match &device.subscriber {
            Some(subscriber) => access::permit(&mut self.change, group.id, subscriber).await?,
            None => None,
        };
        if permit.is_none() && group.joining != Joining::Approved {
            return Err(no.into());
        }
        if access::is_barred(&mut self.change, group.id, device.id).await? {
            return Err(no.into());
        }
        let may_send = permit.as_ref().is_none_or(|permit| permit.may_send);
        let member = match permit.and_then(|permit| permit.member) {
            Some(member) => member,
            None => {
                let highest = member::highest_id(&mut self.change, group.id).await?;
                free_id(highest).ok_or(Refusal::NoMemberId { group: group.id })?
            }
        };
        self.add_member(group, device, member, may_send).await?;
        let member = member::find(&mut self.change, group.id, device.id).await?;
        Ok(member.ok_or(no)?)
    }

    /// Lets a subscriber join a group.
    pub(crate) async fn allow(&mut self, group: &Group, permit: &Permit) -> Result<(), Failure> {
        access::allow(&mut self.change, group.id, permit).await?;
        self.note(&format!("member allow {} {}", group.id, permit.subscriber)).await
    }

    /// Takes that back; who is a member stays one.
    pub(crate) async fn forbid(&mut self, group: &Group, subscriber: &str) -> Result<(), Failure> {
        if !access::forbid(&mut self.change, group.id, subscriber).await? {
            let subscriber = subscriber.to_owned();
            return Err(Refusal::NotListed { group: group.id, subscriber }.into());
        }
        self.note(&format!("member forbid {} {subscriber}", group.id)).await
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
