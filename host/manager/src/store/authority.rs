//! What servers authenticate with: the certificate authority, and the nonces that were used.

use super::{Change, Row, StoreError, int, number, query};

/// The certificate authority of the servers.
pub struct Authority {
    /// X.509, DER.
    pub certificate: Vec<u8>,
    /// PKCS #8, under the key file.
    pub sealed_key: Vec<u8>,
    /// When the certificate ends.
    pub expires_at: u64,
}

/// The authority, if there is one yet.
pub async fn authority(change: &mut Change) -> Result<Option<Authority>, StoreError> {
    let row = query("SELECT * FROM authority WHERE number = 1");
    let authority = |row: Row| {
        Ok(Authority {
            certificate: row.try_get("certificate")?,
            sealed_key: row.try_get("sealed_key")?,
            expires_at: number(&row, "expires_at")?,
        })
    };
    row.fetch_optional(change).await?.map(authority).transpose()
}

/// Writes the authority down: a new one, or its new certificate.
pub async fn set_authority(change: &mut Change, authority: &Authority) -> Result<(), StoreError> {
    query(
        "INSERT INTO authority (number, certificate, sealed_key, expires_at)
         VALUES (1, $1, $2, $3)
         ON CONFLICT (number) DO UPDATE SET certificate = excluded.certificate,
             expires_at = excluded.expires_at",
    )
    .bind(authority.certificate.clone())
    .bind(authority.sealed_key.clone())
    .bind(int(authority.expires_at)?)
    .execute(change)
    .await?;
    Ok(())
}

/// Uses a nonce of this manager, which begins with when it ends; `false` if it was used before.
pub async fn use_nonce(change: &mut Change, nonce: &[u8; 32]) -> Result<bool, StoreError> {
    let insert = query("INSERT INTO used_nonce (nonce) VALUES ($1) ON CONFLICT (nonce) DO NOTHING");
    Ok(insert.bind(nonce.to_vec()).execute(change).await? == 1)
}

/// Forgets what is over: nonces, sessions, and tokens that nobody used in time.
pub async fn sweep(change: &mut Change, now: u64) -> Result<(), StoreError> {
    let nonces = query("DELETE FROM used_nonce WHERE nonce < $1");
    nonces.bind(now.to_be_bytes().to_vec()).execute(change).await?;
    for sql in [
        "DELETE FROM session WHERE expires_at < $1",
        "DELETE FROM invitation WHERE expires_at < $1 AND used_by IS NULL",
    ] {
        query(sql).bind(int(now)?).execute(change).await?;
    }
    Ok(())
}

/// The nonce key, under the key file.
pub async fn nonce_key(change: &mut Change) -> Result<Option<Vec<u8>>, StoreError> {
    let row = query("SELECT nonce_key FROM manager").fetch_one(change).await?;
    row.try_get("nonce_key")
}

/// Writes the nonce key down.
pub async fn set_nonce_key(change: &mut Change, sealed: &[u8]) -> Result<(), StoreError> {
    let query = query("UPDATE manager SET nonce_key = $1").bind(sealed.to_vec());
    query.execute(change).await?;
    Ok(())
}
