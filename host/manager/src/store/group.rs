//! Groups, their generations and members, and what was given to whom.

use proseal_proto::content::{Label, Policy};
use proseal_proto::id::{DeviceId, Generation, GroupId, MemberId, PgkId};
use proseal_proto::profile::{Profile, Suite};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Change, StoreError, array, int, narrow, number, truth};
use crate::domain::member::Given;
use crate::domain::timeline::{Span, Terms, Timeline};

/// A group as its operator wants it.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its layer-2 id.
    pub id: GroupId,
    /// What the operator calls it.
    pub name: Option<String>,
    /// The policy of its next generations; the windows come from the timeline.
    pub policy: Policy,
    /// How its next generations follow.
    pub lifetime_s: u64,
    /// How long two of them overlap.
    pub overlap_s: u64,
    /// How many future ones members hold.
    pub ahead: usize,
    /// Who joins gets nothing below.
    pub joins_from: u64,
    /// The newest notice.
    pub notice: Option<Vec<u8>>,
}

impl Group {
    /// How its next generations follow.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms {
            lifetime_s: self.lifetime_s,
            overlap_s: self.overlap_s,
            grace_s: grace(&self.policy),
            ahead: self.ahead,
        }
    }

    /// Its name, or its id.
    #[must_use]
    pub fn called(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.id.to_string())
    }
}

fn grace(policy: &Policy) -> u64 {
    u64::from(policy.receive_grace_s.max(policy.send_grace_s))
}

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

/// What is stored of a PGK besides its place in time.
pub struct Stored {
    /// Under the key file.
    pub sealed_key: Vec<u8>,
    /// What may be done with it.
    pub policy: Policy,
}

fn wide(octets: [u8; 3]) -> i64 {
    let [a, b, c] = octets;
    i64::from(u32::from_be_bytes([0, a, b, c]))
}

fn member_id(row: &AnyRow) -> Result<MemberId, StoreError> {
    MemberId::new(narrow(row, "member")?).map_err(|_| StoreError::Damaged("member"))
}

fn policy(row: &AnyRow, window: (u64, u64)) -> Result<Policy, StoreError> {
    let label: String = row.try_get("label")?;
    Ok(Policy {
        not_before: window.0,
        not_after: window.1,
        profile: Profile::try_from(narrow::<u8>(row, "profile")?)
            .map_err(|_| StoreError::Damaged("profile"))?,
        suite: Suite::try_from(narrow::<u8>(row, "suite")?)
            .map_err(|_| StoreError::Damaged("suite"))?,
        label: Label::new(&label).map_err(|_| StoreError::Damaged("label"))?,
        epoch_s: narrow(row, "epoch_s")?,
        epoch_packets: narrow(row, "epoch_packets")?,
        receive_grace_s: narrow(row, "receive_grace_s")?,
        send_grace_s: narrow(row, "send_grace_s")?,
        max_unsynced_s: narrow(row, "max_unsynced_s")?,
        accept_rollback: truth(row, "accept_rollback")?,
    })
}

fn group(row: &AnyRow) -> Result<Group, StoreError> {
    let id = GroupId::new(narrow(row, "prose_group")?);
    Ok(Group {
        id: id.map_err(|_| StoreError::Damaged("prose_group"))?,
        name: row.try_get("name")?,
        policy: policy(row, (0, 0))?,
        lifetime_s: number(row, "lifetime_s")?,
        overlap_s: number(row, "overlap_s")?,
        ahead: narrow(row, "ahead")?,
        joins_from: number(row, "joins_from")?,
        notice: row.try_get("notice")?,
    })
}

/// All groups, by id.
pub async fn all(change: &mut Change<'_>) -> Result<Vec<Group>, StoreError> {
    let rows = sqlx::query("SELECT * FROM prose_group ORDER BY prose_group");
    rows.fetch_all(&mut **change).await?.iter().map(group).collect()
}

/// Writes a new group down, without generations.
pub async fn insert(change: &mut Change<'_>, group: &Group) -> Result<(), StoreError> {
    let policy = &group.policy;
    sqlx::query(
        "INSERT INTO prose_group (prose_group, name, profile, suite, label, lifetime_s, overlap_s,
             receive_grace_s, send_grace_s, max_unsynced_s, epoch_s, epoch_packets,
             accept_rollback, ahead, next, last, last_pgk_id, joins_from)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 1, 0, 0, $15)",
    )
    .bind(wide(group.id.octets()))
    .bind(group.name.clone())
    .bind(i64::from(policy.profile.number()))
    .bind(i64::from(policy.suite.number()))
    .bind(policy.label.as_str().to_owned())
    .bind(int(group.lifetime_s)?)
    .bind(int(group.overlap_s)?)
    .bind(i64::from(policy.receive_grace_s))
    .bind(i64::from(policy.send_grace_s))
    .bind(i64::from(policy.max_unsynced_s))
    .bind(i64::from(policy.epoch_s))
    .bind(i64::from(policy.epoch_packets))
    .bind(i64::from(policy.accept_rollback))
    .bind(int(group.ahead as u64)?)
    .bind(int(group.joins_from)?)
    .execute(&mut **change)
    .await?;
    Ok(())
}

