//! Brings a database to the present schema.

use sqlx::AssertSqlSafe;

use super::{Change, Store, StoreError, query};

/// The steps, each with the schema's number after it. A step that was released
/// is never changed.
pub const ALL: &[(i64, &str)] = &[
    (1, include_str!("../../migrations/0001_start.sql")),
    (2, include_str!("../../migrations/0002_many.sql")),
    (3, include_str!("../../migrations/0003_server.sql")),
    (4, include_str!("../../migrations/0004_narrow.sql")),
];

/// Runs those that are missing, all in one transaction.
///
/// Errors: [`StoreError::TooNew`] for a later program's database, which is left as
/// it is.
pub async fn run(store: &Store, steps: &'static [(i64, &'static str)]) -> Result<(), StoreError> {
    let known = steps.last().map_or(0, |(step, _)| *step);
    // Who has the present schema waits for nobody that writes. An error has its say below.
    let mut look = store.reading().await?;
    let is_present = step(&mut look).await.is_ok_and(|found| found == known);
    look.rollback().await?;
    if is_present {
        return Ok(());
    }
    let mut change = store.database.begin(store.backend.begin_change()).await?;
    if let Some(lock) = store.backend.lock_schema() {
        query(lock).execute(&mut change).await?;
    }
    query("CREATE TABLE IF NOT EXISTS schema_step (step BIGINT NOT NULL PRIMARY KEY)")
        .execute(&mut change)
        .await?;
    let found = step(&mut change).await?;
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    for (step, sql) in steps.iter().filter(|(step, _)| *step > found) {
        // The program's own text.
        change.script(AssertSqlSafe(store.backend.schema(sql))).await?;
        let insert = query("INSERT INTO schema_step (step) VALUES ($1)").bind(*step);
        insert.execute(&mut change).await?;
    }
    change.commit().await
}

/// The last step that was done.
async fn step(change: &mut Change) -> Result<i64, StoreError> {
    let row = query("SELECT COALESCE(MAX(step), 0) AS step FROM schema_step");
    row.fetch_one(change).await?.try_get("step")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Database, Place};

    /// Empty; gone with its one connection.
    async fn memory() -> Store {
        let place = Place::File(":memory:".into());
        let database = Database::open(&place, 1).await.unwrap();
        Store { database, backend: place.backend() }
    }

    async fn tables(store: &Store) -> i64 {
        let count = query("SELECT COUNT(*) AS tables FROM sqlite_master WHERE type = 'table'");
        let mut look = store.reading().await.unwrap();
        count.fetch_one(&mut look).await.unwrap().try_get("tables").unwrap()
    }

    fn run_to_end(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test);
    }

    #[test]
    fn a_second_run_changes_nothing() {
        run_to_end(async {
            let store = memory().await;
            run(&store, ALL).await.unwrap();
            let before = tables(&store).await;
            run(&store, ALL).await.unwrap();
            assert!(before > 5 && tables(&store).await == before);
        });
    }

    #[test]
    fn a_step_that_fails_leaves_nothing_behind() {
        run_to_end(async {
            let store = memory().await;
            let steps =
                &[(1, "CREATE TABLE a (b BIGINT)"), (2, "CREATE TABLE c (d BIGINT); nonsense")];
            assert!(run(&store, steps).await.is_err());
            assert_eq!(tables(&store).await, 0);
        });
    }

    #[test]
    fn a_later_step_is_added_to_what_is_there() {
        run_to_end(async {
            let store = memory().await;
            run(&store, &[(1, "CREATE TABLE a (b BIGINT)")]).await.unwrap();
            let steps = &[(1, "nonsense"), (2, "ALTER TABLE a ADD COLUMN c BIGINT")];
            run(&store, steps).await.unwrap();
            let mut look = store.reading().await.unwrap();
            query("SELECT c FROM a").fetch_all(&mut look).await.unwrap();
        });
    }

    #[test]
    fn what_was_given_and_used_stays_when_tables_are_made_anew() {
        const HELD: &str = "
            INSERT INTO device (device, standing, statement, stated_at, sequence_seen,
                sequence_given, rolled_back) VALUES (x'0d', 'approved', x'', 1, 2, 3, 0);
            INSERT INTO prose_group (prose_group, profile, suite, label, lifetime_s, overlap_s,
                receive_grace_s, send_grace_s, max_unsynced_s, epoch_s, epoch_packets,
                accept_rollback, ahead, next, last, last_pgk_id, joins_from)
                VALUES (7, 1, 1, '', 1, 1, 1, 1, 0, 1, 1, 0, 0, 1, 5, 1, 1);
            INSERT INTO generation (prose_group, generation, pgk_id, profile, suite, label,
                not_before, not_after, withdrawn, receive_grace_s, send_grace_s,
                max_unsynced_s, epoch_s, epoch_packets, accept_rollback)
                VALUES (7, 5, 1, 1, 1, '', 1, 9, 0, 1, 1, 0, 1, 1, 0);
            INSERT INTO member (prose_group, device, member, may_send, joins_from)
                VALUES (7, x'0d', 11, 1, 4);
            INSERT INTO given (prose_group, generation, device, member)
                VALUES (7, 5, x'0d', 11);
            INSERT INTO used_nonce (nonce, expires_at) VALUES (x'0e', 300);";
        run_to_end(async {
            let store = memory().await;
            run(&store, ALL.split_at(3).0).await.unwrap();
            let mut change = store.database.begin("BEGIN").await.unwrap();
            change.script(HELD).await.unwrap();
            change.commit().await.unwrap();
            run(&store, ALL).await.unwrap();
            let mut look = store.reading().await.unwrap();
            let member = query("SELECT * FROM member").fetch_one(&mut look).await.unwrap();
            let given = query("SELECT * FROM given").fetch_one(&mut look).await.unwrap();
            let nonce = query("SELECT * FROM used_nonce").fetch_one(&mut look).await.unwrap();
            assert_eq!(nonce.try_get::<Vec<u8>>("nonce").unwrap(), [0x0e]);
            let number = |row: &crate::store::Row, column| row.try_get::<i64>(column).unwrap();
            for row in [&member, &given] {
                assert_eq!((number(row, "prose_group"), number(row, "member")), (7, 11));
                assert_eq!(row.try_get::<Vec<u8>>("device").unwrap(), [0x0d]);
            }
            assert_eq!((number(&member, "may_send"), number(&member, "joins_from")), (1, 4));
            assert_eq!(number(&given, "generation"), 5);
        });
    }

    #[test]
    fn a_later_programs_database_is_refused_and_left() {
        run_to_end(async {
            let store = memory().await;
            run(&store, &[(7, "CREATE TABLE a (b BIGINT)")]).await.unwrap();
            let refused = run(&store, ALL).await.unwrap_err();
            assert!(matches!(refused, StoreError::TooNew { found: 7, known: 4 }), "{refused}");
            assert_eq!(tables(&store).await, 2);
        });
    }
}
