//! Group commit: one task a process writes. It takes many requests' jobs, runs each after a
//! mark of its own in one transaction, commits once, and answers only then. What fails
//! alone is undone alone.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::{Office, Work};
use crate::failure::Failure;
use crate::store::Backend;

/// Jobs that wait; who comes then is told to come back.
const QUEUE: usize = 1024;
/// Most jobs of one transaction. Who comes while it runs waits for the next one: else one that
/// is never at its end keeps the answers of all.
const BATCH: usize = 256;

/// When a transaction begins, and takes no more.
#[derive(Clone, Copy)]
struct Pace {
    /// How long it waits before it begins, or a little longer, if the last one had more than one
    /// job: then more are on their way, and a commit for ten costs hardly more than for one. Who
    /// asks alone waits once at most.
    gather: Duration,
    /// How old it is when it takes no more: other processes want the lock, too.
    hold: Duration,
}

const PACE: Pace = Pace { gather: Duration::from_millis(2), hold: Duration::from_millis(50) };

/// A future that borrows.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One request's part of a transaction.
trait Job: Send {
    fn who(&self) -> &str;
    /// Does its work; whether that is to be kept.
    fn run<'a>(&'a mut self, work: &'a mut Work<'_>) -> Boxed<'a, bool>;
    /// Says what came of it, after the commit or instead of it.
    fn answer(self: Box<Self>, end: End);
}

/// How its transaction ended for a job.
enum End {
    /// What was done is on the disk; or nothing, if the job itself failed.
    Committed,
    /// Nothing was done: for this reason.
    Failed(Failure),
}

struct Typed<F, T> {
    who: String,
    act: Option<F>,
    result: Option<Result<T, Failure>>,
    answer: oneshot::Sender<Result<T, Failure>>,
}

impl<F, T> Job for Typed<F, T>
where
    F: for<'a> FnOnce(&'a mut Work<'_>) -> Boxed<'a, Result<T, Failure>> + Send,
    T: Send,
{
    fn who(&self) -> &str {
        &self.who
    }

    fn run<'a>(&'a mut self, work: &'a mut Work<'_>) -> Boxed<'a, bool> {
        Box::pin(async move {
            let Some(act) = self.act.take() else { return false };
            let result = act(work).await;
            let is_kept = result.is_ok();
            self.result = Some(result);
            is_kept
        })
    }

    fn answer(self: Box<Self>, end: End) {
        let result = match (end, self.result) {
            (End::Failed(failure), None) => Err(failure),
            // Its own failure is the better reason.
            (_, Some(Err(failure))) | (End::Failed(failure), Some(Ok(_))) => Err(failure),
            (End::Committed, Some(Ok(done))) => Ok(done),
            (End::Committed, None) => Err(Failure::NotCommitted),
        };
        // Who asked may have gone.
        let _ = self.answer.send(result);
    }
}

/// What the writer has done, for whoever measures.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) commits: AtomicU64,
    pub(crate) jobs: AtomicU64,
}

/// The way to the one task that writes.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Box<dyn Job>>,
    pub(crate) counts: Arc<Counts>,
}

impl Writer {
    /// Starts the task; it ends when the last handle is gone and all is answered.
    pub(crate) fn start(office: Arc<Office>) -> (Self, JoinHandle<()>) {
        let backend = office.store.backend();
        let (writer, writing) = Self::new(office, PACE);
        let task = match backend {
            // It flushes in the thread that writes: that is nobody else's.
            Backend::Sqlite => {
                let runtime = Handle::current();
                tokio::task::spawn_blocking(move || runtime.block_on(writing))
            }
            Backend::Postgres => tokio::spawn(writing),
        };
        (writer, task)
    }

    /// The task itself, not started.
    fn new(office: Arc<Office>, pace: Pace) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let counts = Arc::<Counts>::default();
        let writing = write(office, jobs, Arc::clone(&counts), pace);
        (Self { queue, counts }, writing)
    }

    /// Does `act` in a change by `who`, and answers when it is on the disk.
    ///
    /// Errors: what `act` says, and then nothing of it was done; [`Failure::Busy`].
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        who: String,
        act: impl for<'a> FnOnce(&'a mut Work<'_>) -> Boxed<'a, Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, result) = oneshot::channel();
        let job = Typed { who, act: Some(act), result: None, answer };
        self.queue.try_send(Box::new(job)).map_err(|_| Failure::Busy)?;
        result.await.unwrap_or(Err(Failure::NotCommitted))
    }
}

async fn write(
    office: Arc<Office>,
    mut jobs: mpsc::Receiver<Box<dyn Job>>,
    counts: Arc<Counts>,
    pace: Pace,
) {
    let mut had = 0;
    while let Some(first) = jobs.recv().await {
        if had > 1 {
            tokio::time::sleep(pace.gather).await;
        }
        let begun = office.begin_change().await;
        let (change, identity, now) = match begun {
            Ok(begun) => begun,
            Err(failure) => {
                // Who waits is told as soon.
                had = 0;
                first.answer(End::Failed(failure));
                continue;
            }
        };
        let mut work = office.work(change, identity, now, "");
        let most = BATCH.min(jobs.len().saturating_add(1));
        let (began, mut done, mut next) = (Instant::now(), Vec::new(), Some(first));
        let mut lost = None;
        while let Some(mut job) = next.take() {
            let ran = step(&mut work, job.as_mut()).await;
            done.push(job);
            if let Err(failure) = ran {
                lost = Some(failure);
                break;
            }
            if done.len() < most && began.elapsed() < pace.hold {
                next = jobs.try_recv().ok();
            }
        }
        let committed = match lost {
            // Nothing that was done in it can be kept.
            Some(failure) => Err(failure),
            None => work.finish().await,
        };
        if let Err(failure) = &committed {
            tracing::error!(jobs = done.len(), error = %failure, "a commit failed");
        }
        if committed.is_ok() {
            counts.commits.fetch_add(1, Ordering::Relaxed);
            counts.jobs.fetch_add(done.len() as u64, Ordering::Relaxed);
        }
        had = done.len();
        for job in done {
            let end =
                if committed.is_ok() { End::Committed } else { End::Failed(Failure::NotCommitted) };
            job.answer(end);
        }
    }
}

/// Runs one job, and undoes it if it fails.
///
/// Errors: the transaction is lost, and all that was done in it.
async fn step(work: &mut Work<'_>, job: &mut dyn Job) -> Result<(), Failure> {
    work.change.mark().await?;
    job.who().clone_into(&mut work.who);
    let noted = work.notes.len();
    if !job.run(work).await {
        work.change.undo().await?;
        work.notes.truncate(noted);
        work.kept.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests;
