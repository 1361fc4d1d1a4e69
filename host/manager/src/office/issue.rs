//! Packages: what a device is to hold, sealed to it.

use proseal_issuer::{
    DesiredState, DeviceKeys, GroupKey, Package, Pgk, SenderContext, Signer, system_random,
};
use proseal_proto::content::Policy;
use proseal_proto::id::{DeviceId, Generation, GroupId, MemberId, PgkId};
use sha2::{Digest, Sha256};

use super::Work;
use crate::domain::device as rule;
use crate::domain::{Refusal, number};
use crate::failure::Failure;
use crate::store::StoreError;
use crate::store::device::{Device, Mark};
use crate::store::generation::Entry;
use crate::store::member::{self, Given, Member, Membership};
use crate::store::package::{self, Made};
use crate::vault::Kind;

/// A group as one member is to hold it.
pub(super) struct Share {
    pub(super) member: Member,
    pub(super) group: GroupId,
    pub(super) next: Generation,
    pub(super) pgks: Vec<Entry>,
}

/// A package that goes out.
pub(crate) struct Issued {
    pub(crate) made: Made,
    /// It was made now; else it is the last one again.
    pub(crate) is_new: bool,
    /// The groups in it.
    pub(crate) groups: usize,
}

impl Work<'_> {
    /// The package for a device: the last one if it says what is wanted still, else a
    /// new one under a new sequence, written down before anybody has it. `context`: the
    /// device's, where it is there already.
    pub(crate) async fn package(
        &mut self,
        device: &Device,
        signer: &Signer,
        context: Option<SenderContext>,
    ) -> Result<Issued, Failure> {
        let root_digest = self.identity.root.digest();
        rule::may_seal(
            device.id,
            device.standing,
            device.rolled_back,
            &device.statement,
            &root_digest,
        )?;
        let (shares, left) = self.shares(device.id).await?;
        rule::may_leave(device.id, left)?;
        let is_fresh =
            shares.iter().flat_map(|share| &share.pgks).any(|pgk| pgk.policy.max_unsynced_s > 0);
        let wanted = wanted(&shares, is_fresh.then_some(device.octets.as_slice()));
        let version = signer.delegation().version().get();
        let groups = shares.len();
        if let Some(last) = device.newest.filter(|last| {
            (last.wanted, last.version) == (wanted, version) && is_news(last, device)
        }) {
            let made = package::made(&mut self.change, device.id, last.sequence).await?;
            return Ok(Issued { made, is_new: false, groups });
        }
        let stated = device.statement.sequence.max(device.sequence_seen);
        let sequence = number::sequence(device.sequence_given, stated, self.now);
        let state = DesiredState {
            sequence,
            // A device whose floor is ahead counts the age of a package from there.
            time: self.now.max(device.statement.floor),
            start_nonce: is_fresh.then_some(device.statement.start_nonce),
            groups: self.opened(&shares)?,
        };
        let context = match context.filter(|context| context.device() == device.id) {
            Some(context) => context,
            None => context_with(&device.statement.device)?,
        };
        let sealed = Package::seal_in(signer, context, &state)?;
        let made = Made {
            sequence,
            version,
            wanted,
            digest: *sealed.digest(),
            octets: sealed.octets().to_vec(),
            made_at: self.now,
        };
        package::insert(&mut self.change, device.id, &made).await?;
        let given = shares.iter().flat_map(|share| {
            let member = share.member.member;
            let group = share.group;
            share.pgks.iter().map(move |pgk| Given {
                group,
                generation: pgk.span.generation.get(),
                member,
            })
        });
        let given: Vec<_> = given.collect();
        member::give(&mut self.change, device.id, &given).await?;
        Ok(Issued { made, is_new: true, groups })
    }

    /// What a device is to hold of each of its groups, and how many it has left.
    async fn shares(&mut self, device: DeviceId) -> Result<(Vec<Share>, u64), Failure> {
        let now = self.now;
        let (memberships, left) = member::of_device_and_left(&mut self.change, device).await?;
        let mut shares = Vec::new();
        for there in memberships {
            let entries = self.entries(there.group, now).await?;
            let live = entries.iter().filter(|pgk| pgk.span.is_live(there.next, now));
            shares.push(share(&there, live.cloned())?);
        }
        Ok((shares, left))
    }

    /// The same with the keys, as it is sealed.
    fn opened(&self, shares: &[Share]) -> Result<Vec<proseal_issuer::Group>, Failure> {
        let mut groups = Vec::new();
        for share in shares {
            let mut pgks = Vec::new();
            for Entry { span, policy, sealed_key } in &share.pgks {
                let missing = StoreError::Damaged("a key that is in use is missing");
                let sealed_key = sealed_key.as_ref().ok_or(missing)?;
                let kind = Kind::Pgk(share.group, span.generation);
                let key = self.office.vault.open_key(kind, sealed_key)?;
                pgks.push(Pgk {
                    generation: span.generation,
                    id: span.id,
                    key: GroupKey::from_octets(&key),
                    is_root: false,
                    policy: *policy,
                });
            }
            groups.push(proseal_issuer::Group {
                group: share.group,
                member: share.member.member,
                next: share.next,
                may_send: share.member.may_send,
                pgks,
            });
        }
        Ok(groups)
    }
}

/// What a package is sealed in. Who makes it before he writes does its public-key operations
/// while others write; they are in vain if nothing new is sealed then.
///
/// Errors: [`Failure::Issuer`] for keys that are none.
pub(crate) fn context_with(device: &DeviceKeys) -> Result<SenderContext, Failure> {
    Ok(SenderContext::new(device, &mut system_random())?)
}

/// What a member is to hold of what its group has.
pub(super) fn share(
    there: &Membership,
    entries: impl Iterator<Item = Entry>,
) -> Result<Share, Failure> {
    let least = there.member.joins_from;
    Ok(Share {
        member: there.member,
        group: there.group,
        next: Generation::new(there.next).map_err(|_| Refusal::NoGeneration)?,
        pgks: entries.filter(|pgk| pgk.span.generation.get() >= least).collect(),
    })
}

/// Whether a device applies a package, or has applied this very one.
fn is_news(made: &Mark, device: &Device) -> bool {
    let statement = &device.statement;
    made.sequence > statement.sequence
        || (made.sequence == statement.sequence && made.digest == statement.package_digest)
}

/// Octets of a digest that are of the content; the others are of the statement that asked.
const CONTENT: usize = 16;

/// Digest of all that a package says but its sequence and time, and of the statement that
/// `asked` for it where each one asks for news. It is of a text that is compared with
/// itself only: should the text change, that costs a sequence.
pub(super) fn wanted(shares: &[Share], asked: Option<&[u8]>) -> [u8; 32] {
    type Entry = (Generation, PgkId, Policy);
    type Said = (GroupId, MemberId, Generation, bool, Vec<Entry>);
    let said = |share: &Share| -> Said {
        let pgks = share.pgks.iter().map(|pgk| (pgk.span.generation, pgk.span.id, pgk.policy));
        let Member { member, may_send, .. } = share.member;
        (share.group, member, share.next, may_send, pgks.collect())
    };
    let said: Vec<Said> = shares.iter().map(said).collect();
    let content: [u8; 32] = Sha256::digest(format!("{said:?}")).into();
    let asked: [u8; 32] = asked.map_or([0; 32], |octets| Sha256::digest(octets).into());
    let mut wanted = asked;
    for (octet, of) in wanted.iter_mut().zip(content).take(CONTENT) {
        *octet = of;
    }
    wanted
}

pub(super) fn is_same_content(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.iter().zip(other).take(CONTENT).all(|(one, other)| one == other)
}
