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
        let mut beaten = app.office.now();
        loop {
            if let Err(error) = renew(&app.office, &certificates, &names).await {
                tracing::error!(%error, "the server's certificate cannot be renewed");
            }
            if let Err(error) = beat(&app.office, &app.writer, &mut beaten).await {
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

/// An hour after it was done last, or nothing was written: the clock is the newest change's
/// again, what is over is forgotten, and groups that want future keys get them. What was erased
/// and is in the journal still is taken out sooner.
async fn beat(office: &Office, writer: &Writer, beaten: &mut u64) -> Result<(), Failure> {
    let look = office.look().await?;
    let (now, newest) = (look.now, look.identity.newest_change);
    look.leave().await?;
    let is_due = |since: u64| now >= since.saturating_add(HEARTBEAT_S);
    if !is_due(*beaten) && !is_due(newest) {
        return tidy(office, writer).await;
    }
    let write = writer.write("server".to_owned(), |work| {
        Box::pin(async move {
            authority::sweep(&mut work.change, work.now).await?;
            // Another program may have erased something while this one was reading.
            work.has_erased();
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
    *beaten = now;
    Ok(())
}

/// By the one who writes: he has no lock then.
async fn tidy(office: &Office, writer: &Writer) -> Result<(), Failure> {
    if office.is_tidy() {
        return Ok(());
    }
    let write = writer.write("server".to_owned(), |work| {
        Box::pin(async move {
            work.has_erased();
            Ok(())
        })
    });
    write.await
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
    async fn an_idle_hour_is_written_down() {
        let site = Site::new("beat").await;
        let (writer, task) = Writer::start(Arc::clone(&site.office));
        let (began, mut beaten) = (newest_change(&site.office).await, site.office.now());
        // What a program before it may have left in the journal.
        assert!(!site.office.is_tidy());
        beat(&site.office, &writer, &mut beaten).await.unwrap();
        assert!(site.office.is_tidy());
        for (passed, written) in [(HEARTBEAT_S - 1, 0), (1, HEARTBEAT_S)] {
            site.pass(passed);
            beat(&site.office, &writer, &mut beaten).await.unwrap();
            assert_eq!(newest_change(&site.office).await, began + written);
        }
        drop(writer);
        task.await.unwrap();
        site.office.close().await;
    }

    #[tokio::test]
    async fn groups_get_their_future_keys_in_time_however_much_is_written() {
        let site = Site::new("busy").await;
        let (writer, task) = Writer::start(Arc::clone(&site.office));
        let mut beaten = site.office.now();
        let mut days = 0;
        while site.audit().await[0] != "key rotate 0a0b0c --extend" {
            assert!(days < 31, "no key came by itself");
            days += 1;
            site.pass(DAY);
            let busy = writer.write("tester".to_owned(), |work| {
                Box::pin(async move {
                    work.note("busy");
                    Ok(())
                })
            });
            busy.await.unwrap();
            beat(&site.office, &writer, &mut beaten).await.unwrap();
        }
        assert!(days > 1);
        drop(writer);
        task.await.unwrap();
        site.office.close().await;
    }
}
