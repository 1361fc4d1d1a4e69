//! Devices come by network: invited, enrolled, known again by their statements.

use base64ct::{Base64UrlUnpadded, Encoding};
use proseal_issuer::Statement;
use proseal_proto::id::DeviceId;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::Work;
use super::device::{Imported, Terms};
use super::nonce::random;
use crate::domain::Refusal;
use crate::domain::alarm::Alarm;
use crate::domain::device::Standing;
use crate::failure::Failure;
use crate::store::access::{self, Invitation};
use crate::store::authority;
use crate::store::device::{self, Device};

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
        self.note(format!("device invite {subscriber}{of}"));
        Ok(Invited { token: Base64UrlUnpadded::encode_string(&*token).into(), expires_at })
    }

    /// Uses the nonce of a proof, once.
    async fn use_nonce(&mut self, proof: &Proof) -> Result<(), Failure> {
        let is_new = authority::use_nonce(&mut self.change, &proof.statement.nonce).await?;
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
        let imported = self.take(proof, before).await?;
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
            self.note(format!("device enrol {id} as {subscriber}"));
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
        Ok(self.take(proof, Some(known)).await?.device)
    }

    /// Takes a statement, and writes new alarms into the audit.
    async fn take(&mut self, proof: &Proof, before: Option<Device>) -> Result<Imported, Failure> {
        let id = proof.statement.device.id();
        let root = self.identity.root.digest();
        let had = before.as_ref().map(|device| (device.rolled_back, device.is_foreign(&root)));
        let (had_rollback, had_foreign) = had.unwrap_or_default();
        let nonce_until = Some(proof.expires_at);
        let terms = Terms { nonce_until, ..Terms::default() };
        let statement = proof.statement.clone();
        let imported = self.import_of(before, statement, &proof.octets, terms).await?;
        for alarm in &imported.alarms {
            let is_new = match alarm {
                Alarm::RolledBack => !had_rollback,
                Alarm::ForeignRoot => !had_foreign,
                Alarm::UnknownSequence | Alarm::OlderStatement | Alarm::FloorAhead => false,
            };
            if is_new {
                tracing::warn!(device = %id, alarm = alarm.name(), "alarm");
                self.note(format!("device {id}: alarm {}", alarm.name()));
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
}