/// Writes down the newest notice of a group.
pub async fn set_notice(
    change: &mut Change<'_>,
    group: GroupId,
    notice: &[u8],
) -> Result<(), StoreError> {
    sqlx::query("UPDATE prose_group SET notice = $1 WHERE prose_group = $2")
        .bind(notice.to_vec())
        .bind(wide(group.octets()))
        .execute(&mut **change)
        .await?;
    Ok(())
}

/// From now on, `last` is the highest generation that there ever was, and who joins gets
/// nothing up to it.
pub async fn bar_joining(
    change: &mut Change<'_>,
    group: GroupId,
    last: u64,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE prose_group SET last = $1, joins_from = $2 WHERE prose_group = $3")
        .bind(int(last)?)
        .bind(int(last.saturating_add(1))?)
        .bind(wide(group.octets()))
        .execute(&mut **change)
        .await?;
    Ok(())
}

/// A group's generations.
pub async fn timeline(change: &mut Change<'_>, group: GroupId) -> Result<Timeline, StoreError> {
    let id = wide(group.octets());
    let row = sqlx::query("SELECT next, last, last_pgk_id FROM prose_group WHERE prose_group = $1")
        .bind(id)
        .fetch_one(&mut **change)
        .await?;
    let rows = sqlx::query("SELECT * FROM generation WHERE prose_group = $1 ORDER BY generation")
        .bind(id)
        .fetch_all(&mut **change)
        .await?;
    let spans: Result<_, StoreError> = rows.iter().map(span).collect();
    Ok(Timeline {
        spans: spans?,
        next: number(&row, "next")?,
        last: number(&row, "last")?,
        last_id: PgkId(narrow(&row, "last_pgk_id")?),
    })
}

fn span(row: &AnyRow) -> Result<Span, StoreError> {
    let generation = Generation::new(number(row, "generation")?);
    let window = (number(row, "not_before")?, number(row, "not_after")?);
    Ok(Span {
        generation: generation.map_err(|_| StoreError::Damaged("generation"))?,
        id: PgkId(narrow(row, "pgk_id")?),
        not_before: window.0,
        not_after: window.1,
        grace_s: grace(&policy(row, window)?),
        withdrawn: truth(row, "withdrawn")?,
        erased: row.try_get::<Option<Vec<u8>>, _>("sealed_key")?.is_none(),
    })
}

/// Writes down where a timeline stands, and the windows of what is in it.
pub async fn set_timeline(
    change: &mut Change<'_>,
    group: GroupId,
    timeline: &Timeline,
) -> Result<(), StoreError> {
    let id = wide(group.octets());
    sqlx::query(
        "UPDATE prose_group SET next = $1, last = $2, last_pgk_id = $3 WHERE prose_group = $4",
    )
    .bind(int(timeline.next)?)
    .bind(int(timeline.last)?)
    .bind(i64::from(timeline.last_id.0))
    .bind(id)
    .execute(&mut **change)
    .await?;
    for span in &timeline.spans {
        sqlx::query(
            "UPDATE generation SET not_before = $1, not_after = $2, withdrawn = $3
             WHERE prose_group = $4 AND generation = $5",
        )
        .bind(int(span.not_before)?)
        .bind(int(span.not_after)?)
        .bind(i64::from(span.withdrawn))
        .bind(id)
        .bind(int(span.generation.get())?)
        .execute(&mut **change)
        .await?;
    }
    Ok(())
}

/// Writes down a new generation.
pub async fn insert_generation(
    change: &mut Change<'_>,
    group: GroupId,
    span: &Span,
    stored: &Stored,
) -> Result<(), StoreError> {
    let policy = &stored.policy;
    sqlx::query(
        "INSERT INTO generation (prose_group, generation, pgk_id, sealed_key, profile, suite, label,
             not_before, not_after, withdrawn, receive_grace_s, send_grace_s, max_unsynced_s, epoch_s,
             epoch_packets, accept_rollback)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11, $12, $13, $14, $15)",
    )
    .bind(wide(group.octets()))
    .bind(int(span.generation.get())?)
    .bind(i64::from(span.id.0))
    .bind(stored.sealed_key.clone())
    .bind(i64::from(policy.profile.number()))
    .bind(i64::from(policy.suite.number()))
    .bind(policy.label.as_str().to_owned())
    .bind(int(span.not_before)?)
    .bind(int(span.not_after)?)
    .bind(i64::from(policy.receive_grace_s))
    .bind(i64::from(policy.send_grace_s))
    .bind(i64::from(policy.max_unsynced_s))
    .bind(i64::from(policy.epoch_s))
    .bind(i64::from(policy.epoch_packets))
    .bind(i64::from(policy.accept_rollback))
    .execute(&mut **change)
    .await?;
    Ok(())
}

