//! `statement`, `enrol` and `import` of a life, and what must hold of them.

use std::sync::Arc;

use proseal_issuer::{DesiredState, Group, GroupKey, Pgk, Statement, held_digest};
use proseal_proto::error::Code;
use proseal_proto::id::{DeviceId, PgkId};
use proseal_proto::message::{
    DeviceState, Enrol, GetStatement, Import, Outcome, Send, StatusReply,
};
use sha2::{Digest, Sha256};

use super::{
    History, MEMBERS, Signed, Wanted, end, generation, group, is_root, key, ordinary, policy,
};
use crate::manager::{self, By, Made, What};

/// So many packages and notices are kept, to come again.
const KEPT: usize = 8;

impl History {
    pub(super) fn take_signed(&mut self, step: &Signed) {
        match step {
            Signed::Statement { nonce } => self.statement([*nonce; 32]),
            Signed::Enrol { manager } => self.enrol(manager::of(*manager)),
            Signed::Package { by, sequence_step, time_step, is_fresh, groups } => {
                self.package(by, *sequence_step, *time_step, *is_fresh, groups);
            }
            Signed::Notice { by, group, below } => self.notice(by, *group, *below),
            Signed::Again { which } => self.again((*which).into()),
        }
    }

    fn statement(&mut self, nonce: [u8; 32]) {
        let before = self.held();
        match self.call(&GetStatement { nonce }) {
            Ok(reply) => self.check_statement(&reply.statement, &nonce),
            Err(_) => self.unchanged_but_for_an_identity(before),
        }
    }

    fn enrol(&mut self, manager: usize) {
        let before = self.held();
        let enrol =
            Enrol { root_key: *manager::root(manager).octets(), manager: manager::id(manager).0 };
        let Ok(reply) = self.call(&enrol) else {
            return self.unchanged_but_for_an_identity(before);
        };
        let was_free = before.is_none_or(|status| status.state == DeviceState::Factory);
        assert!(was_free, "enrolled over another enrolment");
        let body = [&enrol.root_key[..], &enrol.manager].concat();
        self.check_statement(&reply.statement, &Sha256::digest(body).into());
        self.seen.manager = Some(manager);
    }

    fn package(
        &mut self,
        by: &By,
        sequence_step: i8,
        time_step: i32,
        is_fresh: bool,
        wanted: &[Wanted],
    ) {
        let (Some(keys), Some(held)) = (self.told, self.held()) else { return };
        let mut groups: Vec<Group> = wanted.iter().map(|w| listed(w, held.floor)).collect();
        groups.sort_by_key(|group| group.group);
        let state = DesiredState {
            sequence: held.sequence.saturating_add_signed(sequence_step.into()),
            time: held.floor.saturating_add_signed(time_step.into()),
            start_nonce: is_fresh.then_some(held.start_nonce),
            groups,
        };
        self.import(Arc::new(by.package(&keys, &state)));
    }

    fn notice(&mut self, by: &By, n: u8, below: u8) {
        self.import(Arc::new(by.notice(group(n), generation(below))));
    }

    fn again(&mut self, which: usize) {
        if let Some(made) = self.made.get(which % KEPT) {
            self.import(Arc::clone(made));
        }
    }

    /// A device that works takes a manager, and holds what he says.
    pub(super) fn end_with_packages(&mut self) {
        self.erase(true);
        self.enrol(1);
        self.package(&By::good(1), 1, 1, true, &[ordinary()]);
        self.call(&Send { group: group(1), generation: generation(0) })
            .expect("a working device sends with the PGK of a package");
    }

    /// A life in which each rule of what packages and notices do is met, as chance seldom
    /// brings about: what enters beside another, what a notice ends, what is left out of a
    /// group that was removed and is back, a suspension that outlives all that.
    pub fn live_by_packages() {
        let mut life = Self::new();
        let by = By::good(1);
        let listing = |numbers: [u8; 2]| Wanted {
            pgks: numbers.map(|n| (n, n, 131 + 4 * n, u16::MAX)).to_vec(),
            ..ordinary()
        };
        life.enrol(1);
        life.package(&by, 1, 1, true, &[ordinary()]);
        life.suspend(1, true, true);
        life.package(&by, 1, 1, false, &[listing([0, 1])]);
        life.notice(&by, 1, 2);
        life.notice(&by, 1, 2);
        life.package(&by, 1, 1, false, &[]);
        life.package(&by, 1, 1, false, &[listing([1, 4])]);
        let status = life.status().expect("a working device has a status");
        let held = status.groups.first().expect("a working device is in the group");
        let generations: Vec<_> = held.pgks.iter().map(|pgk| pgk.generation).collect();
        assert_eq!(generations, [generation(4)], "a working device holds what may come in");
        assert!(held.suspended, "a package let it go on");
    }

    fn import(&mut self, made: Arc<Made>) {
        let before = self.held();
        match self.call(&Import { octets: &made.octets }) {
            Ok(reply) => {
                self.check_import(&made, before.as_ref(), reply.outcome);
                self.check_statement(&reply.statement, &Sha256::digest(&made.octets).into());
                self.check_effect(&made, before.as_ref(), reply.outcome, &reply.statement);
            }
            Err(code) => {
                if let Some(status) = &before {
                    check_refusal(&made, status, self.seen.identity.map(|keys| keys.id()), code);
                }
                self.unchanged(before);
            }
        }
        self.made.push_front(made);
        self.made.truncate(KEPT);
    }

