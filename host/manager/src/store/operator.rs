//! Operators and their sessions.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Change, StoreError, int};

/// An operator's account.
pub struct Account {
    /// By which he signs in.
    pub name: String,
    /// `viewer` or `operator`.
    pub role: String,
    /// Argon2id, in its own form.
    pub password_hash: String,
}

fn account(row: &AnyRow) -> Result<Account, StoreError> {
    Ok(Account {
        name: row.try_get("name")?,
        role: row.try_get("operator_role")?,
        password_hash: row.try_get("password_hash")?,
    })
}

/// All operators, by name.
pub async fn accounts(change: &mut Change<'_>) -> Result<Vec<Account>, StoreError> {
    let rows = sqlx::query("SELECT * FROM operator ORDER BY name");
    rows.fetch_all(&mut **change).await?.iter().map(account).collect()
}

/// One operator.
pub async fn find_account(
    change: &mut Change<'_>,
    name: &str,
) -> Result<Option<Account>, StoreError> {
    let row = sqlx::query("SELECT * FROM operator WHERE name = $1").bind(name.to_owned());
    row.fetch_optional(&mut **change).await?.as_ref().map(account).transpose()
}

/// Writes an operator down: a new one, or what has changed. His sessions end.
pub async fn save_account(
    change: &mut Change<'_>,
    account: &Account,
    now: u64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO operator (name, operator_role, password_hash, made_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET operator_role = excluded.operator_role,
             password_hash = excluded.password_hash",
    )
    .bind(account.name.clone())
    .bind(account.role.clone())
    .bind(account.password_hash.clone())
    .bind(int(now)?)
    .execute(&mut **change)
    .await?;
    end_sessions(change, &account.name).await
}

/// Takes an operator's account away; whether there was one.
pub async fn delete_account(change: &mut Change<'_>, name: &str) -> Result<bool, StoreError> {
    end_sessions(change, name).await?;
    let query = sqlx::query("DELETE FROM operator WHERE name = $1").bind(name.to_owned());
    Ok(query.execute(&mut **change).await?.rows_affected() == 1)
}

async fn end_sessions(change: &mut Change<'_>, name: &str) -> Result<(), StoreError> {
    let query = sqlx::query("DELETE FROM session WHERE operator = $1").bind(name.to_owned());
    query.execute(&mut **change).await?;
    Ok(())
}

/// Writes a session down.
pub async fn begin_session(
    change: &mut Change<'_>,
    token_digest: &[u8; 32],
    operator: &str,
    expires_at: u64,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO session (token_digest, operator, expires_at) VALUES ($1, $2, $3)")
        .bind(token_digest.to_vec())
        .bind(operator.to_owned())
        .bind(int(expires_at)?)
        .execute(&mut **change)
        .await?;
    Ok(())
}

/// Whose session a token is, if it is not over.
pub async fn session(
    change: &mut Change<'_>,
    token_digest: &[u8; 32],
    now: u64,
) -> Result<Option<Account>, StoreError> {
    let row = sqlx::query(
        "SELECT operator.* FROM session JOIN operator ON operator.name = session.operator
         WHERE session.token_digest = $1 AND session.expires_at > $2",
    )
    .bind(token_digest.to_vec())
    .bind(int(now)?)
    .fetch_optional(&mut **change)
    .await?;
    row.as_ref().map(account).transpose()
}

/// Ends a session.
pub async fn end_session(
    change: &mut Change<'_>,
    token_digest: &[u8; 32],
) -> Result<(), StoreError> {
    let query = sqlx::query("DELETE FROM session WHERE token_digest = $1");
    query.bind(token_digest.to_vec()).execute(&mut **change).await?;
    Ok(())
}