/// A generation's policy.
pub async fn policy_of(
    change: &mut Change<'_>,
    group: GroupId,
    span: &Span,
) -> Result<Policy, StoreError> {
    let row = sqlx::query("SELECT * FROM generation WHERE prose_group = $1 AND generation = $2")
        .bind(wide(group.octets()))
        .bind(int(span.generation.get())?)
        .fetch_one(&mut **change)
        .await?;
    policy(&row, (span.not_before, span.not_after))
}

/// A generation's key, sealed.
pub async fn sealed_key(
    change: &mut Change<'_>,
    group: GroupId,
    span: &Span,
) -> Result<Vec<u8>, StoreError> {
    let row =
        sqlx::query("SELECT sealed_key FROM generation WHERE prose_group = $1 AND generation = $2")
            .bind(wide(group.octets()))
            .bind(int(span.generation.get())?)
            .fetch_one(&mut **change)
            .await?;
    let sealed_key: Option<Vec<u8>> = row.try_get("sealed_key")?;
    sealed_key.ok_or(StoreError::Damaged("a key that is in use is missing"))
}

/// Erases the keys of generations that no package brings any more.
pub async fn erase_keys(
    change: &mut Change<'_>,
    group: GroupId,
    timeline: &Timeline,
    now: u64,
) -> Result<(), StoreError> {
    let over = |span: &&Span| !timeline.is_live(span, now);
    for span in timeline.spans.iter().filter(over) {
        sqlx::query(
            "UPDATE generation SET sealed_key = NULL WHERE prose_group = $1 AND generation = $2",
        )
        .bind(wide(group.octets()))
        .bind(int(span.generation.get())?)
        .execute(&mut **change)
        .await?;
    }
    Ok(())
}

/// A group's members, by member id.
pub async fn members(change: &mut Change<'_>, group: GroupId) -> Result<Vec<Member>, StoreError> {
    let rows = sqlx::query("SELECT * FROM member WHERE prose_group = $1 ORDER BY member")
        .bind(wide(group.octets()))
        .fetch_all(&mut **change)
        .await?;
    rows.iter().map(member).collect()
}

fn member(row: &AnyRow) -> Result<Member, StoreError> {
    Ok(Member {
        device: DeviceId(array(row, "device")?),
        member: member_id(row)?,
        may_send: truth(row, "may_send")?,
        joins_from: number(row, "joins_from")?,
    })
}

/// Writes a member down: a new one, or what has changed.
pub async fn save_member(
    change: &mut Change<'_>,
    group: GroupId,
    member: &Member,
) -> Result<(), StoreError> {
    sqlx::query(
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
    .execute(&mut **change)
    .await?;
    Ok(())
}

/// Takes a member out; whether there was one.
pub async fn delete_member(
    change: &mut Change<'_>,
    group: GroupId,
    device: DeviceId,
) -> Result<bool, StoreError> {
    let deleted = sqlx::query("DELETE FROM member WHERE prose_group = $1 AND device = $2")
        .bind(wide(group.octets()))
        .bind(device.0.to_vec())
        .execute(&mut **change)
        .await?;
    Ok(deleted.rows_affected() == 1)
}

/// What was given in a group, to whom and as whom.
pub async fn given(change: &mut Change<'_>, group: GroupId) -> Result<Vec<Given>, StoreError> {
    let rows = sqlx::query("SELECT device, member, generation FROM given WHERE prose_group = $1")
        .bind(wide(group.octets()))
        .fetch_all(&mut **change)
        .await?;
    let given = |row| {
        let generation = number(row, "generation")?;
        Ok(Given { device: DeviceId(array(row, "device")?), member: member_id(row)?, generation })
    };
    rows.iter().map(given).collect()
}

/// Writes down what is being given. The database refuses a second device under a
/// member id and generation.
pub async fn give(
    change: &mut Change<'_>,
    group: GroupId,
    given: &Given,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO given (prose_group, generation, device, member) VALUES ($1, $2, $3, $4)
         ON CONFLICT (prose_group, generation, device) DO NOTHING",
    )
    .bind(wide(group.octets()))
    .bind(int(given.generation)?)
    .bind(given.device.0.to_vec())
    .bind(wide(given.member.octets()))
    .execute(&mut **change)
    .await?;
    Ok(())
}
