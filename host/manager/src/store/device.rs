//! Devices.

use std::collections::HashMap;

use proseal_issuer::Statement;
use proseal_proto::id::DeviceId;
use sqlx::AssertSqlSafe;

use super::value::{PART, places};
use super::{Change, Row, StoreError, array, int, narrow, number, query, truth};
use crate::domain::device::Standing;

/// A device as the manager knows it.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its id, which is its fingerprint.
    pub id: DeviceId,
    /// What the operator calls it.
    pub name: Option<String>,
    /// Whose token it enrolled with.
    pub subscriber: Option<String>,
    /// What the operator has decided.
    pub standing: Standing,
    /// Its last imported statement.
    pub statement: Statement,
    /// The octets of that.
    pub octets: Vec<u8>,
    /// When that came.
    pub stated_at: u64,
    /// The highest sequence that a statement has said.
    pub sequence_seen: u64,
    /// The last sequence that was allocated.
    pub sequence_given: u64,
    /// A statement had an older sequence, and nobody has accepted that.
    pub rolled_back: bool,
    /// When the nonce ends that its newest statement was over; 0 if that was nobody's.
    pub nonce_until: u64,
    /// Its newest package, if there was one when this was read.
    pub newest: Option<Mark>,
}

/// What tells how a device stands to a package.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    /// Its sequence.
    pub sequence: u64,
    /// The version of who signed it.
    pub version: u32,
    /// Digest of what it was to say.
    pub wanted: [u8; 32],
    /// Its digest, as the device's statement tells it.
    pub digest: [u8; 32],
    /// When it was made.
    pub made_at: u64,
}

impl Device {
    /// Its name, or its id.
    #[must_use]
    pub fn called(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.id.to_string())
    }

    /// Whether it says that it belongs to the manager of this root key's digest.
    #[must_use]
    pub fn is_ours(&self, root: &[u8; 32]) -> bool {
        self.statement.root_digest == *root
    }

    /// Whether it says that it belongs to another one.
    #[must_use]
    pub fn is_foreign(&self, root: &[u8; 32]) -> bool {
        self.statement.root_digest != [0; 32] && !self.is_ours(root)
    }
}

fn device(row: &Row) -> Result<Device, StoreError> {
    let octets: Vec<u8> = row.try_get("statement")?;
    let statement = Statement::recorded(&octets).map_err(|_| StoreError::Damaged("statement"))?;
    let standing: String = row.try_get("standing")?;
    let id = DeviceId(array(row, "device")?);
    if statement.device.id() != id {
        return Err(StoreError::Damaged("a statement is another device's"));
    }
    Ok(Device {
        id,
        name: row.try_get("name")?,
        subscriber: row.try_get("subscriber")?,
        standing: Standing::named(&standing).ok_or(StoreError::Damaged("standing"))?,
        statement,
        octets,
        stated_at: number(row, "stated_at")?,
        sequence_seen: number(row, "sequence_seen")?,
        sequence_given: number(row, "sequence_given")?,
        rolled_back: truth(row, "rolled_back")?,
        nonce_until: match row.try_get::<Option<i64>>("nonce_until")? {
            Some(_) => number(row, "nonce_until")?,
            None => 0,
        },
        newest: match row.try_get::<Option<i64>>("made_sequence")? {
            Some(_) => Some(mark(row)?),
            None => None,
        },
    })
}

fn mark(row: &Row) -> Result<Mark, StoreError> {
    Ok(Mark {
        sequence: number(row, "made_sequence")?,
        version: narrow(row, "made_version")?,
        wanted: array(row, "made_wanted")?,
        digest: array(row, "made_digest")?,
        made_at: number(row, "made_at")?,
    })
}

/// A question for devices, each with what tells of its newest package.
macro_rules! devices {
    ($which:literal) => {
        concat!(
            "SELECT device.*, newest.sequence AS made_sequence, newest.version AS made_version,
                 newest.wanted AS made_wanted, newest.digest AS made_digest, newest.made_at
             FROM device LEFT JOIN package newest ON newest.device = device.device
                 AND newest.sequence = (SELECT MAX(package.sequence) FROM package
                                        WHERE package.device = device.device) ",
            $which
        )
    };
}

/// One device.
pub async fn find(change: &mut Change, id: DeviceId) -> Result<Option<Device>, StoreError> {
    let row = query(devices!("WHERE device.device = $1")).bind(id.0.to_vec());
    row.fetch_optional(change).await?.as_ref().map(device).transpose()
}

/// Many devices; those that are not there are left out.
pub async fn some(
    change: &mut Change,
    ids: &[DeviceId],
) -> Result<HashMap<DeviceId, Device>, StoreError> {
    let mut devices = HashMap::new();
    for part in ids.chunks(PART) {
        // Nothing but places.
        let sql = format!(devices!("WHERE device.device IN ({})"), places(part.len()));
        let mut query = query(AssertSqlSafe(sql));
        for id in part {
            query = query.bind(id.0.to_vec());
        }
        for row in query.fetch_all(change).await? {
            let one = device(&row)?;
            devices.insert(one.id, one);
        }
    }
    Ok(devices)
}

