//! Brings a database to the present schema.

use sqlx::{AnyConnection, AssertSqlSafe, Connection, Row};

use super::{Backend, StoreError};

/// The steps, each with the schema's number after it. A step that was released
/// is never changed.
pub const ALL: &[(i64, &str)] = &[
    (1, include_str!("../../migrations/0001_start.sql")),
    (2, include_str!("../../migrations/0002_many.sql")),
    (3, include_str!("../../migrations/0003_server.sql")),
];

/// Runs those that are missing, all in one transaction.
///
/// Errors: [`StoreError::TooNew`] for a later program's database, which is left as
/// it is.
pub async fn run(
    connection: &mut AnyConnection,
    backend: Backend,
    steps: &'static [(i64, &'static str)],
) -> Result<(), StoreError> {
    let known = steps.last().map_or(0, |(step, _)| *step);
    // Who has the present schema waits for nobody that writes. An error has its say below.
    if step(connection).await.is_ok_and(|found| found == known) {
        return Ok(());
    }
    let mut change = connection.begin_with(backend.begin_change()).await?;
    if let Some(lock) = backend.lock_schema() {
        sqlx::query(lock).execute(&mut *change).await?;
    }
    sqlx::query("CREATE TABLE IF NOT EXISTS schema_step (step BIGINT NOT NULL PRIMARY KEY)")
        .execute(&mut *change)
        .await?;
    let found = step(&mut change).await?;
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    for (step, sql) in steps.iter().filter(|(step, _)| *step > found) {
        // The program's own text.
        sqlx::raw_sql(AssertSqlSafe(backend.schema(sql))).execute(&mut *change).await?;
        let insert = sqlx::query("INSERT INTO schema_step (step) VALUES ($1)").bind(*step);
        insert.execute(&mut *change).await?;
    }
    Ok(change.commit().await?)
}

/// The last step that was done.
async fn step(connection: &mut AnyConnection) -> Result<i64, sqlx::Error> {
    let row = sqlx::query("SELECT COALESCE(MAX(step), 0) AS step FROM schema_step");
    row.fetch_one(connection).await?.try_get("step")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn memory() -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect("sqlite::memory:").await.unwrap()
    }

    async fn tables(connection: &mut AnyConnection) -> i64 {
        let count =
            sqlx::query("SELECT COUNT(*) AS tables FROM sqlite_master WHERE type = 'table'");
        count.fetch_one(connection).await.unwrap().try_get("tables").unwrap()
    }

    fn run_to_end(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test);
    }

    #[test]
    fn a_second_run_changes_nothing() {
        run_to_end(async {
            let mut connection = memory().await;
            run(&mut connection, Backend::Sqlite, ALL).await.unwrap();
            let before = tables(&mut connection).await;
            run(&mut connection, Backend::Sqlite, ALL).await.unwrap();
            assert!(before > 5 && tables(&mut connection).await == before);
        });
    }

    #[test]
    fn a_step_that_fails_leaves_nothing_behind() {
        run_to_end(async {
            let mut connection = memory().await;
            let steps =
                &[(1, "CREATE TABLE a (b BIGINT)"), (2, "CREATE TABLE c (d BIGINT); nonsense")];
            assert!(run(&mut connection, Backend::Sqlite, steps).await.is_err());
            assert_eq!(tables(&mut connection).await, 0);
        });
    }

    #[test]
    fn a_later_step_is_added_to_what_is_there() {
        run_to_end(async {
            let mut connection = memory().await;
            run(&mut connection, Backend::Sqlite, &[(1, "CREATE TABLE a (b BIGINT)")])
                .await
                .unwrap();
            let steps = &[(1, "nonsense"), (2, "ALTER TABLE a ADD COLUMN c BIGINT")];
            run(&mut connection, Backend::Sqlite, steps).await.unwrap();
            sqlx::query("SELECT c FROM a").fetch_all(&mut connection).await.unwrap();
        });
    }

    #[test]
    fn a_later_programs_database_is_refused_and_left() {
        run_to_end(async {
            let mut connection = memory().await;
            run(&mut connection, Backend::Sqlite, &[(7, "CREATE TABLE a (b BIGINT)")])
                .await
                .unwrap();
            let refused = run(&mut connection, Backend::Sqlite, ALL).await.unwrap_err();
            assert!(matches!(refused, StoreError::TooNew { found: 7, known: 3 }), "{refused}");
            assert_eq!(tables(&mut connection).await, 2);
        });
    }
}
