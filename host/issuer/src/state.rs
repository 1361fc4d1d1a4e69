//! What a manager wants one device to hold, and its encoding as the content of a
//! package.

use proseal_proto::content::Policy;
use proseal_proto::id::{DeviceId, Generation, GroupId, MemberId, PgkId};
use proseal_proto::limit;
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::cbor::Writer;

mod error;

pub use error::StateError;

/// The most octets of a content without extensions: 16 groups of 4 PGKs. So its
/// memory never moves while keys are written.
const CONTENT_MAX: usize = 68 + limit::GROUPS * (26 + limit::PGKS * 152);

/// A PGK or a root, 32 octets. It wipes itself, stands at one address for life, and
/// has no `Debug`, `Clone` or `==`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct GroupKey(Box<[u8; 32]>);

impl GroupKey {
    /// 32 random octets.
    pub fn generate(random: &mut impl CryptoRng) -> Self {
        let mut key = Self(Box::new([0; 32]));
        random.fill_bytes(key.0.as_mut_slice());
        key
    }

    /// A copy of these octets; the caller wipes his.
    #[must_use]
    pub fn from_octets(octets: &[u8; 32]) -> Self {
        let mut key = Self(Box::new([0; 32]));
        key.0.copy_from_slice(octets);
        key
    }

    /// The octets. Each use is a place to review.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

/// What a manager wants one device to hold.
pub struct DesiredState {
    /// Grows with each package for the device; 1 or more.
    pub sequence: u64,
    /// When it was made, seconds since 1970 UTC. It raises the device's floor.
    pub time: u64,
    /// The start nonce of the device's statement, to show the package fresh.
    pub start_nonce: Option<[u8; 32]>,
    /// The groups, in any order; at most 16.
    pub groups: Vec<Group>,
}

/// One group of a desired state.
pub struct Group {
    /// The group.
    pub group: GroupId,
    /// The device's member id in it.
    pub member: MemberId,
    /// Everything below this generation is ended.
    pub next: Generation,
    /// Whether the device may send.
    pub may_send: bool,
    /// Its PGKs, in any order; at most 4.
    pub pgks: Vec<Pgk>,
}

/// One PGK of a group.
pub struct Pgk {
    /// Its generation.
    pub generation: Generation,
    /// Its label on the air.
    pub id: PgkId,
    /// The PGK, or the root it comes from.
    pub key: GroupKey,
    /// Whether `key` is a root.
    pub is_root: bool,
    /// What may be done with it.
    pub policy: Policy,
}

impl DesiredState {
    /// Refuses what no device would take (docs/commands.md, Content), as far as it
    /// tells by itself.
    pub fn check(&self) -> Result<(), StateError> {
        if self.sequence == 0 {
            return Err(StateError::NoSequence);
        }
        let count = self.groups.len();
        if count > limit::GROUPS {
            return Err(StateError::TooManyGroups { count });
        }
        for (at, group) in self.groups.iter().enumerate() {
            let id = group.group;
            if self.groups.iter().take(at).any(|other| other.group == id) {
                return Err(StateError::GroupTwice { group: id });
            }
            group.check()?;
        }
        self.check_keys()
    }

    /// A PGK is in one place; a root may serve several groups, but not two
    /// generations of one.
    fn check_keys(&self) -> Result<(), StateError> {
        let all = || self.groups.iter().flat_map(|g| g.pgks.iter().map(move |pgk| (g.group, pgk)));
        for (at, (group, pgk)) in all().enumerate() {
            for (other_group, other) in all().take(at) {
                let apart = pgk.is_root && other.is_root && group != other_group;
                if !apart && bool::from(pgk.key.expose().ct_eq(other.key.expose())) {
                    return Err(StateError::KeyRepeated { group, generation: pgk.generation });
                }
            }
        }
        Ok(())
    }