    /// Whether it may be taken, and with this outcome.
    fn check_import(&self, made: &Made, before: Option<&StatusReply>, outcome: Outcome) {
        // What an older package has inside is not looked at.
        let is_older = matches!(made.what, What::Package { .. }) && outcome == Outcome::Superseded;
        assert!(made.is_good || made.is_signed_well && is_older, "what has a fault was taken");
        let Some(before) = before else { return };
        assert_eq!(before.state, DeviceState::Enrolled, "taken, and not enrolled");
        let root = manager::root(made.manager);
        assert_eq!(before.root_key, *root.octets(), "another manager's was taken");
        assert!(made.version >= before.signer_version, "an older signer's was taken");
        let What::Package { device, sequence, .. } = made.what else { return };
        assert_eq!(device, before.device, "another device's was taken");
        let is_right = match outcome {
            Outcome::Applied | Outcome::Partly => sequence > before.sequence,
            Outcome::Same => sequence == before.sequence,
            Outcome::Superseded => sequence < before.sequence,
        };
        assert!(is_right, "{outcome:?}: sequence {sequence} after {}", before.sequence);
    }

    /// A statement that was heard: of this device, over this nonce, and true.
    fn check_statement(&mut self, octets: &[u8], nonce: &[u8; 32]) {
        if self.is_off() {
            return;
        }
        let statement = Statement::verify_answer(octets, nonce).expect("a statement that holds");
        let keys = statement.device;
        let known = *self.seen.identity.get_or_insert(keys);
        assert_eq!(known, keys, "another identity, and nobody erased it");
        assert!(!self.seen.former.contains(&keys.id()), "an erased identity came back");
        self.told = Some(keys);
        let Some(status) = self.held() else { return };
        assert_eq!(statement.state, status.state);
        assert_eq!(statement.start_nonce, status.start_nonce);
        if status.state == DeviceState::Damaged {
            return;
        }
        assert_eq!(keys.id(), status.device, "the status names another device");
        assert_eq!((statement.floor, statement.sequence), (status.floor, status.sequence));
        let pgks = status
            .groups
            .iter()
            .flat_map(|group| group.pgks.iter().map(|pgk| (group.group, pgk.generation)));
        assert_eq!(statement.held_digest, held_digest(pgks), "it says that it holds other PGKs");
        let root = match status.root_key {
            zeros if zeros == [0; 32] => zeros,
            root => Sha256::digest(root).into(),
        };
        assert_eq!(statement.root_digest, root, "it says another root key");
    }

    /// After a refusal of what makes an identity first.
    fn unchanged_but_for_an_identity(&mut self, before: Option<StatusReply>) {
        let had_none = before.as_ref().is_some_and(|status| status.device == DeviceId::NONE);
        if self.is_off() {
            return;
        }
        let mut after = self.held();
        if let Some(after) = after.as_mut().filter(|_| had_none) {
            after.device = DeviceId::NONE;
        }
        assert_eq!(after, before, "a refused command has changed nothing");
    }

    /// Identity, manager and signer of a device that is enrolled.
    pub(super) fn check_whose_it_is(&mut self, status: &StatusReply) {
        if let Some(keys) = &self.seen.identity {
            assert_eq!(status.device, keys.id(), "another identity, and nobody erased it");
        }
        let manager = (0..2).find(|&at| status.root_key == *manager::root(at).octets());
        let id = manager.map_or([0; 16], |manager| manager::id(manager).0);
        assert_eq!(status.manager, id, "a root key without its manager's id");
        if let Some(known) = self.seen.manager {
            assert_eq!(manager, Some(known), "another manager, and nobody erased it");
        }
        self.seen.manager = manager;
        assert!(status.signer_version >= self.seen.signer_version, "the signer's version fell");
        self.seen.signer_version = status.signer_version;
    }
}

/// What is signed as it should be is not refused for its signatures.
fn check_refusal(made: &Made, status: &StatusReply, device: Option<DeviceId>, code: Code) {
    let is_own = status.state == DeviceState::Enrolled
        && status.root_key == *manager::root(made.manager).octets()
        && made.version >= status.signer_version
        && match made.what {
            What::Package { device: of, sequence, .. } => Some(of) == device && sequence > 0,
            What::Notice { .. } => true,
        };
    let of_signatures = matches!(
        code,
        Code::Malformed
            | Code::WrongType
            | Code::UnsupportedAlgorithm
            | Code::UntrustedSigner
            | Code::WrongManager
            | Code::BadSignature
            | Code::SignerSuperseded
            | Code::WrongDevice
            | Code::WrongState
    ) || made.is_good
        && matches!(code, Code::HeadersDisagree | Code::NotOpened);
    assert!(!(is_own && made.is_signed_well && of_signatures), "{code}, and it is not so");
}

fn listed(wanted: &Wanted, floor: u64) -> Group {
    let mut pgks: Vec<Pgk> = wanted
        .pgks
        .iter()
        .map(|&(n, id, seed, lives_s)| Pgk {
            generation: generation(n),
            id: PgkId(id),
            key: GroupKey::from_octets(&key(seed)),
            is_root: is_root(seed),
            policy: policy(seed, end(floor, lives_s)),
        })
        .collect();
    pgks.sort_by_key(|pgk| pgk.generation);
    Group {
        group: group(wanted.group),
        member: MEMBERS[usize::from(wanted.other_member)],
        next: generation(wanted.next),
        may_send: wanted.may_send,
        pgks,
    }
}
