//! One manager, one device, one good state: all from fixed octets.

use proseal_issuer::testing::{Device, Fixed};
use proseal_issuer::{
    Delegation, DesiredState, Group, GroupKey, ManagerId, Package, Pgk, RootKey, Signer, SignerKey,
    SignerVersion, Trust,
};
use proseal_proto::content::{Label, Policy};
use proseal_proto::id::{Generation, GroupId, MemberId, PgkId};
use proseal_proto::profile::{Profile, Suite};

pub(crate) const MANAGER: ManagerId = ManagerId([0x4d; 16]);
/// The present signer's; the one before it is refused.
pub(crate) const VERSION: u32 = 2;
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) fn random() -> Fixed<'static> {
    Fixed::new(&[0x52; 32])
}

pub(crate) fn root() -> RootKey {
    RootKey::from_seed(&[0x01; 32])
}

pub(crate) fn signer_of(root: &RootKey, seed: u8, version: u32, manager: ManagerId) -> Signer {
    let key = SignerKey::from_seed(&[seed; 32]);
    let version = SignerVersion::new(version).unwrap();
    let delegation = Delegation::sign(root, key.public(), version, manager);
    Signer::new(key, delegation).unwrap()
}

pub(crate) fn signer() -> Signer {
    signer_of(&root(), 0x02, VERSION, MANAGER)
}

pub(crate) fn trust() -> Trust {
    Trust { root: root().public(), manager: MANAGER, least_version: VERSION }
}

pub(crate) fn device() -> Device {
    Device::from_secrets(&[0x03; 32], &[0x04; 32])
}

pub(crate) fn other_device() -> Device {
    Device::from_secrets(&[0x05; 32], &[0x06; 32])
}

pub(crate) fn group_id(id: u32) -> GroupId {
    GroupId::new(id).unwrap()
}

pub(crate) fn generation(number: u64) -> Generation {
    Generation::new(number).unwrap()
}

pub(crate) fn policy() -> Policy {
    Policy {
        not_before: NOW,
        not_after: NOW + 86_400,
        profile: Profile::HkdfSha256,
        suite: Suite::Aead,
        label: Label::EMPTY,
        epoch_s: 3600,
        epoch_packets: 100_000,
        receive_grace_s: 3600,
        send_grace_s: 0,
        max_unsynced_s: 0,
        accept_rollback: false,
    }
}

pub(crate) fn pgk(number: u64, id: u8, key: u8) -> Pgk {
    Pgk {
        generation: generation(number),
        id: PgkId(id),
        key: GroupKey::from_octets(&[key; 32]),
        is_root: false,
        policy: policy(),
    }
}

pub(crate) fn group(id: u32, pgks: Vec<Pgk>) -> Group {
    Group {
        group: group_id(id),
        member: MemberId::new(1).unwrap(),
        next: generation(1),
        may_send: true,
        pgks,
    }
}

pub(crate) fn state() -> DesiredState {
    DesiredState {
        sequence: 7,
        time: NOW,
        start_nonce: None,
        groups: vec![group(0x0a_0b0c, vec![pgk(1, 1, 0xa1), pgk(2, 2, 0xa2)])],
    }
}

pub(crate) fn package() -> Package {
    Package::seal(&signer(), device().keys(), &state(), &mut random()).unwrap()
}
