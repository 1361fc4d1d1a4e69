//! Many hands: so many threads that take what there is to do, and tell how far they are. What
//! a busy manager does not answer is asked again, as often as `prosectl` does.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// How often it is told how far it is.
const TOLD: Duration = Duration::from_secs(2);

/// How often one thing is tried, and how long after the first time.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(500);

/// Does `act` with each of `all`, by so many `hands`; how long it took. The first failure
/// that stays ends it.
pub(crate) fn each<T: Send>(
    what: &str,
    hands: usize,
    all: &mut [T],
    act: impl Fn(&mut T) -> Result<(), Failure> + Sync,
) -> Result<Duration, Failure> {
    let (count, began) = (all.len(), Instant::now());
    let (left, done) = (Mutex::new(all.iter_mut()), AtomicUsize::new(0));
    let (failed, is_over) = (Mutex::new(None), AtomicBool::new(false));
    let next = || left.lock().ok()?.next();
    let work = || {
        while !is_over.load(Ordering::Relaxed)
            && let Some(one) = next()
        {
            if let Err(failure) = patiently(|| act(one)) {
                is_over.store(true, Ordering::Relaxed);
                if let Ok(mut first) = failed.lock() {
                    first.get_or_insert(failure);
                }
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        let hands: Vec<_> = (0..hands.min(count)).map(|_| scope.spawn(work)).collect();
        let mut told = Instant::now();
        while hands.iter().any(|hand| !hand.is_finished()) {
            thread::sleep(Duration::from_millis(2));
            if told.elapsed() >= TOLD {
                told = Instant::now();
                tell(what, done.load(Ordering::Relaxed), count, began.elapsed());
            }
        }
    });
    let took = began.elapsed();
    if let Some(failure) = failed.into_inner().unwrap_or_default() {
        return Err(failure);
    }
    tell(what, count, count, took);
    Ok(took)
}

fn patiently(mut act: impl FnMut() -> Result<(), Failure>) -> Result<(), Failure> {
    let (mut pause, mut tries) = (PAUSE, TRIES);
    loop {
        tries -= 1;
        match act() {
            Err(failure) if failure.is_passing() && tries > 0 => {
                eprintln!("{failure}: again");
                thread::sleep(pause);
                pause *= 2;
            }
            done => return done,
        }
    }
}

fn tell(what: &str, done: usize, of: usize, took: Duration) {
    let rate = done as f64 / took.as_secs_f64();
    eprintln!("{what}: {done} of {of}, {rate:.0}/s");
}
