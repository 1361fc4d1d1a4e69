//! Who may come in: invitations and permits.

use proseal_proto::id::{DeviceId, GroupId, MemberId};

use super::group::{self, Group};
use super::member::Member;
use super::{Change, Row, StoreError, int, narrow, number, query, truth, value::wide};
#[cfg(doc)]
use crate::domain::timeline::Timeline;

/// A one-time token, as far as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// SHA-256 of the token.
    pub token_digest: [u8; 32],
    /// Whose it is.
    pub subscriber: String,
    /// The device that it is for; `None` is any.
    pub expected: Option<DeviceId>,
    /// When it ends.
    pub expires_at: u64,
    /// Who has used it.
    pub used_by: Option<DeviceId>,
}

/// Who may join a group by himself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    /// Who.
    pub subscriber: String,
    /// As whom; `None` is any id that is free.
    pub member: Option<MemberId>,
    /// Whether he may send.
    pub may_send: bool,
}

/// A group, what lets a device into it, and what keeps it out.
#[derive(Clone, Debug)]
pub struct Access {
    /// Which.
    pub group: Group,
    /// What the device is in it already.
    pub member: Option<Member>,
    /// Its subscriber's.
    pub permit: Option<Permit>,
    /// It was taken out of the group.
    pub is_barred: bool,
    /// How many groups it is in.
    pub groups: usize,
    /// The highest generation of the group that it was given, under whatever member id.
    pub had: Option<u64>,
    /// The highest member id that anybody ever had in the group.
    pub highest: Option<MemberId>,
    /// The generation in use, as [`Timeline::current`] has it.
    pub in_use: Option<u64>,
}

fn device(row: &Row, column: &'static str) -> Result<Option<DeviceId>, StoreError> {
    let octets: Option<Vec<u8>> = row.try_get(column)?;
    let id = |octets: Vec<u8>| octets.try_into().map_err(|_| StoreError::Damaged(column));
    Ok(octets.map(id).transpose()?.map(DeviceId))
}

