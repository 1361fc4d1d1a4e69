//! Two managers, and what they sign: good, or with one fault. Nothing here knows the
//! trusted application.

use arbitrary::Arbitrary;
use proseal_issuer::testing::{Fixed, Value, fault};
use proseal_issuer::{
    Delegation, DesiredState, DeviceKeys, ManagerId, Notice, Pgk, RootKey, Signer, SignerKey,
    SignerVersion, VerifyKey,
};
use proseal_proto::id::{DeviceId, Generation, GroupId, MemberId};
use sha2::{Digest, Sha256};

/// Who signs, and what is wrong with it.
#[derive(Arbitrary, Debug)]
pub struct By {
    manager: u8,
    version: u8,
    fault: Option<Fault>,
}

/// The one fault of what is signed.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A bit of any octet.
    Flipped(u16),
    /// The other manager's root key has named the signer.
    OtherRoot,
    /// The signer is named for the other manager.
    OtherManager,
    /// Whom the delegation does not name has signed.
    OtherSigner,
    /// The header says another signer version than the delegation.
    Version,
    Algorithm,
    /// The headers of a package disagree on the device.
    Device,
    /// They disagree on the sequence.
    Sequence,
    /// The content disagrees with them on the sequence.
    ContentSequence,
    /// What is sealed or signed is no content, or no notice.
    Content,
    /// It was sealed with another encapsulated key.
    EncapsulatedKey,
}

/// A package or notice.
pub struct Made {
    pub octets: Vec<u8>,
    pub manager: usize,
    pub version: u32,
    /// What stands outside of the sealed content has no fault.
    pub is_signed_well: bool,
    /// Nothing has.
    pub is_good: bool,
    pub what: What,
}

pub enum What {
    Package { device: DeviceId, sequence: u64, time: u64, digest: [u8; 32], groups: Vec<Listed> },
    Notice { group: GroupId, below: Generation },
}

/// A group of a package.
pub struct Listed {
    pub group: GroupId,
    pub member: MemberId,
    pub may_send: bool,
    pub next: Generation,
    pub pgks: Vec<ListedPgk>,
}

/// A PGK of a group.
pub struct ListedPgk {
    pub generation: Generation,
    /// The last second, its graces over.
    pub lasts_until: u64,
}

fn listed_pgk(pgk: &Pgk) -> ListedPgk {
    let grace_s = pgk.policy.receive_grace_s.max(pgk.policy.send_grace_s);
    let lasts_until = pgk.policy.not_after.saturating_add(grace_s.into());
    ListedPgk { generation: pgk.generation, lasts_until }
}

/// One of the two; the first one more often.
pub const fn of(number: u8) -> usize {
    (number % 4 == 3) as usize
}

pub fn id(manager: usize) -> ManagerId {
    ManagerId([0x3a; 16].map(|octet: u8| octet + manager as u8))
}

pub fn root(manager: usize) -> VerifyKey {
    root_key(manager).public()
}

fn root_key(manager: usize) -> RootKey {
    RootKey::from_seed(&[0x41 + manager as u8; 32])
}

fn key(version: SignerVersion) -> SignerKey {
    SignerKey::from_seed(&[version.get() as u8; 32])
}

impl By {
    /// The first signer of the manager, without fault.
    pub const fn good(manager: usize) -> Self {
        Self { manager: if manager == 0 { 0 } else { 3 }, version: u8::MAX, fault: None }
    }

    fn manager(&self) -> usize {
        of(self.manager)
    }

    fn version(&self) -> SignerVersion {
        SignerVersion::new(1 + u32::from(self.version / 64)).expect("not zero")
    }

    fn signer(&self) -> Signer {
        let (manager, other) = (self.manager(), 1 - self.manager());
        let root = if self.fault == Some(Fault::OtherRoot) { other } else { manager };
        let acts_for = if self.fault == Some(Fault::OtherManager) { other } else { manager };
        let version = self.version();
        let public = key(version).public();
        let delegation = Delegation::sign(&root_key(root), public, version, id(acts_for));
        Signer::new(key(version), delegation).expect("its own key")
    }

    /// Signs `thing`, with the fault if it is one of those that both kinds can have.
    fn sign(&self, mut thing: fault::Sign1, signer: &Signer) -> Vec<u8> {
        match self.fault {
            Some(Fault::Version) => thing.protected.set(&[4], Value::Bytes(vec![0, 0, 0, 9])),
            Some(Fault::Algorithm) => thing.protected.set(&[1], -7),
            _ => {}
        }
        let mut octets = match self.fault {
            Some(Fault::OtherSigner) => thing.sign(&SignerKey::from_seed(&[0x77; 32])),
            _ => thing.sign(signer),
        };
        if let Some(Fault::Flipped(at)) = self.fault {
            let at = usize::from(at) % octets.len();
            octets[at] ^= 1;
        }
        octets
    }

    fn made(&self, octets: Vec<u8>, is_signed_well: bool, what: What) -> Made {
        Made {
            octets,
            manager: self.manager(),
            version: self.version().get(),
            is_signed_well: is_signed_well || self.fault.is_none(),
            is_good: self.fault.is_none(),
            what,
        }
    }

    pub fn package(&self, device: &DeviceKeys, state: &DesiredState) -> Made {
        let signer = self.signer();
        let mut draft = fault::package(&signer, device, state);
        let other = state.sequence ^ 1;
        match self.fault {
            Some(Fault::Device) => draft.outer.set(&[-65538], Value::Bytes(vec![7; 16])),
            Some(Fault::Sequence) => draft.inner.set(&[-65539], other),
            Some(Fault::ContentSequence) => draft.content.set(&[2], other),
            Some(Fault::Content) => draft.content.set(&[5], 0),
            _ => {}
        }
        let mut sealed = draft.encrypt(device, &mut Fixed::new(&[7; 32]));
        if self.fault == Some(Fault::EncapsulatedKey) {
            sealed.set_ek(&[9; 32]);
        }
        let payload = sealed.octets();
        let digest = Sha256::digest(&payload).into();
        let is_inside = matches!(
            self.fault,
            Some(Fault::ContentSequence | Fault::Content | Fault::EncapsulatedKey)
        );
        let groups = state.groups.iter().map(|group| Listed {
            group: group.group,
            member: group.member,
            may_send: group.may_send,
            next: group.next,
            pgks: group.pgks.iter().map(listed_pgk).collect(),
        });
        let what = What::Package {
            device: device.id(),
            sequence: state.sequence,
            time: state.time,
            digest,
            groups: groups.collect(),
        };
        self.made(self.sign(draft.around(payload), &signer), is_inside, what)
    }

    pub fn notice(&self, group: GroupId, below: Generation) -> Made {
        let signer = self.signer();
        let mut thing = fault::notice(&Notice::sign(&signer, group, below, 1));
        match self.fault {
            Some(Fault::Device) => {
                thing.protected.set(&[-65538], Value::Bytes(vec![7; 16]));
            }
            Some(Fault::Sequence) => thing.protected.set(&[-65539], 1),
            Some(Fault::ContentSequence) => thing.payload.set(&[2], 0),
            Some(Fault::Content) => thing.payload = fault::Part::Octets(vec![0xa0]),
            Some(Fault::EncapsulatedKey) => thing.payload.set(&[4], 0),
            _ => {}
        }
        self.made(self.sign(thing, &signer), false, What::Notice { group, below })
    }
}
