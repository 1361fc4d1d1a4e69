//! Packages that were made.

use std::collections::HashMap;

use proseal_proto::id::DeviceId;
use sqlx::{AssertSqlSafe, Row};

use super::value::{PART, places};
use super::{Change, StoreError, array, int, narrow, number};

/// A package that was made for a device.
pub struct Made {
    /// Its sequence.
    pub sequence: u64,
    /// The version of who signed it.
    pub version: u32,
    /// Digest of what it was to say.
    pub wanted: [u8; 32],
    /// Its digest, as the device's statement tells it.
    pub digest: [u8; 32],
    /// The package.
    pub octets: Vec<u8>,
    /// When it was made.
    pub made_at: u64,
}

/// The newest package of a device.
pub async fn newest(change: &mut Change<'_>, device: DeviceId) -> Result<Option<Made>, StoreError> {
    let row = sqlx::query("SELECT * FROM package WHERE device = $1 ORDER BY sequence DESC LIMIT 1")
        .bind(device.0.to_vec())
        .fetch_optional(&mut **change)
        .await?;
    let made = |row| {
        Ok(Made {
            sequence: number(&row, "sequence")?,
            version: narrow(&row, "version")?,
            wanted: array(&row, "wanted")?,
            digest: array(&row, "digest")?,
            octets: row.try_get("octets")?,
            made_at: number(&row, "made_at")?,
        })
    };
    row.map(made).transpose()
}

/// What tells how a device stands to its newest package.
pub struct Mark {
    /// Digest of what it was to say.
    pub wanted: [u8; 32],
    /// Its digest, as the device's statement tells it.
    pub digest: [u8; 32],
    /// When it was made.
    pub made_at: u64,
}

/// The same of many devices' newest packages; those that have none are left out.
pub async fn newest_of(
    change: &mut Change<'_>,
    devices: &[DeviceId],
) -> Result<HashMap<DeviceId, Mark>, StoreError> {
    let mut marks = HashMap::new();
    for part in devices.chunks(PART) {
        // Nothing but places.
        let sql = format!(
            "SELECT device, wanted, digest, made_at FROM package WHERE device IN ({})
             AND sequence = (SELECT MAX(newest.sequence) FROM package newest
                             WHERE newest.device = package.device)",
            places(part.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for device in part {
            query = query.bind(device.0.to_vec());
        }
        for row in query.fetch_all(&mut **change).await? {
            let mark = Mark {
                wanted: array(&row, "wanted")?,
                digest: array(&row, "digest")?,
                made_at: number(&row, "made_at")?,
            };
            marks.insert(DeviceId(array(&row, "device")?), mark);
        }
    }
    Ok(marks)
}

/// Whether a device's package of this sequence and digest was made here.
pub async fn is_made(
    change: &mut Change<'_>,
    device: DeviceId,
    sequence: u64,
    digest: &[u8; 32],
) -> Result<bool, StoreError> {
    let row = sqlx::query(
        "SELECT sequence FROM package WHERE device = $1 AND sequence = $2 AND digest = $3",
    )
    .bind(device.0.to_vec())
    .bind(int(sequence)?)
    .bind(digest.to_vec())
    .fetch_optional(&mut **change)
    .await?;
    Ok(row.is_some())
}

/// Writes down a package and that its sequence is given.
pub async fn insert(
    change: &mut Change<'_>,
    device: DeviceId,
    made: &Made,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO package (device, sequence, version, wanted, digest, octets, made_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(device.0.to_vec())
    .bind(int(made.sequence)?)
    .bind(i64::from(made.version))
    .bind(made.wanted.to_vec())
    .bind(made.digest.to_vec())
    .bind(made.octets.clone())
    .bind(int(made.made_at)?)
    .execute(&mut **change)
    .await?;
    sqlx::query("UPDATE device SET sequence_given = $1 WHERE device = $2")
        .bind(int(made.sequence)?)
        .bind(device.0.to_vec())
        .execute(&mut **change)
        .await?;
    Ok(())
}
