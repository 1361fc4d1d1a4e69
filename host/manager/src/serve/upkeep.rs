//! What goes on by itself: certificates are renewed, what is over is forgotten, groups get
//! their future keys in time, and whoever waits hears that there are news.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::tls::Certificates;
use crate::failure::Failure;
use crate::http::App;
use crate::office::{Authority, Office};
use crate::store::{authority, generation, group, manager};

/// How often it is looked whether another process has news, too.
const WATCH: Duration = Duration::from_secs(1);
/// How often all else is looked after.
const UPKEEP: Duration = Duration::from_secs(60);
/// The clock is compared with a change that is at most so old: a day off is an alarm.
const HEARTBEAT_S: u64 = 3600;

/// Follows the revision of the database.
pub(super) fn watch(
    office: Arc<Office>,
    mut ending: watch::Receiver<bool>,
) -> (watch::Receiver<u64>, JoinHandle<()>) {
    let (sender, receiver) = watch::channel(0);
    let task = tokio::spawn(async move {
        loop {
            match revision(&office).await {
                Ok(revision) => {
                    sender.send_if_modified(|known| std::mem::replace(known, revision) != revision);
                }
                Err(error) => tracing::warn!(%error, "the database does not answer"),
            }
            tokio::select! {
                () = tokio::time::sleep(WATCH) => {}
                _ = ending.wait_for(|ending| *ending) => break,
            }
        }
    });
    (receiver, task)
}

async fn revision(office: &Office) -> Result<u64, Failure> {
    let mut look = office.look().await?;
    let revision = manager::revision(&mut look.change).await?;
    look.leave().await?;
    Ok(revision)
}

/// Looks after the rest.
pub(super) fn start(
    app: Arc<App>,
    certificates: Arc<Certificates>,
    names: Vec<String>,
    mut ending: watch::Receiver<bool>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            if let Err(error) = renew(&app, &certificates, &names).await {
                tracing::error!(%error, "the server's certificate cannot be renewed");
            }
            app.office.tidy_again();
            if let Err(error) = beat(&app).await {
                // Nothing is signed while the clock cannot be believed.
                tracing::warn!(%error, hint = error.hint(), "the upkeep waits");
            }
            tokio::select! {
                () = tokio::time::sleep(UPKEEP) => {}
                _ = ending.wait_for(|ending| *ending) => break,
            }
        }
    })
}

async fn renew(app: &App, certificates: &Certificates, names: &[String]) -> Result<(), Failure> {
    let now = app.office.now();
    if now < certificates.renew_at() {
        return Ok(());
    }
    // Its own certificate may be due, too.
    let authority = Authority::open(&app.office).await?;
    certificates.renew(authority.server(names, now)?)?;
    tracing::info!("the server has a new certificate");
    Ok(())
}

/// Once in an hour in which nothing else was written: the clock is the newest change's again,
/// what is over is forgotten, and groups that want future keys get them.
async fn beat(app: &App) -> Result<(), Failure> {
    let look = app.office.look().await?;
    let is_due = look.now >= look.identity.newest_change.saturating_add(HEARTBEAT_S);
    look.leave().await?;
    if !is_due {
        return Ok(());
    }
    let write = app.writer.write("server".to_owned(), |work| {
        Box::pin(async move {
            authority::sweep(&mut work.change, work.now).await?;
            for group in group::all(&mut work.change).await? {
                let now = work.now;
                let timeline = generation::timeline(&mut work.change, group.id, now).await?;
                let is_known = !timeline.has_unknown(group.joins_from);
                if is_known && group.ahead > 0 && timeline.is_extension_due(&group.terms(), now) {
                    work.extend(&group).await?;
                }
            }
            Ok(())
        })
    });
    write.await?;
    // Another program may have erased something while this one was reading.
    app.office.tidy();
    Ok(())
}