/// So many devices by id, above `after`.
pub async fn page(
    change: &mut Change,
    after: Option<DeviceId>,
    most: u32,
) -> Result<Vec<Device>, StoreError> {
    let rows = query(devices!("WHERE device.device > $1 ORDER BY device.device LIMIT $2"))
        .bind(after.map_or_else(Vec::new, |after| after.0.to_vec()))
        .bind(i64::from(most))
        .fetch_all(change)
        .await?;
    rows.iter().map(device).collect()
}

/// One device by its name, in whatever case.
pub async fn named(change: &mut Change, name: &str) -> Result<Option<Device>, StoreError> {
    let row = query(devices!("WHERE LOWER(device.name) = $1"));
    let row = row.bind(name.to_ascii_lowercase()).fetch_optional(change).await?;
    row.as_ref().map(device).transpose()
}

/// The devices of a subscriber, by id.
pub async fn of_subscriber(
    change: &mut Change,
    subscriber: &str,
) -> Result<Vec<Device>, StoreError> {
    let rows = query(devices!("WHERE device.subscriber = $1 ORDER BY device.device"));
    let rows = rows.bind(subscriber.to_owned()).fetch_all(change).await?;
    rows.iter().map(device).collect()
}

/// So many devices about which something is wrong, above `after`: rolled back, another
/// manager's, or with a floor above `latest`; those that are lost are not asked for.
pub async fn alarmed(
    change: &mut Change,
    latest: u64,
    after: Option<DeviceId>,
    most: u32,
) -> Result<Vec<Device>, StoreError> {
    let rows = query(devices!(
        "WHERE device.device > $1 AND device.standing <> 'lost' AND device.device IN (
             SELECT device FROM device WHERE rolled_back <> 0 OR is_foreign <> 0
             UNION SELECT device FROM device WHERE floor > $2)
         ORDER BY device.device LIMIT $3"
    ))
    .bind(after.map_or_else(Vec::new, |after| after.0.to_vec()))
    .bind(int(latest)?)
    .bind(i64::from(most))
    .fetch_all(change)
    .await?;
    rows.iter().map(device).collect()
}

/// How many devices there are of each standing.
pub async fn counts(change: &mut Change) -> Result<Vec<(Standing, u64)>, StoreError> {
    let rows = query("SELECT standing, COUNT(*) AS devices FROM device GROUP BY standing");
    let count = |row: &Row| {
        let standing: String = row.try_get("standing")?;
        let standing = Standing::named(&standing).ok_or(StoreError::Damaged("standing"))?;
        Ok((standing, number(row, "devices")?))
    };
    rows.fetch_all(change).await?.iter().map(count).collect()
}

/// Writes down what a statement changes of a device, and not what stands in further indexes.
/// `root` is the digest of this manager's root key.
pub async fn restate(
    change: &mut Change,
    device: &Device,
    root: &[u8; 32],
) -> Result<(), StoreError> {
    query(
        "UPDATE device SET statement = $1, stated_at = $2, sequence_seen = $3,
             sequence_given = $4, rolled_back = $5, is_foreign = $6, floor = $7, nonce_until = $8
         WHERE device = $9",
    )
    .bind(device.octets.clone())
    .bind(int(device.stated_at)?)
    .bind(int(device.sequence_seen)?)
    .bind(int(device.sequence_given)?)
    .bind(i64::from(device.rolled_back))
    .bind(i64::from(device.is_foreign(root)))
    .bind(floor(device))
    .bind(int(device.nonce_until)?)
    .bind(device.id.0.to_vec())
    .execute(change)
    .await?;
    Ok(())
}

/// What is beyond all clocks is as far as SQL counts.
fn floor(device: &Device) -> i64 {
    i64::try_from(device.statement.floor).unwrap_or(i64::MAX)
}

/// Writes a device down: a new one, or what has changed. `root` is the digest of this
/// manager's root key.
pub async fn save(change: &mut Change, device: &Device, root: &[u8; 32]) -> Result<(), StoreError> {
    query(
        "INSERT INTO device (device, name, subscriber, standing, statement, stated_at,
             sequence_seen, sequence_given, rolled_back, is_foreign, floor, nonce_until)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (device) DO UPDATE SET name = excluded.name,
             subscriber = excluded.subscriber, standing = excluded.standing,
             statement = excluded.statement, stated_at = excluded.stated_at,
             sequence_seen = excluded.sequence_seen, sequence_given = excluded.sequence_given,
             rolled_back = excluded.rolled_back, is_foreign = excluded.is_foreign,
             floor = excluded.floor, nonce_until = excluded.nonce_until",
    )
    .bind(device.id.0.to_vec())
    .bind(device.name.clone())
    .bind(device.subscriber.clone())
    .bind(device.standing.name().to_owned())
    .bind(device.octets.clone())
    .bind(int(device.stated_at)?)
    .bind(int(device.sequence_seen)?)
    .bind(int(device.sequence_given)?)
    .bind(i64::from(device.rolled_back))
    .bind(i64::from(device.is_foreign(root)))
    .bind(floor(device))
    .bind(int(device.nonce_until)?)
    .execute(change)
    .await?;
    Ok(())
}
