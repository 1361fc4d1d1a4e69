//! Who may come in: invitations and permits.

use proseal_proto::id::{DeviceId, GroupId, MemberId};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Change, StoreError, int, narrow, number, truth, value::wide};

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

/// What lets a device into a group, and what keeps it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Its subscriber's.
    pub permit: Option<Permit>,
    /// It was taken out of the group.
    pub is_barred: bool,
}

fn device(row: &AnyRow, column: &'static str) -> Result<Option<DeviceId>, StoreError> {
    let octets: Option<Vec<u8>> = row.try_get(column)?;
    let id = |octets: Vec<u8>| octets.try_into().map_err(|_| StoreError::Damaged(column));
    Ok(octets.map(id).transpose()?.map(DeviceId))
}

/// Writes a new invitation down.
pub async fn invite(
    change: &mut Change<'_>,
    invitation: &Invitation,
    now: u64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO invitation (token_digest, subscriber, expected, expires_at, made_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(invitation.token_digest.to_vec())
    .bind(invitation.subscriber.clone())
    .bind(invitation.expected.map(|device| device.0.to_vec()))
    .bind(int(invitation.expires_at)?)
    .bind(int(now)?)
    .execute(&mut **change)
    .await?;
    Ok(())
}

/// The invitation of a token.
pub async fn invitation(
    change: &mut Change<'_>,
    token_digest: [u8; 32],
) -> Result<Option<Invitation>, StoreError> {
    let row = sqlx::query("SELECT * FROM invitation WHERE token_digest = $1")
        .bind(token_digest.to_vec())
        .fetch_optional(&mut **change)
        .await?;
    let invitation = |row: AnyRow| {
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
    change: &mut Change<'_>,
    token_digest: &[u8; 32],
    device: DeviceId,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE invitation SET used_by = $1 WHERE token_digest = $2")
        .bind(device.0.to_vec())
        .bind(token_digest.to_vec())
        .execute(&mut **change)
        .await?;
    Ok(())
}

/// Lets a subscriber join a group.
pub async fn allow(
    change: &mut Change<'_>,
    group: GroupId,
    permit: &Permit,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO permit (prose_group, subscriber, member, may_send) VALUES ($1, $2, $3, $4)
         ON CONFLICT (prose_group, subscriber) DO UPDATE SET member = excluded.member,
             may_send = excluded.may_send",
    )
    .bind(wide(group.octets()))
    .bind(permit.subscriber.clone())
    .bind(permit.member.map(|member| wide(member.octets())))
    .bind(i64::from(permit.may_send))
    .execute(&mut **change)
    .await?;
    Ok(())
}

/// Takes that back; whether there was any.
pub async fn forbid(
    change: &mut Change<'_>,
    group: GroupId,
    subscriber: &str,
) -> Result<bool, StoreError> {
    let deleted = sqlx::query("DELETE FROM permit WHERE prose_group = $1 AND subscriber = $2")
        .bind(wide(group.octets()))
        .bind(subscriber.to_owned())
        .execute(&mut **change)
        .await?;
    Ok(deleted.rows_affected() == 1)
}

fn row_of_permit(row: &AnyRow) -> Result<Permit, StoreError> {
    let member: Option<i64> = row.try_get("member")?;
    let member = match member {
        Some(_) => Some(narrow(row, "member")?),
        None => None,
    };
    let member = member.map(MemberId::new).transpose();
    Ok(Permit {
        subscriber: row.try_get("subscriber")?,
        member: member.map_err(|_| StoreError::Damaged("member"))?,
        may_send: truth(row, "may_send")?,
    })
}

/// What a device and its subscriber may in a group, in one question.
pub async fn access(
    change: &mut Change<'_>,
    group: GroupId,
    device: DeviceId,
    subscriber: Option<&str>,
) -> Result<Access, StoreError> {
    let row = sqlx::query(
        "SELECT (SELECT COUNT(*) FROM barred WHERE prose_group = $1 AND device = $2) AS bars,
             permit.subscriber, permit.member, permit.may_send
         FROM prose_group LEFT JOIN permit
             ON permit.prose_group = prose_group.prose_group AND permit.subscriber = $3
         WHERE prose_group.prose_group = $1",
    )
    .bind(wide(group.octets()))
    .bind(device.0.to_vec())
    .bind(subscriber.map(str::to_owned))
    .fetch_one(&mut **change)
    .await?;
    let has_permit = row.try_get::<Option<String>, _>("subscriber")?.is_some();
    let permit = has_permit.then(|| row_of_permit(&row)).transpose()?;
    Ok(Access { permit, is_barred: number(&row, "bars")? > 0 })
}

/// So many of a group's permits by subscriber, above `after`.
pub async fn permits(
    change: &mut Change<'_>,
    group: GroupId,
    after: &str,
    most: u32,
) -> Result<Vec<Permit>, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM permit WHERE prose_group = $1 AND subscriber > $2
         ORDER BY subscriber LIMIT $3",
    )
    .bind(wide(group.octets()))
    .bind(after.to_owned())
    .bind(i64::from(most))
    .fetch_all(&mut **change)
    .await?;
    rows.iter().map(row_of_permit).collect()
}

/// A device comes back into a group by an operator's word only.
pub async fn bar(
    change: &mut Change<'_>,
    group: GroupId,
    device: DeviceId,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO barred (prose_group, device) VALUES ($1, $2)
         ON CONFLICT (prose_group, device) DO NOTHING",
    )
    .bind(wide(group.octets()))
    .bind(device.0.to_vec())
    .execute(&mut **change)
    .await?;
    Ok(())
}

/// Here it is.
pub async fn unbar(
    change: &mut Change<'_>,
    group: GroupId,
    device: DeviceId,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM barred WHERE prose_group = $1 AND device = $2")
        .bind(wide(group.octets()))
        .bind(device.0.to_vec())
        .execute(&mut **change)
        .await?;
    Ok(())
}
