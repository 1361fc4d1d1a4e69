//! The manager itself, its signers, and the audit.

use proseal_issuer::{ManagerId, VerifyKey};
use sqlx::AssertSqlSafe;

use super::value::rows;
use super::{Change, StoreError, array, int, narrow, number, query};

/// Who the manager is.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// Its id.
    pub manager: ManagerId,
    /// Its root key, the public half.
    pub root: VerifyKey,
    /// The time of the newest change.
    pub newest_change: u64,
    /// The version of the present signer; 0 is none yet.
    pub signer: u32,
}

/// Writes who the manager is, once.
pub async fn create(change: &mut Change, identity: &Identity) -> Result<(), StoreError> {
    query("INSERT INTO manager (id, manager, root_key, newest_change) VALUES (1, $1, $2, $3)")
        .bind(identity.manager.0.to_vec())
        .bind(identity.root.octets().to_vec())
        .bind(int(identity.newest_change)?)
        .execute(change)
        .await?;
    Ok(())
}

/// Whether there is a manager in this database.
pub async fn exists(change: &mut Change) -> Result<bool, StoreError> {
    let row = query("SELECT id FROM manager").fetch_optional(change).await?;
    Ok(row.is_some())
}

/// Who the manager is.
pub async fn identity(change: &mut Change) -> Result<Identity, StoreError> {
    let row = query(
        "SELECT manager, root_key, newest_change, (
             SELECT COALESCE(MAX(version), 0) FROM signer WHERE sealed_key IS NOT NULL
         ) AS signer FROM manager",
    )
    .fetch_one(change)
    .await?;
    let root = VerifyKey::from_octets(&array(&row, "root_key")?);
    Ok(Identity {
        manager: ManagerId(array(&row, "manager")?),
        root: root.map_err(|_| StoreError::Damaged("root_key"))?,
        newest_change: number(&row, "newest_change")?,
        signer: narrow(&row, "signer")?,
    })
}

/// Writes down when the newest change was made.
pub async fn set_newest_change(change: &mut Change, at: u64) -> Result<(), StoreError> {
    query("UPDATE manager SET newest_change = $1").bind(int(at)?).execute(change).await?;
    Ok(())
}

/// Members may need new packages.
pub async fn bump_revision(change: &mut Change) -> Result<(), StoreError> {
    query("UPDATE manager SET revision = revision + 1").execute(change).await?;
    Ok(())
}

/// What has grown whenever members may need new packages.
pub async fn revision(change: &mut Change) -> Result<u64, StoreError> {
    number(&query("SELECT revision FROM manager").fetch_one(change).await?, "revision")
}

/// What was changed, and by whom.
pub struct Note {
    /// The Unix user, or who asked over the network.
    pub who: String,
    /// What was changed.
    pub what: String,
}

/// Notes that one statement writes.
const NOTES: usize = 16;

/// Writes down what was changed at this time, in order.
pub async fn audit(change: &mut Change, at: u64, notes: &[Note]) -> Result<(), StoreError> {
    if notes.is_empty() {
        return Ok(());
    }
    let row = query("SELECT COALESCE(MAX(number), 0) AS newest FROM audit");
    let newest: i64 = row.fetch_one(change).await?.try_get("newest")?;
    let mut numbers = newest.saturating_add(1)..;
    for part in notes.chunks(NOTES) {
        let sql =
            format!("INSERT INTO audit (number, at, who, what) VALUES {}", rows(part.len(), 4));
        // Nothing but places.
        let mut query = query(AssertSqlSafe(sql));
        for (note, number) in part.iter().zip(&mut numbers) {
            query =
                query.bind(number).bind(int(at)?).bind(note.who.clone()).bind(note.what.clone());
        }
        query.execute(change).await?;
    }
    Ok(())
}

/// One line of the audit.
pub struct Entry {
    /// Counts the changes.
    pub number: u64,
    /// When.
    pub at: u64,
    /// The Unix user, or who asked over the network.
    pub who: String,
    /// What was changed.
    pub what: String,
}

/// So many changes before the one of this number, newest first.
pub async fn audited(
    change: &mut Change,
    before: Option<u64>,
    most: u32,
) -> Result<Vec<Entry>, StoreError> {
    let rows = query(
        "SELECT number, at, who, what FROM audit WHERE number < $1 ORDER BY number DESC LIMIT $2",
    )
    .bind(before.map_or(Ok(i64::MAX), int)?)
    .bind(i64::from(most))
    .fetch_all(change)
    .await?;
    let entry = |row| {
        Ok(Entry {
            number: number(row, "number")?,
            at: number(row, "at")?,
            who: row.try_get("who")?,
            what: row.try_get("what")?,
        })
    };
    rows.iter().map(entry).collect()
}

/// A signer, its key sealed.
pub struct Signer {
    /// Its version.
    pub version: u32,
    /// Its delegation.
    pub delegation: Vec<u8>,
    /// Its private key, under the key file.
    pub sealed_key: Vec<u8>,
}

/// Makes this the signer; the keys of those before are gone.
pub async fn set_signer(change: &mut Change, signer: &Signer) -> Result<(), StoreError> {
    query("UPDATE signer SET sealed_key = NULL").execute(change).await?;
    query("INSERT INTO signer (version, delegation, sealed_key) VALUES ($1, $2, $3)")
        .bind(i64::from(signer.version))
        .bind(signer.delegation.clone())
        .bind(signer.sealed_key.clone())
        .execute(change)
        .await?;
    Ok(())
}

/// The present signer.
pub async fn signer(change: &mut Change) -> Result<Signer, StoreError> {
    let row = query(
        "SELECT version, delegation, sealed_key FROM signer
         WHERE sealed_key IS NOT NULL ORDER BY version DESC LIMIT 1",
    )
    .fetch_one(change)
    .await?;
    Ok(Signer {
        version: narrow(&row, "version")?,
        delegation: row.try_get("delegation")?,
        sealed_key: row.try_get("sealed_key")?,
    })
}
