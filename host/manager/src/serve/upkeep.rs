//! What goes on by itself: certificates are renewed, what is over is forgotten, groups get
//! their future keys in time, and whoever waits hears that there are news.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::tls::Certificates;
use crate::failure::Failure;
use crate::http::App;
use crate::office::{Authority, Office, Writer};
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
            if let Err(error) = renew(&app.office, &certificates, &names).await {
                tracing::error!(%error, "the server's certificate cannot be renewed");
            }
            app.office.tidy_again();
            if let Err(error) = beat(&app.office, &app.writer).await {
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

async fn renew(
    office: &Office,
    certificates: &Certificates,
    names: &[String],
) -> Result<(), Failure> {
    let now = office.now();
    if now < certificates.renew_at() {
        return Ok(());
    }
    // Its own certificate may be due, too.
    let authority = Authority::open(office).await?;
    certificates.renew(authority.server(names, now)?)?;
    tracing::info!("the server has a new certificate");
    Ok(())
}

/// Once in an hour in which nothing else was written: the clock is the newest change's again,
/// what is over is forgotten, and groups that want future keys get them.
async fn beat(office: &Office, writer: &Writer) -> Result<(), Failure> {
    let look = office.look().await?;
    let is_due = look.now >= look.identity.newest_change.saturating_add(HEARTBEAT_S);
    look.leave().await?;
    if !is_due {
        return Ok(());
    }
    let write = writer.write("server".to_owned(), |work| {
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
    office.tidy();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::site::Site;

    const DAY: u64 = 86_400;

    async fn newest_change(office: &Office) -> u64 {
        let look = office.look().await.unwrap();
        let newest = look.identity.newest_change;
        look.leave().await.unwrap();
        newest
    }

    #[tokio::test]
    async fn a_server_that_runs_has_a_new_certificate_after_twenty_days() {
        let site = Site::new("renew").await;
        let names = ["localhost".to_owned()];
        let made = Authority::open(&site.office).await.unwrap().server(&names, site.office.now());
        let certificates = Certificates::new(made.unwrap()).unwrap();
        let first = certificates.renew_at();
        assert_eq!(first, site.office.now() + 20 * DAY);
        for (passed, renewed) in [(20 * DAY - 1, 0), (1, 20 * DAY)] {
            site.pass(passed);
            renew(&site.office, &certificates, &names).await.unwrap();
            assert_eq!(certificates.renew_at(), first + renewed);
        }
        site.office.close().await;
    }

    #[tokio::test]
    async fn an_idle_hour_is_written_down_and_groups_get_their_future_keys_in_time() {
        let site = Site::new("beat").await;
        let (writer, task) = Writer::start(Arc::clone(&site.office));
        let began = newest_change(&site.office).await;
        site.pass(HEARTBEAT_S - 1);
        beat(&site.office, &writer).await.unwrap();
        assert_eq!(newest_change(&site.office).await, began);
        site.pass(1);
        beat(&site.office, &writer).await.unwrap();
        assert_eq!(newest_change(&site.office).await, began + HEARTBEAT_S);
        // So that no clock is ever a day ahead of the newest change.
        let mut hours = 1;
        while site.audit().await[0] != "key rotate 0a0b0c --extend" {
            assert!(hours < 24 * 60, "no key came by itself");
            site.pass(HEARTBEAT_S);
            beat(&site.office, &writer).await.unwrap();
            hours += 1;
        }
        assert!(hours > 1);
        drop(writer);
        task.await.unwrap();
        site.office.close().await;
    }
}
