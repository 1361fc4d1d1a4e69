//! Who is in a group, and what was given to whom. Each question is for one device or one
//! group, and finds its answer by an index.

use std::collections::HashMap;

use proseal_proto::id::{DeviceId, GroupId, MemberId};
use sqlx::AssertSqlSafe;

use super::value::{PART, places, rows, wide};
use super::{Change, Row, StoreError, array, int, narrow, number, query, truth};

/// A member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Which device.
    pub device: DeviceId,
    /// Its id in the group.
    pub member: MemberId,
    /// Whether it may send.
    pub may_send: bool,
    /// It gets nothing below.
    pub joins_from: u64,
}

/// A group that a device is in.
#[derive(Clone, Debug)]
pub struct Membership {
    /// Which.
    pub group: GroupId,
    /// What the operator calls it.
    pub name: Option<String>,
    /// What is below is ended in it.
    pub next: u64,
    /// As whom.
    pub member: Member,
}

/// A generation that is given to a device, under its member id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// Of which group.
    pub group: GroupId,
    /// Which.
    pub generation: u64,
    /// As whom.
    pub member: MemberId,
}

fn member(row: &Row) -> Result<Member, StoreError> {
    Ok(Member {
        device: DeviceId(array(row, "device")?),
        member: MemberId::new(narrow(row, "member")?).map_err(|_| StoreError::Damaged("member"))?,
        may_send: truth(row, "may_send")?,
        joins_from: number(row, "joins_from")?,
    })
}

fn membership(row: &Row) -> Result<Membership, StoreError> {
    let group = GroupId::new(narrow(row, "prose_group")?);
    Ok(Membership {
        group: group.map_err(|_| StoreError::Damaged("prose_group"))?,
        name: row.try_get("group_name")?,
        next: number(row, "group_next")?,
        member: member(row)?,
    })
}

/// So many of a group's members, by member id, above `after`.
pub async fn page(
    change: &mut Change,
    group: GroupId,
    after: Option<MemberId>,
    most: u32,
) -> Result<Vec<Member>, StoreError> {
    let rows = query(
        "SELECT * FROM member WHERE prose_group = $1 AND member > $2 ORDER BY member LIMIT $3",
    )
    .bind(wide(group.octets()))
    .bind(after.map_or(-1, |after| wide(after.octets())))
    .bind(i64::from(most))
    .fetch_all(change)
    .await?;
    rows.iter().map(member).collect()
}

/// All of a group's members, by member id.
pub async fn all(change: &mut Change, group: GroupId) -> Result<Vec<Member>, StoreError> {
    page(change, group, None, u32::MAX).await
}

/// How many members a group has.
pub async fn count(change: &mut Change, group: GroupId) -> Result<u64, StoreError> {
    let row = query("SELECT COUNT(*) AS members FROM member WHERE prose_group = $1");
    number(&row.bind(wide(group.octets())).fetch_one(change).await?, "members")
}

/// A device as a member of a group.
pub async fn find(
    change: &mut Change,
    group: GroupId,
    device: DeviceId,
) -> Result<Option<Member>, StoreError> {
    let row = query("SELECT * FROM member WHERE prose_group = $1 AND device = $2")
        .bind(wide(group.octets()))
        .bind(device.0.to_vec())
        .fetch_optional(change)
        .await?;
    row.as_ref().map(member).transpose()
}

/// Who has a member id.
pub async fn holder(
    change: &mut Change,
    group: GroupId,
    id: MemberId,
) -> Result<Option<Member>, StoreError> {
    let row = query("SELECT * FROM member WHERE prose_group = $1 AND member = $2")
        .bind(wide(group.octets()))
        .bind(wide(id.octets()))
        .fetch_optional(change)
        .await?;
    row.as_ref().map(member).transpose()
}

/// The groups that a device is in, by id.
pub async fn of_device(
    change: &mut Change,
    device: DeviceId,
) -> Result<Vec<Membership>, StoreError> {
    let rows = query(
        "SELECT member.*, prose_group.name AS group_name, prose_group.next AS group_next
         FROM member JOIN prose_group ON prose_group.prose_group = member.prose_group
         WHERE member.device = $1 ORDER BY member.prose_group",
    )
    .bind(device.0.to_vec())
    .fetch_all(change)
    .await?;
    rows.iter().map(membership).collect()
}

/// The same, and how many groups it was given keys of, and is not in any more.
///
/// Errors: [`StoreError::Damaged`], if there is no such device.
pub async fn of_device_and_left(
    change: &mut Change,
    device: DeviceId,
) -> Result<(Vec<Membership>, u64), StoreError> {
    let rows = query(
        "SELECT member.prose_group, device.device, member.member, member.may_send,
             member.joins_from, prose_group.name AS group_name, prose_group.next AS group_next,
             (SELECT COUNT(DISTINCT prose_group) FROM given
              WHERE device = $1 AND NOT EXISTS (
                  SELECT 1 FROM member WHERE member.prose_group = given.prose_group
                      AND member.device = given.device)) AS groups_left
         FROM device LEFT JOIN member ON member.device = device.device
         LEFT JOIN prose_group ON prose_group.prose_group = member.prose_group
         WHERE device.device = $1 ORDER BY member.prose_group",
    )
    .bind(device.0.to_vec())
    .fetch_all(change)
    .await?;
    let left = rows.first().ok_or(StoreError::Damaged("a device is missing"))?;
    let left = number(left, "groups_left")?;
    // Who is in none has one row all the same, with nothing of a group.
    let is_in = |row: &&Row| matches!(row.try_get::<Option<i64>>("prose_group"), Ok(Some(_)));
    let there: Result<_, _> = rows.iter().filter(is_in).map(membership).collect();
    Ok((there?, left))
}

