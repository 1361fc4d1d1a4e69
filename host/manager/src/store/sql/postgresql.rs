//! PostgreSQL, over its connections.

use std::sync::Arc;

use sqlx::postgres::{PgArguments, PgPoolOptions, PgRow};
use sqlx::{Column as _, PgPool, PgTransaction, Postgres, Row as _, SqlStr, TypeInfo};

use super::{Row, Value};
use crate::store::StoreError;

pub(super) async fn open(
    url: &str,
    settings: &'static str,
    connections: u32,
) -> Result<PgPool, sqlx::Error> {
    let options = PgPoolOptions::new().max_connections(connections);
    let options = options.after_connect(move |connection, _| {
        Box::pin(async move {
            sqlx::raw_sql(settings).execute(&mut *connection).await?;
            Ok(())
        })
    });
    options.connect(url).await
}

type Bound = sqlx::query::Query<'static, Postgres, PgArguments>;

fn bound(sql: SqlStr, values: Vec<Value>) -> Bound {
    values.into_iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Int(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
        Value::Octets(octets) => query.bind(octets),
    })
}

/// One statement; how many rows it has changed.
pub(super) async fn execute(
    at: &mut PgTransaction<'static>,
    sql: SqlStr,
    values: Vec<Value>,
) -> Result<u64, sqlx::Error> {
    Ok(bound(sql, values).execute(&mut **at).await?.rows_affected())
}

/// One statement's answer.
pub(super) async fn fetch(
    at: &mut PgTransaction<'static>,
    sql: SqlStr,
    values: Vec<Value>,
) -> Result<Vec<Row>, StoreError> {
    let rows = bound(sql, values).fetch_all(&mut **at).await?;
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let columns: Arc<[_]> = first.columns().iter().map(|column| column.name().to_owned()).collect();
    let row = |row: &PgRow| {
        let values = (0..columns.len()).map(|at| value(row, at));
        Ok(Row::new(Arc::clone(&columns), values.collect::<Result<_, StoreError>>()?))
    };
    rows.iter().map(row).collect()
}

fn value(row: &PgRow, at: usize) -> Result<Value, StoreError> {
    Ok(match row.column(at).type_info().name() {
        "INT8" => Value::Int(row.try_get(at)?),
        "TEXT" => Value::Text(row.try_get(at)?),
        "BYTEA" => Value::Octets(row.try_get(at)?),
        _ => return Err(StoreError::Damaged("a column of another type")),
    })
}
