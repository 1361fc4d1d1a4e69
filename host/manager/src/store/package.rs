//! Packages that were made.

use proseal_proto::id::DeviceId;

use super::{Change, StoreError, array, int, narrow, number, query};

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

/// A package of a device that was made.
pub async fn made(
    change: &mut Change,
    device: DeviceId,
    sequence: u64,
) -> Result<Made, StoreError> {
    let row = query("SELECT * FROM package WHERE device = $1 AND sequence = $2")
        .bind(device.0.to_vec())
        .bind(int(sequence)?)
        .fetch_one(change)
        .await?;
    Ok(Made {
        sequence,
        version: narrow(&row, "version")?,
        wanted: array(&row, "wanted")?,
        digest: array(&row, "digest")?,
        octets: row.try_get("octets")?,
        made_at: number(&row, "made_at")?,
    })
}

/// Whether a device's package of this sequence and digest was made here.
pub async fn is_made(
    change: &mut Change,
    device: DeviceId,
    sequence: u64,
    digest: &[u8; 32],
) -> Result<bool, StoreError> {
    let row =
        query("SELECT sequence FROM package WHERE device = $1 AND sequence = $2 AND digest = $3")
            .bind(device.0.to_vec())
            .bind(int(sequence)?)
            .bind(digest.to_vec())
            .fetch_optional(change)
            .await?;
    Ok(row.is_some())
}

/// Writes down a package and that its sequence is given.
pub async fn insert(change: &mut Change, device: DeviceId, made: &Made) -> Result<(), StoreError> {
    query(
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
    .execute(change)
    .await?;
    query("UPDATE device SET sequence_given = $1 WHERE device = $2")
        .bind(int(made.sequence)?)
        .bind(device.0.to_vec())
        .execute(change)
        .await?;
    Ok(())
}