/// The same of many devices; those that are in none are left out.
pub async fn of_devices(
    change: &mut Change,
    devices: &[DeviceId],
) -> Result<HashMap<DeviceId, Vec<Membership>>, StoreError> {
    let mut memberships = HashMap::<_, Vec<_>>::new();
    for part in devices.chunks(PART) {
        // Nothing but places.
        let sql = format!(
            "SELECT member.*, prose_group.name AS group_name, prose_group.next AS group_next
             FROM member JOIN prose_group ON prose_group.prose_group = member.prose_group
             WHERE member.device IN ({}) ORDER BY member.prose_group",
            places(part.len())
        );
        let mut query = query(AssertSqlSafe(sql));
        for device in part {
            query = query.bind(device.0.to_vec());
        }
        for row in query.fetch_all(change).await? {
            let there = membership(&row)?;
            memberships.entry(there.member.device).or_default().push(there);
        }
    }
    Ok(memberships)
}

/// Writes a member down: a new one, or what has changed.
pub async fn save(change: &mut Change, group: GroupId, member: &Member) -> Result<(), StoreError> {
    query(
        "INSERT INTO member (prose_group, device, member, may_send, joins_from)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (prose_group, device) DO UPDATE SET may_send = excluded.may_send,
             joins_from = excluded.joins_from",
    )
    .bind(wide(group.octets()))
    .bind(member.device.0.to_vec())
    .bind(wide(member.member.octets()))
    .bind(i64::from(member.may_send))
    .bind(int(member.joins_from)?)
    .execute(change)
    .await?;
    Ok(())
}

/// Takes a member out; whether there was one. The group knows from then on up to which
/// generation somebody outside has its keys.
pub async fn delete(
    change: &mut Change,
    group: GroupId,
    device: DeviceId,
) -> Result<bool, StoreError> {
    let deleted = query("DELETE FROM member WHERE prose_group = $1 AND device = $2")
        .bind(wide(group.octets()))
        .bind(device.0.to_vec())
        .execute(change)
        .await?;
    query(
        "UPDATE prose_group SET outside_to = COALESCE((
             SELECT MAX(generation) FROM given WHERE device = $1 AND prose_group = $2
         ), 0) WHERE prose_group = $2 AND outside_to < COALESCE((
             SELECT MAX(generation) FROM given WHERE device = $1 AND prose_group = $2
         ), 0)",
    )
    .bind(device.0.to_vec())
    .bind(wide(group.octets()))
    .execute(change)
    .await?;
    Ok(deleted == 1)
}

/// The highest generation of a group that a device was given, under whatever member id.
pub async fn given_to(
    change: &mut Change,
    group: GroupId,
    device: DeviceId,
) -> Result<Option<u64>, StoreError> {
    let row = query(
        "SELECT COALESCE(MAX(generation), 0) AS had FROM given
         WHERE device = $1 AND prose_group = $2",
    )
    .bind(device.0.to_vec())
    .bind(wide(group.octets()))
    .fetch_one(change)
    .await?;
    Ok(Some(number(&row, "had")?).filter(|had| *had > 0))
}

/// The highest generation of a group that a device was given, and the highest that was
/// given under a member id, to whomever.
pub async fn had(
    change: &mut Change,
    group: GroupId,
    device: DeviceId,
    member: MemberId,
) -> Result<(Option<u64>, Option<u64>), StoreError> {
    let row = query(
        "SELECT (SELECT COALESCE(MAX(generation), 0) FROM given
                 WHERE device = $1 AND prose_group = $2) AS had,
             (SELECT COALESCE(MAX(generation), 0) FROM given
              WHERE prose_group = $2 AND member = $3) AS had_by_id",
    )
    .bind(device.0.to_vec())
    .bind(wide(group.octets()))
    .bind(wide(member.octets()))
    .fetch_one(change)
    .await?;
    let some = |column| Ok::<_, StoreError>(Some(number(&row, column)?).filter(|had| *had > 0));
    Ok((some("had")?, some("had_by_id")?))
}

/// Who is no member of a group any more and was given this generation.
pub async fn former(
    change: &mut Change,
    group: GroupId,
    generation: u64,
) -> Result<Vec<DeviceId>, StoreError> {
    let rows = query(
        "SELECT device FROM given WHERE prose_group = $1 AND generation = $2 AND NOT EXISTS (
             SELECT 1 FROM member WHERE member.prose_group = given.prose_group
                 AND member.device = given.device)
         ORDER BY device",
    )
    .bind(wide(group.octets()))
    .bind(int(generation)?)
    .fetch_all(change)
    .await?;
    rows.iter().map(|row| Ok(DeviceId(array(row, "device")?))).collect()
}

/// Writes down what is being given to a device. The database refuses a second device
/// under a member id and generation.
pub async fn give(
    change: &mut Change,
    device: DeviceId,
    given: &[Given],
) -> Result<(), StoreError> {
    if given.is_empty() {
        return Ok(());
    }
    // Nothing but places.
    let sql = format!(
        "INSERT INTO given (prose_group, generation, device, member) VALUES {}
         ON CONFLICT (prose_group, generation, device) DO NOTHING",
        rows(given.len(), 4)
    );
    let mut query = query(AssertSqlSafe(sql));
    for one in given {
        query = query
            .bind(wide(one.group.octets()))
            .bind(int(one.generation)?)
            .bind(device.0.to_vec())
            .bind(wide(one.member.octets()));
    }
    query.execute(change).await?;
    Ok(())
}
