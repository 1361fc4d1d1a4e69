//! The generations of groups. What is over and erased is not read any more: a group may
//! have had thousands.

use proseal_proto::content::Policy;
use proseal_proto::id::{Generation, GroupId, PgkId};

use super::group::{bind_policy, grace, policy};
use super::{Change, Row, StoreError, int, narrow, number, query, truth, value::wide};
use crate::domain::timeline::{Span, Timeline};

/// What is stored of a PGK besides its place in time.
pub struct Stored {
    /// Under the key file.
    pub sealed_key: Vec<u8>,
    /// What may be done with it.
    pub policy: Policy,
}

/// A generation of a group, with what is stored of it.
#[derive(Clone)]
pub struct Entry {
    /// Its place in time.
    pub span: Span,
    /// What may be done with it.
    pub policy: Policy,
    /// Under the key file; `None` once it is over.
    pub sealed_key: Option<Vec<u8>>,
}

/// A group without any generation has one row all the same, with nothing of one.
fn is_one(row: &Row) -> bool {
    matches!(row.try_get::<Option<i64>>("generation"), Ok(Some(_)))
}

fn entry(row: &Row) -> Result<Entry, StoreError> {
    let generation = Generation::new(number(row, "generation")?);
    let window = (number(row, "not_before")?, number(row, "not_after")?);
    let sealed_key: Option<Vec<u8>> = row.try_get("sealed_key")?;
    let policy = policy(row, window)?;
    let span = Span {
        generation: generation.map_err(|_| StoreError::Damaged("generation"))?,
        id: PgkId(narrow(row, "pgk_id")?),
        not_before: window.0,
        not_after: window.1,
        grace_s: grace(&policy),
        withdrawn: truth(row, "withdrawn")?,
        erased: sealed_key.is_none(),
    };
    Ok(Entry { span, policy, sealed_key })
}

/// A group's generations: all that are open at `since` or have a key still.
pub async fn timeline(
    change: &mut Change,
    group: GroupId,
    since: u64,
) -> Result<Timeline, StoreError> {
    let rows = query(
        "SELECT prose_group.next, prose_group.last, prose_group.last_pgk_id, generation.*
         FROM prose_group LEFT JOIN generation
             ON generation.prose_group = prose_group.prose_group
             AND (generation.sealed_key IS NOT NULL OR generation.not_after
                  + generation.receive_grace_s + generation.send_grace_s >= $2)
         WHERE prose_group.prose_group = $1 ORDER BY generation.generation",
    )
    .bind(wide(group.octets()))
    .bind(int(since)?)
    .fetch_all(change)
    .await?;
    let row = rows.first().ok_or(StoreError::Damaged("a group is missing"))?;
    let spans: Result<_, StoreError> =
        rows.iter().filter(|row| is_one(row)).map(|row| Ok(entry(row)?.span)).collect();
    Ok(Timeline {
        spans: spans?,
        next: number(row, "next")?,
        last: number(row, "last")?,
        last_id: PgkId(narrow(row, "last_pgk_id")?),
    })
}

/// The same with what is stored of each, ascending.
pub async fn entries(
    change: &mut Change,
    group: GroupId,
    since: u64,
) -> Result<Vec<Entry>, StoreError> {
    let rows = query(
        "SELECT * FROM generation WHERE prose_group = $1 AND (sealed_key IS NOT NULL OR
             not_after + receive_grace_s + send_grace_s >= $2) ORDER BY generation",
    )
    .bind(wide(group.octets()))
    .bind(int(since)?)
    .fetch_all(change)
    .await?;
    rows.iter().map(entry).collect()
}

/// All keys that there are still, with what they are of.
pub async fn sealed(
    change: &mut Change,
) -> Result<Vec<(GroupId, Generation, Vec<u8>)>, StoreError> {
    let rows = query(
        "SELECT prose_group, generation, sealed_key FROM generation WHERE sealed_key IS NOT NULL",
    )
    .fetch_all(change)
    .await?;
    let one = |row: &Row| {
        let group = GroupId::new(narrow(row, "prose_group")?);
        let generation = Generation::new(number(row, "generation")?);
        Ok((
            group.map_err(|_| StoreError::Damaged("prose_group"))?,
            generation.map_err(|_| StoreError::Damaged("generation"))?,
            row.try_get("sealed_key")?,
        ))
    };
    rows.iter().map(one).collect()
}

/// Writes down where a timeline stands, and the windows of what has changed in it.
pub async fn save(
    change: &mut Change,
    group: GroupId,
    before: &Timeline,
    timeline: &Timeline,
) -> Result<(), StoreError> {
    let id = wide(group.octets());
    query("UPDATE prose_group SET next = $1, last = $2, last_pgk_id = $3 WHERE prose_group = $4")
        .bind(int(timeline.next)?)
        .bind(int(timeline.last)?)
        .bind(i64::from(timeline.last_id.0))
        .bind(id)
        .execute(change)
        .await?;
    for span in timeline.spans.iter().filter(|span| !before.spans.contains(span)) {
        query(
            "UPDATE generation SET not_before = $1, not_after = $2, withdrawn = $3
             WHERE prose_group = $4 AND generation = $5",
        )
        .bind(int(span.not_before)?)
        .bind(int(span.not_after)?)
        .bind(i64::from(span.withdrawn))
        .bind(id)
        .bind(int(span.generation.get())?)
        .execute(change)
        .await?;
    }
    Ok(())
}

/// Writes down a new generation.
pub async fn insert(
    change: &mut Change,
    group: GroupId,
    span: &Span,
    stored: &Stored,
) -> Result<(), StoreError> {
    let query = query(
        "INSERT INTO generation (profile, suite, label, receive_grace_s, send_grace_s,
             max_unsynced_s, epoch_s, epoch_packets, accept_rollback,
             prose_group, generation, pgk_id, sealed_key, not_before, not_after, withdrawn)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    );
    bind_policy(query, &stored.policy)
        .bind(wide(group.octets()))
        .bind(int(span.generation.get())?)
        .bind(i64::from(span.id.0))
        .bind(stored.sealed_key.clone())
        .bind(int(span.not_before)?)
        .bind(int(span.not_after)?)
        .bind(i64::from(span.withdrawn))
        .execute(change)
        .await?;
    Ok(())
}

/// Erases the keys of generations that no package brings any more; whether there were any.
pub async fn erase_keys(
    change: &mut Change,
    group: GroupId,
    timeline: &Timeline,
    now: u64,
) -> Result<bool, StoreError> {
    let mut any = false;
    let over = |span: &&Span| !span.erased && !timeline.is_live(span, now);
    for span in timeline.spans.iter().filter(over) {
        query("UPDATE generation SET sealed_key = NULL WHERE prose_group = $1 AND generation = $2")
            .bind(wide(group.octets()))
            .bind(int(span.generation.get())?)
            .execute(change)
            .await?;
        any = true;
    }
    Ok(any)
}
