//! What the manager's database says, read beside the manager.

use std::collections::BTreeMap;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection, Row};
use tokio::runtime::Runtime;

use crate::failure::Failure;
use crate::manager::Manager;

/// A way to it.
pub(super) struct Reader {
    runtime: Runtime,
    url: String,
}

/// All that is compared, at one moment.
#[derive(Default)]
pub(super) struct Record {
    /// By device id.
    pub(super) devices: BTreeMap<String, Device>,
    /// Member ids, by group and device.
    pub(super) members: BTreeMap<(String, String), Member>,
    /// Group and device.
    pub(super) barred: Vec<(String, String)>,
    /// `next` and `last`, by group.
    pub(super) groups: BTreeMap<String, (u64, u64)>,
    /// By group and generation.
    pub(super) generations: BTreeMap<(String, u64), Generation>,
    /// Octets, by device and sequence.
    pub(super) packages: BTreeMap<(String, u64), Vec<u8>>,
    /// Who had each generation of a group, by that and the device: as whom.
    pub(super) given: BTreeMap<(String, u64, String), u64>,
    pub(super) audit: Vec<String>,
}

pub(super) struct Device {
    pub(super) standing: String,
    pub(super) subscriber: Option<String>,
    pub(super) statement: Vec<u8>,
    pub(super) sequence_given: u64,
}

pub(super) struct Member {
    pub(super) id: String,
    pub(super) joins_from: u64,
}

pub(super) struct Generation {
    pub(super) sealed_key: Option<Vec<u8>>,
    pub(super) is_withdrawn: bool,
    pub(super) closes: u64,
}

impl Reader {
    pub(super) fn new(manager: &Manager) -> Result<Self, Failure> {
        sqlx::any::install_default_drivers();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, url: manager.database_url() })
    }

    pub(super) fn read(&self) -> Result<Record, Failure> {
        let record = self.runtime.block_on(read(&self.url));
        record.map_err(|error| Failure::Wrong(format!("the database: {error}")))
    }
}

async fn read(url: &str) -> Result<Record, sqlx::Error> {
    let mut record = Record::default();
    let mut connection = AnyConnection::connect(url).await?;
    let mut at = connection.begin().await?;
    for row in sqlx::query("SELECT * FROM device").fetch_all(&mut *at).await? {
        let device = Device {
            standing: row.try_get("standing")?,
            subscriber: row.try_get("subscriber")?,
            statement: row.try_get("statement")?,
            sequence_given: number(&row, "sequence_given")?,
        };
        record.devices.insert(device_id(&row)?, device);
    }
    for row in sqlx::query("SELECT * FROM member").fetch_all(&mut *at).await? {
        let id = format!("{:06x}", number(&row, "member")?);
        let member = Member { id, joins_from: number(&row, "joins_from")? };
        record.members.insert((group_id(&row)?, device_id(&row)?), member);
    }
    for row in sqlx::query("SELECT * FROM barred").fetch_all(&mut *at).await? {
        record.barred.push((group_id(&row)?, device_id(&row)?));
    }
    for row in
        sqlx::query("SELECT prose_group, next, last FROM prose_group").fetch_all(&mut *at).await?
    {
        record.groups.insert(group_id(&row)?, (number(&row, "next")?, number(&row, "last")?));
    }
    for row in sqlx::query("SELECT * FROM generation").fetch_all(&mut *at).await? {
        let closes = ["not_after", "receive_grace_s"].map(|column| number(&row, column));
        let [not_after, grace] = closes;
        let generation = Generation {
            sealed_key: row.try_get("sealed_key")?,
            is_withdrawn: number(&row, "withdrawn")? != 0,
            closes: not_after? + grace?.max(number(&row, "send_grace_s")?),
        };
        record.generations.insert((group_id(&row)?, number(&row, "generation")?), generation);
    }
    for row in
        sqlx::query("SELECT device, sequence, octets FROM package").fetch_all(&mut *at).await?
    {
        let octets = row.try_get("octets")?;
        record.packages.insert((device_id(&row)?, number(&row, "sequence")?), octets);
    }
    for row in sqlx::query("SELECT * FROM given").fetch_all(&mut *at).await? {
        let at = (group_id(&row)?, number(&row, "generation")?, device_id(&row)?);
        record.given.insert(at, number(&row, "member")?);
    }
    for row in sqlx::query("SELECT what FROM audit").fetch_all(&mut *at).await? {
        record.audit.push(row.try_get("what")?);
    }
    at.rollback().await?;
    connection.close().await?;
    Ok(record)
}

fn number(row: &AnyRow, column: &str) -> Result<u64, sqlx::Error> {
    Ok(row.try_get::<i64, _>(column)?.unsigned_abs())
}

fn device_id(row: &AnyRow) -> Result<String, sqlx::Error> {
    let octets: Vec<u8> = row.try_get("device")?;
    Ok(octets.iter().map(|octet| format!("{octet:02x}")).collect())
}

fn group_id(row: &AnyRow) -> Result<String, sqlx::Error> {
    Ok(format!("{:06x}", number(row, "prose_group")?))
}
