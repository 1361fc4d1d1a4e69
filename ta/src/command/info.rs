//! `version` and `status`.

use proseal_proto::PROTO_VERSION;
use proseal_proto::error::Code;
use proseal_proto::limit;
use proseal_proto::message::{
    DeviceState, GroupStatus, PgkStatus, Status, StatusReply, Version, VersionReply,
};

use crate::VERSION;
use crate::device::Ta;
use crate::epoch::Issued;
use crate::platform::Platform;
use crate::state::life::{self, Now};
use crate::state::{Group, Pgk, State};

/// A limit as the wire has it. All are small constants.
const fn narrow(limit: usize) -> u16 {
    assert!(limit <= u16::MAX as usize);
    limit as u16
}

pub(crate) fn version<P: Platform>(
    ta: &mut Ta<P>,
    build: u8,
    _: Version,
) -> Result<VersionReply, Code> {
    Ok(VersionReply {
        proto: PROTO_VERSION,
        ta_version: VERSION,
        build,
        groups: const { narrow(limit::GROUPS) },
        pgks: const { narrow(limit::PGKS) },
        batch: const { narrow(limit::BATCH) },
        request_max: const { narrow(limit::REQUEST_MAX) }.into(),
        response_max: const { narrow(limit::RESPONSE_MAX) }.into(),
        rollback_protection: ta.platform().rollback_protection(),
    })
}

pub(crate) fn status<P: Platform>(ta: &mut Ta<P>, _: Status) -> Result<StatusReply, Code> {
    let device_state = ta.look()?;
    ta.checkpoint();
    let start_nonce = ta.start_nonce()?;
    let (now, refusals) = (ta.now(), ta.refusals());
    let protected = ta.platform().is_rollback_protected();
    let nothing = State::new();
    let (state, issued) = match device_state {
        DeviceState::Enrolled => ta.enrolled_and_issued()?,
        // It may have an identity.
        DeviceState::Factory | DeviceState::Damaged => {
            (ta.state().unwrap_or(&nothing), const { &Issued::new() })
        }
    };
    let groups = state.groups.iter();
    Ok(StatusReply {
        state: device_state,
        floor: now.floor,
        unsynced_s: now.unsynced_s,
        sequence: state.sequence,
        device: state.device,
        root_key: state.root_key,
        manager: state.manager,
        signer_version: state.signer_version,
        start_nonce,
        groups: groups.map(|group| group_status(group, issued, now, protected)).collect(),
        refusals,
    })
}

fn group_status(group: &Group, issued: &Issued, now: Now, protected: bool) -> GroupStatus {
    let pgk_status = |pgk: &Pgk| PgkStatus {
        generation: pgk.generation,
        pgk_id: pgk.id,
        profile: pgk.policy.profile,
        suite: pgk.policy.suite,
        state: life::state_at(&pgk.policy, now.floor),
        not_before: pgk.policy.not_before,
        not_after: pgk.policy.not_after,
        receive_grace_s: pgk.policy.receive_grace_s,
        send_grace_s: pgk.policy.send_grace_s,
        max_unsynced_s: pgk.policy.max_unsynced_s,
        rollback_unprotected: life::is_rollback_unprotected(&pgk.policy, protected),
        epochs_left: issued.left(group.id, pgk.generation, pgk.reserved),
    };
    GroupStatus {
        group: group.id,
        member: group.member,
        next: group.next,
        suspended: group.suspended,
        may_send: group.may_send,
        pgks: group.pgks.iter().map(pgk_status).collect(),
    }
}