    /// The content's one encoding.
    pub(crate) fn encode(&self, device: DeviceId) -> Zeroizing<Vec<u8>> {
        let mut octets = Zeroizing::new(Vec::with_capacity(CONTENT_MAX));
        let mut w = Writer(&mut octets);
        w.map(if self.start_nonce.is_some() { 5 } else { 4 });
        w.uint(1_u8).bytes(&device.0);
        w.uint(2_u8).uint(self.sequence);
        w.uint(3_u8).uint(self.time);
        if let Some(nonce) = &self.start_nonce {
            w.uint(4_u8).bytes(nonce);
        }
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|group| group.group);
        w.uint(5_u8).array(groups.len());
        groups.into_iter().for_each(|group| group.write(&mut w));
        octets
    }
}

impl Group {
    fn check(&self) -> Result<(), StateError> {
        let group = self.group;
        let count = self.pgks.len();
        if count > limit::PGKS {
            return Err(StateError::TooManyPgks { group, count });
        }
        for (at, pgk) in self.pgks.iter().enumerate() {
            let generation = pgk.generation;
            for other in self.pgks.iter().take(at) {
                if other.generation == generation {
                    return Err(StateError::GenerationTwice { group, generation });
                }
                if other.id.index() == pgk.id.index() {
                    return Err(StateError::IndexClash { group, one: other.id, other: pgk.id });
                }
            }
            if generation < self.next {
                return Err(StateError::BelowNext { group, generation, next: self.next });
            }
            pgk.check(group)?;
        }
        Ok(())
    }

    fn write(&self, w: &mut Writer<'_>) {
        let wide = |[a, b, c]: [u8; 3]| u32::from_be_bytes([0, a, b, c]);
        w.map(5);
        w.uint(1_u8).uint(wide(self.group.octets()));
        w.uint(2_u8).uint(wide(self.member.octets()));
        w.uint(3_u8).uint(self.next.get());
        w.uint(4_u8).bool(self.may_send);
        let mut pgks: Vec<_> = self.pgks.iter().collect();
        pgks.sort_by_key(|pgk| pgk.generation);
        w.uint(5_u8).array(pgks.len());
        pgks.into_iter().for_each(|pgk| pgk.write(w));
    }
}

impl Pgk {
    fn check(&self, group: GroupId) -> Result<(), StateError> {
        let (generation, policy) = (self.generation, &self.policy);
        let (profile, suite) = (policy.profile, policy.suite);
        if policy.not_after <= policy.not_before {
            return Err(StateError::Window { group, generation });
        }
        if policy.epoch_s == 0 || policy.epoch_packets == 0 {
            return Err(StateError::EmptyEpoch { group, generation });
        }
        if !profile.suites().contains(&suite) {
            return Err(StateError::Suite { profile, suite });
        }
        if !policy.label.is_empty() && !self.is_root && !profile.has_label() {
            return Err(StateError::LabelUnused { profile });
        }
        Ok(())
    }

    fn write(&self, w: &mut Writer<'_>) {
        let policy = &self.policy;
        w.map(15);
        w.uint(1_u8).uint(self.generation.get());
        w.uint(2_u8).uint(self.id.0);
        w.uint(3_u8).bytes(self.key.expose());
        w.uint(4_u8).bool(self.is_root);
        w.uint(5_u8).uint(policy.not_before);
        w.uint(6_u8).uint(policy.not_after);
        w.uint(7_u8).uint(policy.profile.number());
        w.uint(8_u8).uint(policy.suite.number());
        w.uint(9_u8).text(policy.label.as_str());
        w.uint(10_u8).uint(policy.epoch_s);
        w.uint(11_u8).uint(policy.epoch_packets);
        w.uint(12_u8).uint(policy.receive_grace_s);
        w.uint(13_u8).uint(policy.send_grace_s);
        w.uint(14_u8).uint(policy.max_unsynced_s);
        w.uint(15_u8).bool(policy.accept_rollback);
    }
}
