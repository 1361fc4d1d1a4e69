//! Groups, as their operators want them.

use proseal_proto::content::{Label, Policy};
use proseal_proto::id::{DeviceId, GroupId};
use proseal_proto::profile::{Profile, Suite};

use super::sql::Query;
use super::{Change, Row, StoreError, int, narrow, number, query, truth, value::wide};
use crate::domain::member::Joining;
use crate::domain::plan::Plan;
use crate::domain::timeline::Terms;

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
    /// What is below is ended.
    pub next: u64,
    /// The highest generation that a radio was given which has left since.
    pub outside_to: u64,
    /// Who may join by himself.
    pub joining: Joining,
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

    /// What an operator wants of it now.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let policy = &self.policy;
        Plan {
            profile: policy.profile,
            suite: Some(policy.suite),
            label: policy.label.as_str().to_owned(),
            lifetime_s: self.lifetime_s,
            overlap_s: self.overlap_s,
            ahead: u8::try_from(self.ahead).unwrap_or(u8::MAX),
            receive_grace_s: policy.receive_grace_s,
            send_grace_s: policy.send_grace_s,
            max_unsynced_s: policy.max_unsynced_s,
            epoch_s: policy.epoch_s,
            epoch_packets: policy.epoch_packets,
            accept_rollback: policy.accept_rollback,
            joining: self.joining,
        }
    }

    /// Its name, or its id.
    #[must_use]
    pub fn called(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.id.to_string())
    }
}

pub(super) fn grace(policy: &Policy) -> u64 {
    u64::from(policy.receive_grace_s.max(policy.send_grace_s))
}

pub(super) fn policy(row: &Row, window: (u64, u64)) -> Result<Policy, StoreError> {
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

/// $1 to $9: profile, suite, label, graces, unsynced time, epoch, packets, rollback.
pub(super) fn bind_policy(query: Query, policy: &Policy) -> Query {
    query
        .bind(i64::from(policy.profile.number()))
        .bind(i64::from(policy.suite.number()))
        .bind(policy.label.as_str().to_owned())
        .bind(i64::from(policy.receive_grace_s))
        .bind(i64::from(policy.send_grace_s))
        .bind(i64::from(policy.max_unsynced_s))
        .bind(i64::from(policy.epoch_s))
        .bind(i64::from(policy.epoch_packets))
        .bind(i64::from(policy.accept_rollback))
}

pub(super) fn group(row: &Row) -> Result<Group, StoreError> {
    let id = GroupId::new(narrow(row, "prose_group")?);
    let joining: String = row.try_get("joining")?;
    Ok(Group {
        id: id.map_err(|_| StoreError::Damaged("prose_group"))?,
        name: row.try_get("name")?,
        policy: policy(row, (0, 0))?,
        lifetime_s: number(row, "lifetime_s")?,
        overlap_s: number(row, "overlap_s")?,
        ahead: narrow(row, "ahead")?,
        joins_from: number(row, "joins_from")?,
        next: number(row, "next")?,
        outside_to: number(row, "outside_to")?,
        joining: Joining::named(&joining).ok_or(StoreError::Damaged("joining"))?,
        notice: row.try_get("notice")?,
    })
}

/// All groups, by id.
pub async fn all(change: &mut Change) -> Result<Vec<Group>, StoreError> {
    let rows = query("SELECT * FROM prose_group ORDER BY prose_group");
    rows.fetch_all(change).await?.iter().map(group).collect()
}

/// How many there are.
pub async fn count(change: &mut Change) -> Result<u64, StoreError> {
    let row = query("SELECT COUNT(*) AS prose_groups FROM prose_group");
    number(&row.fetch_one(change).await?, "prose_groups")
}

/// One group.
pub async fn find(change: &mut Change, id: GroupId) -> Result<Option<Group>, StoreError> {
    let row = query("SELECT * FROM prose_group WHERE prose_group = $1");
    let row = row.bind(wide(id.octets())).fetch_optional(change).await?;
    row.as_ref().map(group).transpose()
}

/// One group by its name, in whatever case.
pub async fn named(change: &mut Change, name: &str) -> Result<Option<Group>, StoreError> {
    let row = query("SELECT * FROM prose_group WHERE LOWER(name) = $1");
    let row = row.bind(name.to_ascii_lowercase()).fetch_optional(change).await?;
    row.as_ref().map(group).transpose()
}

/// The groups of which a device may hold anything: it is a member, was given what is not
/// ended, or may have been in a time that this database does not know.
pub async fn held(change: &mut Change, device: DeviceId) -> Result<Vec<Group>, StoreError> {
    let rows = query(
        "SELECT * FROM prose_group g WHERE g.joins_from > g.next
             OR EXISTS (SELECT 1 FROM member m
                        WHERE m.prose_group = g.prose_group AND m.device = $1)
             OR EXISTS (SELECT 1 FROM given n WHERE n.device = $1
                        AND n.prose_group = g.prose_group AND n.generation >= g.next)
         ORDER BY g.prose_group",
    );
    rows.bind(device.0.to_vec()).fetch_all(change).await?.iter().map(group).collect()
}

/// Writes a new group down, without generations.
pub async fn insert(change: &mut Change, group: &Group) -> Result<(), StoreError> {
    let query = query(
        "INSERT INTO prose_group (profile, suite, label, receive_grace_s, send_grace_s,
             max_unsynced_s, epoch_s, epoch_packets, accept_rollback,
             prose_group, name, lifetime_s, overlap_s, ahead, joining, joins_from,
             next, last, last_pgk_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1, 0, 0)",
    );
    bind_policy(query, &group.policy)
        .bind(wide(group.id.octets()))
        .bind(group.name.clone())
        .bind(int(group.lifetime_s)?)
        .bind(int(group.overlap_s)?)
        .bind(int(group.ahead as u64)?)
        .bind(group.joining.name().to_owned())
        .bind(int(group.joins_from)?)
        .execute(change)
        .await?;
    Ok(())
}