/// Writes a new invitation down.
pub async fn invite(
    change: &mut Change,
    invitation: &Invitation,
    now: u64,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO invitation (token_digest, subscriber, expected, expires_at, made_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(invitation.token_digest.to_vec())
    .bind(invitation.subscriber.clone())
    .bind(invitation.expected.map(|device| device.0.to_vec()))
    .bind(int(invitation.expires_at)?)
    .bind(int(now)?)
    .execute(change)
    .await?;
    Ok(())
}

/// The invitation of a token.
pub async fn invitation(
    change: &mut Change,
    token_digest: [u8; 32],
) -> Result<Option<Invitation>, StoreError> {
    let row = query("SELECT * FROM invitation WHERE token_digest = $1")
        .bind(token_digest.to_vec())
        .fetch_optional(change)
        .await?;
    let invitation = |row: Row| {
        Ok(Invitation {
            token_digest,
            subscriber: row.try_get("subscriber")?,
            expected: device(&row, "expected")?,
            expires_at: number(&row, "expires_at")?,
            used_by: device(&row, "used_by")?,
        })
    };
    row.map(invitation).transpose()
}

/// From now on the token is this device's.
pub async fn use_invitation(
    change: &mut Change,
    token_digest: &[u8; 32],
    device: DeviceId,
) -> Result<(), StoreError> {
    query("UPDATE invitation SET used_by = $1 WHERE token_digest = $2")
        .bind(device.0.to_vec())
        .bind(token_digest.to_vec())
        .execute(change)
        .await?;
    Ok(())
}

/// Lets a subscriber join a group.
pub async fn allow(change: &mut Change, group: GroupId, permit: &Permit) -> Result<(), StoreError> {
    query(
        "INSERT INTO permit (prose_group, subscriber, member, may_send) VALUES ($1, $2, $3, $4)
         ON CONFLICT (prose_group, subscriber) DO UPDATE SET member = excluded.member,
             may_send = excluded.may_send",
    )
    .bind(wide(group.octets()))
    .bind(permit.subscriber.clone())
    .bind(permit.member.map(|member| wide(member.octets())))
    .bind(i64::from(permit.may_send))
    .execute(change)
    .await?;
    Ok(())
}

/// Takes that back; whether there was any.
pub async fn forbid(
    change: &mut Change,
    group: GroupId,
    subscriber: &str,
) -> Result<bool, StoreError> {
    let deleted = query("DELETE FROM permit WHERE prose_group = $1 AND subscriber = $2")
        .bind(wide(group.octets()))
        .bind(subscriber.to_owned())
        .execute(change)
        .await?;
    Ok(deleted == 1)
}

fn row_of_permit(row: &Row) -> Result<Permit, StoreError> {
    Ok(Permit {
        subscriber: row.try_get("subscriber")?,
        member: member_id(row, "member")?,
        may_send: truth(row, "may_send")?,
    })
}

/// What a device and its subscriber may in a group, if there is such a group.
pub async fn access(
    change: &mut Change,
    group: GroupId,
    device: DeviceId,
    subscriber: Option<&str>,
    now: u64,
) -> Result<Option<Access>, StoreError> {
    let row = query(
        "SELECT prose_group.*, permit.subscriber, permit.member, permit.may_send,
             member.member AS its_member, member.may_send AS its_may_send,
             member.joins_from AS its_joins_from,
             (SELECT COUNT(*) FROM barred WHERE prose_group = $1 AND device = $2) AS bars,
             (SELECT COUNT(*) FROM member WHERE device = $2) AS its_groups,
             (SELECT COALESCE(MAX(generation), 0) FROM given
              WHERE device = $2 AND prose_group = $1) AS had,
             (SELECT MAX(member) FROM (
                  SELECT MAX(member) AS member FROM member WHERE prose_group = $1
                  UNION ALL SELECT MAX(member) FROM given WHERE prose_group = $1
              ) AS both_of_them) AS highest,
             (SELECT COALESCE(MAX(generation), 0) FROM generation
              WHERE generation.prose_group = $1 AND generation.generation >= prose_group.next
                  AND sealed_key IS NOT NULL AND withdrawn = 0
                  AND not_before <= $4 AND not_after >= $4) AS in_use
         FROM prose_group
         LEFT JOIN member ON member.prose_group = prose_group.prose_group AND member.device = $2
         LEFT JOIN permit
             ON permit.prose_group = prose_group.prose_group AND permit.subscriber = $3
         WHERE prose_group.prose_group = $1",
    )
    .bind(wide(group.octets()))
    .bind(device.0.to_vec())
    .bind(subscriber.map(str::to_owned))
    .bind(int(now)?)
    .fetch_optional(change)
    .await?;
    let access = |row: Row| {
        let has_permit = row.try_get::<Option<String>>("subscriber")?.is_some();
        Ok(Access {
            group: group::group(&row)?,
            member: its_member(&row, device)?,
            permit: has_permit.then(|| row_of_permit(&row)).transpose()?,
            is_barred: number(&row, "bars")? > 0,
            groups: narrow(&row, "its_groups")?,
            had: Some(number(&row, "had")?).filter(|had| *had > 0),
            highest: member_id(&row, "highest")?,
            in_use: Some(number(&row, "in_use")?).filter(|in_use| *in_use > 0),
        })
    };
    row.map(access).transpose()
}

fn its_member(row: &Row, device: DeviceId) -> Result<Option<Member>, StoreError> {
    let Some(member) = member_id(row, "its_member")? else { return Ok(None) };
    let may_send = truth(row, "its_may_send")?;
    Ok(Some(Member { device, member, may_send, joins_from: number(row, "its_joins_from")? }))
}

fn member_id(row: &Row, column: &'static str) -> Result<Option<MemberId>, StoreError> {
    let number: Option<i64> = row.try_get(column)?;
    let id = number.map(|number| u32::try_from(number).ok().map(MemberId::new));
    match id {
        None => Ok(None),
        Some(Some(Ok(id))) => Ok(Some(id)),
        Some(_) => Err(StoreError::Damaged(column)),
    }
}

/// So many of a group's permits by subscriber, above `after`.
pub async fn permits(
    change: &mut Change,
    group: GroupId,
    after: &str,
    most: u32,
) -> Result<Vec<Permit>, StoreError> {
    let rows = query(
        "SELECT * FROM permit WHERE prose_group = $1 AND subscriber > $2
         ORDER BY subscriber LIMIT $3",
    )
    .bind(wide(group.octets()))
    .bind(after.to_owned())
    .bind(i64::from(most))
    .fetch_all(change)
    .await?;
    rows.iter().map(row_of_permit).collect()
}

/// A device comes back into a group by an operator's word only.
pub async fn bar(change: &mut Change, group: GroupId, device: DeviceId) -> Result<(), StoreError> {
    query(
        "INSERT INTO barred (prose_group, device) VALUES ($1, $2)
         ON CONFLICT (prose_group, device) DO NOTHING",
    )
    .bind(wide(group.octets()))
    .bind(device.0.to_vec())
    .execute(change)
    .await?;
    Ok(())
}

/// Here it is.
pub async fn unbar(
    change: &mut Change,
    group: GroupId,
    device: DeviceId,
) -> Result<(), StoreError> {
    query("DELETE FROM barred WHERE prose_group = $1 AND device = $2")
        .bind(wide(group.octets()))
        .bind(device.0.to_vec())
        .execute(change)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Place, Store, generation};

    const GROUP: &str = "
        INSERT INTO prose_group (prose_group, profile, suite, label, lifetime_s, overlap_s,
            receive_grace_s, send_grace_s, max_unsynced_s, epoch_s, epoch_packets,
            accept_rollback, ahead, next, last, last_pgk_id, joins_from, joining)
            VALUES (7, 1, 1, '', 9, 9, 5, 5, 0, 60, 9, 0, 0, 3, 8, 8, 1, 'listed')";

    /// Generation, window, withdrawn, whether its key is there still.
    const GENERATIONS: [(i64, (i64, i64), i64, bool); 8] = [
        (1, (0, 99), 0, true), // below what is ended
        (2, (20, 40), 0, true),
        (3, (10, 30), 0, true),
        (4, (20, 40), 0, true),
        (5, (25, 45), 1, true),
        (6, (35, 50), 0, false),
        (7, (45, 60), 0, true),
        (8, (80, 90), 0, true),
    ];

    /// The rule is the domain's; the question has it again, to save a reading of all.
    #[test]
    fn the_generation_in_use_is_the_one_of_the_timeline() {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let store = Store::open(&Place::File(":memory:".into()), 1).await.unwrap();
            let mut change = store.change().await.unwrap();
            change.script(GROUP).await.unwrap();
            for (number, (from, to), withdrawn, has_key) in GENERATIONS {
                query(
                    "INSERT INTO generation (prose_group, generation, pgk_id, sealed_key, profile,
                         suite, label, not_before, not_after, withdrawn, receive_grace_s,
                         send_grace_s, max_unsynced_s, epoch_s, epoch_packets, accept_rollback)
                     VALUES (7, $1, $1, $2, 1, 1, '', $3, $4, $5, 5, 5, 0, 60, 9, 0)",
                )
                .bind(number)
                .bind(has_key.then(|| vec![1]))
                .bind(from)
                .bind(to)
                .bind(withdrawn)
                .execute(&mut change)
                .await
                .unwrap();
            }
            let (group, device) = (GroupId::new(7).unwrap(), DeviceId([1; 16]));
            let mut seen = std::collections::BTreeSet::new();
            for now in 0..=100 {
                let found = access(&mut change, group, device, None, now).await.unwrap().unwrap();
                let timeline = generation::timeline(&mut change, group, now).await.unwrap();
                let current = timeline.current(now).map(|span| span.generation.get());
                assert_eq!(found.in_use, current, "at {now}");
                seen.insert(current);
            }
            assert_eq!(seen, [None, Some(3), Some(4), Some(7), Some(8)].into());
        });
    }
}
