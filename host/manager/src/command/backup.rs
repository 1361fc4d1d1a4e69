//! `backup`, `restore`, `check`: a copy of an SQLite database, and back. PostgreSQL has
//! programs of its own for that.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::{Desk, confirm};
use crate::args::Args;
use crate::failure::Failure;
use crate::file;
use crate::here::Here;
use crate::home::Home;
use crate::office::{Checked, Office};
use crate::output::Report;
use crate::store::{Backend, Place};
use crate::value::rfc3339;

pub(super) async fn backup(desk: &Desk<'_>, out: &Path) -> Result<Report, Failure> {
    desk.home.keeps_out(out)?;
    if desk.office.store.backend() != Backend::Sqlite {
        return Err(not_sqlite("`pg_dump`, which may run at any time"));
    }
    // Empty, so that it is its owner's from the first octet on; and new.
    file::create_private(out, &[])?;
    if let Err(error) = desk.office.store.copy(out) {
        // Half a backup is none.
        let _ = fs::remove_file(out);
        return Err(error.into());
    }
    file::sync(out)?;
    let out = out.display();
    let text = format!(
        "backup of the database: {out}\n\
         Keep it apart from copies of the key file: whoever has both has the keys.\n"
    );
    Ok(Report::new(text, json!({ "file": out.to_string() })))
}

fn not_sqlite(instead: &str) -> Failure {
    Failure::Usage(format!("the database is PostgreSQL's: use {instead} (docs/manager.md, Backup)"))
}

pub(super) async fn restore(
    home: &Home,
    args: &Args,
    from: &Path,
    yes: bool,
    here: &Here,
) -> Result<Report, Failure> {
    home.check()?;
    let config = crate::config::Config::read(home)?;
    if config.has_database(args.database.as_deref()) {
        return Err(not_sqlite("`psql` into an empty schema"));
    }
    // As it will be: in the folder, under the folder's key.
    let draft = home.path().join("manager.db.draft");
    let restored = put(home, &draft, from, yes, here).await;
    if restored.is_err() {
        for left in ["manager.db.draft", "manager.db.draft-wal", "manager.db.draft-shm"] {
            // What is not there need not be removed.
            let _ = fs::remove_file(home.path().join(left));
        }
    }
    restored
}

async fn put(
    home: &Home,
    draft: &Path,
    from: &Path,
    yes: bool,
    here: &Here,
) -> Result<Report, Failure> {
    // One of an attempt that was cut off is in the way.
    let _ = fs::remove_file(draft);
    file::copy_private(from, draft)?;
    let office = open(home, draft, here).await?;
    let mut look = office.look().await?;
    let (newest, checked) = (look.identity.newest_change, look.check().await?);
    look.leave().await?;
    office.store.alone()?;
    office.close().await;
    let question = format!(
        "All that was done after {} is not in this backup. Put it in the database's place?",
        rfc3339(newest)
    );
    confirm(here, yes, &question)?;
    if home.database().exists() {
        let present = open(home, &home.database(), here).await?;
        let alone = present.store.alone();
        present.close().await;
        alone.map_err(|_| Failure::Home {
            message: "another program has the database open".to_owned(),
            hint: "stop the server and all commands, then try again",
        })?;
        file::rename(&home.database(), &home.path().join("manager.db.replaced"))?;
    }
    file::rename(draft, &home.database())?;
    let newest = rfc3339(newest);
    let text = format!(
        "the database is as it was at {newest}\n{}\
         Next: docs/runbook.md, A backup was put back: first the clock, then statements of all radios\n",
        told(&checked)
    );
    Ok(Report::new(text, object(&checked)).with("newest_change", json!(newest)))
}

/// What lies at `path`, under the folder's key.
async fn open(home: &Home, path: &Path, here: &Here) -> Result<Office, Failure> {
    let place = Place::File(path.to_owned());
    Office::open(home, &place, here.clock.clone(), false, 1).await
}

pub(super) async fn check(desk: &Desk<'_>) -> Result<Report, Failure> {
    let mut look = desk.look().await?;
    let checked = look.check().await?;
    look.leave().await?;
    Ok(Report::new(told(&checked), object(&checked)))
}

fn told(checked: &Checked) -> String {
    let Checked { devices, groups, keys } = checked;
    format!("whole: {devices} devices, {groups} groups, {keys} keys that open\n")
}

fn object(checked: &Checked) -> serde_json::Value {
    json!({ "devices": checked.devices, "groups": checked.groups, "keys": checked.keys })
}
