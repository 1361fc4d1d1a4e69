use std::fs;

use proseal_proto::id::GroupId;

use super::*;
use crate::domain::Refusal;
use crate::office::site::{NOW, Site};
use crate::store::generation::{self, Entry};
use crate::store::{group, manager};

/// No transaction ends before its jobs, however slow this machine is.
const LONG: Duration = Duration::from_secs(600);
const AT_ONCE: Pace = Pace { gather: Duration::ZERO, hold: LONG };

async fn note(writer: &Writer, what: &'static str) -> Result<(), Failure> {
    writer
        .write("tester".to_owned(), move |work| {
            Box::pin(async move {
                work.note(what);
                Ok(())
            })
        })
        .await
}

/// A change that is good until the commit looks at it: a session of nobody.
async fn break_the_commit(writer: &Writer) -> Result<(), Failure> {
    let act = writer.write("tester".to_owned(), |work| {
        Box::pin(async move {
            let orphan = "PRAGMA defer_foreign_keys = ON;
                INSERT INTO session (token_digest, operator, expires_at) VALUES (X'00', 'nobody', 1)";
            work.change.script(orphan).await?;
            Ok(())
        })
    });
    act.await
}

#[tokio::test]
async fn a_commit_that_fails_is_told_to_all_who_wait_for_it_and_does_nothing() {
    let site = Site::new("commit").await;
    // In this thread, so that it has its turn when all of them wait.
    let (writer, writing) = Writer::new(Arc::clone(&site.office), AT_ONCE);
    let task = tokio::spawn(writing);
    note(&writer, "before").await.unwrap();
    // They wait together before the writer has its turn, so that one transaction has them all.
    let (first, broken, last) =
        tokio::join!(note(&writer, "first"), break_the_commit(&writer), note(&writer, "last"));
    for told in [first, broken, last] {
        assert!(matches!(told, Err(Failure::NotCommitted)), "{told:?}");
    }
    assert_eq!(site.audit().await.first().map(String::as_str), Some("before"));
    let counted = || {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (count(&writer.counts.commits), count(&writer.counts.jobs))
    };
    assert_eq!(counted(), (1, 1));
    // The next ones go their way.
    note(&writer, "after").await.unwrap();
    assert_eq!(site.audit().await.first().map(String::as_str), Some("after"));
    assert_eq!(counted(), (2, 2));
    drop(writer);
    task.await.unwrap();
    site.office.close().await;
}

#[tokio::test]
async fn what_fails_alone_is_told_alone_and_the_others_are_done() {
    let site = Site::new("alone").await;
    // In this thread, so that it has its turn when all of them wait.
    let (writer, writing) = Writer::new(Arc::clone(&site.office), AT_ONCE);
    let task = tokio::spawn(writing);
    let refused = writer.write("tester".to_owned(), |work| {
        Box::pin(async move {
            work.note("refused");
            Err::<(), _>(Refusal::NoSuchFingerprint.into())
        })
    });
    let (first, refused, last) =
        tokio::join!(note(&writer, "first"), refused, note(&writer, "last"));
    assert!(first.is_ok() && last.is_ok());
    assert!(matches!(refused, Err(Failure::Refused(Refusal::NoSuchFingerprint))), "{refused:?}");
    assert_eq!(site.audit().await[..2], ["last", "first"]);
    assert_eq!(writer.counts.commits.load(Ordering::Relaxed), 1);
    drop(writer);
    task.await.unwrap();
    site.office.close().await;
}

#[tokio::test]
async fn who_comes_alone_is_served_at_once_and_many_gather() {
    let site = Site::new("gather").await;
    let commits = async |writer: &Writer, task: JoinHandle<()>| {
        // In the thread of the writer, which would have done the first of them by then.
        let late = async {
            tokio::task::yield_now().await;
            note(writer, "late").await
        };
        let (first, late) = tokio::join!(note(writer, "first"), late);
        assert!(first.is_ok() && late.is_ok());
        task.abort();
        writer.counts.commits.load(Ordering::Relaxed)
    };
    // One after the other they would wait for ever.
    let pace = Pace { gather: LONG, hold: LONG };
    let (writer, writing) = Writer::new(Arc::clone(&site.office), pace);
    let task = tokio::spawn(writing);
    let alone = async {
        note(&writer, "alone").await.unwrap();
        note(&writer, "alone again").await.unwrap();
        commits(&writer, task).await
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(30), alone).await.unwrap(), 4);
    // After a transaction of two those that do not come together are in one, too.
    let pace = Pace { gather: Duration::from_millis(500), hold: LONG };
    let (writer, writing) = Writer::new(Arc::clone(&site.office), pace);
    let task = tokio::spawn(writing);
    let (one, other) = tokio::join!(note(&writer, "one"), note(&writer, "other"));
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(commits(&writer, task).await, 2);
    site.office.close().await;
}