/// Writes down what an operator wants of a group from now on.
pub async fn update(change: &mut Change, group: &Group) -> Result<(), StoreError> {
    let query = query(
        "UPDATE prose_group SET profile = $1, suite = $2, label = $3, receive_grace_s = $4,
             send_grace_s = $5, max_unsynced_s = $6, epoch_s = $7, epoch_packets = $8,
             accept_rollback = $9, lifetime_s = $10, overlap_s = $11, ahead = $12, joining = $13
         WHERE prose_group = $14",
    );
    bind_policy(query, &group.policy)
        .bind(int(group.lifetime_s)?)
        .bind(int(group.overlap_s)?)
        .bind(int(group.ahead as u64)?)
        .bind(group.joining.name().to_owned())
        .bind(wide(group.id.octets()))
        .execute(change)
        .await?;
    Ok(())
}

/// Writes down the newest notice of a group.
pub async fn set_notice(
    change: &mut Change,
    group: GroupId,
    notice: &[u8],
) -> Result<(), StoreError> {
    query("UPDATE prose_group SET notice = $1 WHERE prose_group = $2")
        .bind(notice.to_vec())
        .bind(wide(group.octets()))
        .execute(change)
        .await?;
    Ok(())
}

/// From now on, in every group, `least` is the least that the highest generation ever was,
/// and who joins gets nothing up to that one.
pub async fn bar_joining(change: &mut Change, least: u64) -> Result<(), StoreError> {
    query(
        "UPDATE prose_group SET last = CASE WHEN last > $1 THEN last ELSE $1 END,
             joins_from = CASE WHEN last > $1 THEN last ELSE $1 END + 1",
    )
    .bind(int(least)?)
    .execute(change)
    .await?;
    Ok(())
}
