//! What a user should know of a key before it fails.

use proseal_proto::message::{GroupStatus, PgkState, PgkStatus, StatusReply};

/// New epochs below which a new PGK is called for.
const FEW_EPOCHS: u16 = 1024;
/// Seconds before a key's end from which a successor should be held.
const SOON_S: u64 = 24 * 3600;

/// What is the matter with one PGK; nothing, if all is well.
pub(crate) fn of_pgk(status: &StatusReply, group: &GroupStatus, pgk: &PgkStatus) -> Vec<String> {
    let mut warnings = Vec::new();
    match pgk.state {
        PgkState::Held if status.floor > pgk.not_after => {
            warnings.push("its time is over: it is sent with in its grace only".to_owned());
        }
        PgkState::Held => {}
        PgkState::ReceiveOnly => warnings.push("its time is over: it only receives".to_owned()),
        PgkState::Ended => {
            warnings.push("it has ended, and is erased with the next write".to_owned())
        }
    }
    if status.floor != 0 && status.floor < pgk.not_before {
        warnings.push("its time has not come, as far as the device knows".to_owned());
    }
    let has_successor = group.pgks.iter().any(|other| other.generation > pgk.generation);
    let left = pgk.not_after.saturating_sub(status.floor);
    if pgk.state == PgkState::Held && left < SOON_S && status.floor != 0 && !has_successor {
        warnings.push("it ends within a day, and no later generation is held".to_owned());
    }
    if group.may_send && pgk.state == PgkState::Held {
        if pgk.rollback_unprotected {
            warnings.push(
                "it only receives: its profile has no salt, and storage can be rolled back"
                    .to_owned(),
            );
        }
        if pgk.epochs_left < FEW_EPOCHS {
            warnings.push("few epochs are left: bring a new PGK".to_owned());
        }
        if pgk.max_unsynced_s != 0 && status.unsynced_s > pgk.max_unsynced_s {
            warnings.push("too long without news from the manager: it only receives".to_owned());
        } else if pgk.max_unsynced_s != 0 && status.unsynced_s > pgk.max_unsynced_s / 10 * 9 {
            warnings.push("without news from the manager, sending stops soon".to_owned());
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use proseal_proto::id::{DeviceId, Generation, GroupId, MemberId, PgkId};
    use proseal_proto::message::DeviceState;
    use proseal_proto::profile::{Profile, Suite};

    use super::*;

    const FLOOR: u64 = 1_767_225_600;

    fn well() -> PgkStatus {
        PgkStatus {
            generation: Generation::FIRST,
            pgk_id: PgkId(1),
            profile: Profile::HkdfSha256,
            suite: Suite::Aead,
            state: PgkState::Held,
            not_before: FLOOR - 5,
            not_after: FLOOR + 2 * SOON_S,
            receive_grace_s: 10,
            send_grace_s: 10,
            max_unsynced_s: 1000,
            rollback_unprotected: false,
            epochs_left: u16::MAX,
        }
    }

    fn warnings(pgk: PgkStatus, unsynced_s: u32) -> String {
        let group = GroupStatus {
            group: GroupId::from_octets([0, 0, 1]),
            member: MemberId::from_octets([0, 0, 2]),
            next: 2,
            suspended: false,
            may_send: true,
            pgks: vec![pgk],
        };
        let status = StatusReply {
            state: DeviceState::Enrolled,
            floor: FLOOR,
            unsynced_s,
            sequence: 1,
            device: DeviceId::NONE,
            root_key: [0; 32],
            manager: [0; 16],
            signer_version: 0,
            start_nonce: [0; 32],
            groups: vec![],
            refusals: 0,
        };
        of_pgk(&status, &group, &pgk).join("; ")
    }

    #[test]
    fn a_key_that_is_well_has_no_warning_and_each_trouble_has_its_own() {
        assert_eq!(warnings(well(), 900), "");
        for (pgk, unsynced_s, word) in [
            (PgkStatus { not_after: FLOOR - 1, ..well() }, 0, "grace"),
            (PgkStatus { not_after: FLOOR + 60, ..well() }, 0, "within a day"),
            (PgkStatus { not_before: FLOOR + 1, ..well() }, 0, "not come"),
            (PgkStatus { state: PgkState::ReceiveOnly, ..well() }, 0, "only receives"),
            (PgkStatus { state: PgkState::Ended, ..well() }, 0, "has ended"),
            (PgkStatus { epochs_left: 1023, ..well() }, 0, "few epochs"),
            (PgkStatus { rollback_unprotected: true, ..well() }, 0, "no salt"),
            (well(), 901, "stops soon"),
            (well(), 1001, "only receives"),
        ] {
            let warnings = warnings(pgk, unsynced_s);
            assert!(warnings.contains(word), "{word}: {warnings}");
        }
    }
}