fn group_id() -> GroupId {
    GroupId::new(0x0a_0b0c).unwrap()
}

/// Generations of the one group: as a job has them, and as the database does.
async fn generations(writer: &Writer) -> Result<(Vec<u64>, Vec<u64>), Failure> {
    let numbers =
        |entries: &[Entry]| entries.iter().map(|one| one.span.generation.get()).collect::<Vec<_>>();
    let read = writer.write("tester".to_owned(), move |work| {
        Box::pin(async move {
            let had = numbers(&work.entries(group_id(), NOW).await?);
            Ok((had, numbers(&generation::entries(&mut work.change, group_id(), NOW).await?)))
        })
    });
    read.await
}

/// Gives it a new one; then fails, or does not.
async fn rotate(writer: &Writer, fails: bool) -> Result<(), Failure> {
    let rotated = writer.write("tester".to_owned(), move |work| {
        Box::pin(async move {
            let group = group::find(&mut work.change, group_id()).await?;
            work.rotate(&group.ok_or(Failure::NotCommitted)?).await?;
            work.entries(group_id(), NOW).await?;
            if fails { Err(Refusal::NoSuchFingerprint.into()) } else { Ok(()) }
        })
    });
    rotated.await
}

#[tokio::test]
async fn what_a_batch_has_read_of_a_group_is_forgotten_when_that_changes() {
    let site = Site::new("entries").await;
    let (writer, writing) = Writer::new(Arc::clone(&site.office), AT_ONCE);
    let task = tokio::spawn(writing);
    let (first, undone, second, done, third) = tokio::join!(
        generations(&writer),
        rotate(&writer, true),
        generations(&writer),
        rotate(&writer, false),
        generations(&writer),
    );
    assert!(undone.is_err() && done.is_ok());
    assert_eq!(writer.counts.commits.load(Ordering::Relaxed), 1);
    let [first, second, third] = [first, second, third].map(|read| {
        let (had, there) = read.unwrap();
        assert_eq!(had, there);
        had
    });
    assert_eq!(first, second);
    assert!(third.last() > second.last());
    drop(writer);
    task.await.unwrap();
    site.office.close().await;
}

#[tokio::test]
async fn a_key_that_is_erased_is_in_no_file_of_the_database_any_more() {
    let site = Site::new("erased").await;
    let sealed_keys = async || {
        let mut look = site.office.look().await.unwrap();
        let entries = generation::entries(&mut look.change, group_id(), NOW).await.unwrap();
        look.leave().await.unwrap();
        entries.into_iter().filter_map(|entry| entry.sealed_key).collect::<Vec<_>>()
    };
    let is_there = |octets: &[u8]| {
        let files = ["manager.db", "manager.db-wal"].map(|name| fs::read(site.folder.join(name)));
        let mut files = files.into_iter().flatten();
        files.any(|file| file.windows(octets.len()).any(|window| window == octets))
    };
    let before = sealed_keys().await;
    assert!(!before.is_empty() && before.iter().all(|key| is_there(key)));
    let (writer, task) = Writer::start(Arc::clone(&site.office));
    let replace = async || {
        let replaced = writer.write("tester".to_owned(), |work| {
            Box::pin(async move {
                let group = group::find(&mut work.change, group_id()).await?;
                work.replace_keys(&group.ok_or(Failure::NotCommitted)?).await.map(drop)
            })
        });
        replaced.await.unwrap();
    };
    replace().await;
    let after = sealed_keys().await;
    assert!(before.iter().all(|key| !is_there(key)) && after.iter().all(|key| is_there(key)));
    // While somebody reads it stays, and goes when he has done.
    let mut look = site.office.look().await.unwrap();
    manager::audited(&mut look.change, None, 1).await.unwrap();
    replace().await;
    assert!(after.iter().any(|key| is_there(key)));
    look.leave().await.unwrap();
    assert!(!site.office.is_tidy());
    let tidy = writer.write("tester".to_owned(), |work| {
        Box::pin(async move {
            work.has_erased();
            Ok(())
        })
    });
    tidy.await.unwrap();
    assert!(after.iter().all(|key| !is_there(key)));
    drop(writer);
    task.await.unwrap();
    site.office.close().await;
}
