//! Operators and their sessions.

use super::{Change, Row, StoreError, int, query};

/// An operator's account.
pub struct Account {
    /// By which he signs in.
    pub name: String,
    /// `viewer` or `operator`.
    pub role: String,
    /// Argon2id, in its own form.
    pub password_hash: String,
}

fn account(row: &Row) -> Result<Account, StoreError> {
    Ok(Account {
        name: row.try_get("name")?,
        role: row.try_get("operator_role")?,
        password_hash: row.try_get("password_hash")?,
    })
}

/// All operators, by name.
pub async fn accounts(change: &mut Change) -> Result<Vec<Account>, StoreError> {
    let rows = query("SELECT * FROM operator ORDER BY name");
    rows.fetch_all(change).await?.iter().map(account).collect()
}

/// One operator.
pub async fn find_account(change: &mut Change, name: &str) -> Result<Option<Account>, StoreError> {
    let row = query("SELECT * FROM operator WHERE name = $1").bind(name.to_owned());
    row.fetch_optional(change).await?.as_ref().map(account).transpose()
}

/// Writes an operator down: a new one, or what has changed. His sessions end.
pub async fn save_account(
    change: &mut Change,
    account: &Account,
    now: u64,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO operator (name, operator_role, password_hash, made_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET operator_role = excluded.operator_role,
             password_hash = excluded.password_hash",
    )
    .bind(account.name.clone())
    .bind(account.role.clone())
    .bind(account.password_hash.clone())
    .bind(int(now)?)
    .execute(change)
    .await?;
    end_sessions(change, &account.name).await
}

/// Takes an operator's account away; whether there was one.
pub async fn delete_account(change: &mut Change, name: &str) -> Result<bool, StoreError> {
    end_sessions(change, name).await?;
    let query = query("DELETE FROM operator WHERE name = $1").bind(name.to_owned());
    Ok(query.execute(change).await? == 1)
}

async fn end_sessions(change: &mut Change, name: &str) -> Result<(), StoreError> {
    let query = query("DELETE FROM session WHERE operator = $1").bind(name.to_owned());
    query.execute(change).await?;
    Ok(())
}

/// Writes a session down.
pub async fn begin_session(
    change: &mut Change,
    token_digest: &[u8; 32],
    operator: &str,
    expires_at: u64,
) -> Result<(), StoreError> {
    query("INSERT INTO session (token_digest, operator, expires_at) VALUES ($1, $2, $3)")
        .bind(token_digest.to_vec())
        .bind(operator.to_owned())
        .bind(int(expires_at)?)
        .execute(change)
        .await?;
    Ok(())
}

/// Whose session a token is, if it is not over.
pub async fn session(
    change: &mut Change,
    token_digest: &[u8; 32],
    now: u64,
) -> Result<Option<Account>, StoreError> {
    let row = query(
        "SELECT operator.* FROM session JOIN operator ON operator.name = session.operator
         WHERE session.token_digest = $1 AND session.expires_at > $2",
    )
    .bind(token_digest.to_vec())
    .bind(int(now)?)
    .fetch_optional(change)
    .await?;
    row.as_ref().map(account).transpose()
}

/// Ends a session.
pub async fn end_session(change: &mut Change, token_digest: &[u8; 32]) -> Result<(), StoreError> {
    let query = query("DELETE FROM session WHERE token_digest = $1");
    query.bind(token_digest.to_vec()).execute(change).await?;
    Ok(())
}
