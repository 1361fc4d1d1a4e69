//! The manager is killed in the middle of what it does, again and again, while radios enrol,
//! join and update, and an operator rotates, replaces and excludes.
//!
//! After each kill, and before anything is asked again, what the manager's database says is
//! compared with what was acknowledged; then everybody asks again until all is done, and the
//! radios are compared, too. Before, radios go away at each single step of enrolling, joining
//! and updating.

mod desk;
mod judge;
mod life;
mod record;
mod steps;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

use self::desk::Desk;
use self::judge::Judge;
use self::life::Life;
use crate::database::Kind;
use crate::failure::Failure;
use crate::manager::Manager;

/// The groups; every approved radio may join them.
const GROUPS: [&str; 2] = ["0a0b0c", "0a0b0d"];
/// Radios that ask at once.
const RADIOS: usize = 6;
/// A kill comes within so long after everybody has begun.
const LONGEST_MS: u64 = 500;

/// How often it is killed, and by which dice.
pub(crate) struct Extent {
    pub(crate) kills: u32,
    pub(crate) seed: u64,
}

/// Whether something was done, as far as who asked for it knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    #[default]
    No,
    /// It was asked for, and no answer came.
    Maybe,
    Yes,
}

/// What all know of each other.
#[derive(Default)]
struct Shared {
    number: AtomicU64,
    /// Radios that are enrolled and may be excluded, by device id.
    enrolled: Mutex<Vec<String>>,
    /// By group and device id. Nobody lets them in again.
    excluded: Mutex<BTreeMap<(String, String), Known>>,
    is_over: AtomicBool,
}

impl Shared {
    fn exclusion(&self, group: &str, device: &str) -> Known {
        let excluded = self.excluded.lock().map(|all| {
            all.get(&(group.to_owned(), device.to_owned())).copied().unwrap_or_default()
        });
        excluded.unwrap_or_default()
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

/// Kills it as often as wanted; how much was done and acknowledged.
pub(crate) fn run(
    program: &Path,
    kind: Kind,
    extent: &Extent,
    servers: NonZeroUsize,
) -> Result<Value, Failure> {
    eprintln!("soak: {}, {} kills, --seed {}", kind.name(), extent.kills, extent.seed);
    let manager = Manager::start(program, kind, servers)?;
    for group in GROUPS {
        manager.command(&["group", "add", group, "--joining", "approved", "--overlap", "0s"])?;
    }
    let (shared, mut dice) = (Shared::default(), Rng::with_seed(extent.seed));
    let lives = (0..RADIOS).map(|_| Life::begin(&manager, &shared));
    let mut lives = lives.collect::<Result<Vec<_>, _>>()?;
    let (mut desk, mut judge) = (Desk::new(&manager)?, Judge::new(&manager)?);
    let steps = steps::run(&manager, &shared, &mut desk, &mut judge)?;
    eprintln!("soak: {steps} radios went away, each at another step");
    let mut past = Vec::new();
    for kill in 1..=extent.kills {
        let told = |failure| Failure::Wrong(format!("kill {kill}: {failure}\n{}", manager.log()));
        // Of several every second time one alone: the others serve on.
        let is_alone = manager.count() > 1 && kill % 2 == 0;
        let drawn = is_alone.then(|| dice.usize(0..manager.count()));
        work(&manager, &shared, &mut lives, &mut desk, drawn, &mut dice).map_err(told)?;
        manager.serve().map_err(told)?;
        // Before anybody asks again.
        judge.acknowledged(&lives, &past, &desk, &shared).map_err(told)?;
        desk.settle(&manager, &shared).map_err(told)?;
        settle(&manager, &shared, &mut lives).map_err(told)?;
        judge.converged(&manager, &lives, &shared).map_err(told)?;
        judge.acknowledged(&lives, &past, &desk, &shared).map_err(told)?;
        for life in &mut lives {
            life.forget_doubts();
            if life.is_old() {
                past.push(std::mem::replace(life, Life::begin(&manager, &shared)?));
            }
        }
        if kill % 10 == 0 {
            eprintln!("soak: {kill} of {} kills, {}", extent.kills, desk.told());
        }
    }
    settle(&manager, &shared, &mut past)?;
    judge.converged(&manager, &past, &shared)?;
    let counts = judge.counts()?;
    let radios = lives.len() + past.len();
    Ok(
        json!({ "kills": extent.kills, "killed": manager.killed.load(Ordering::Relaxed), "seed": extent.seed, "steps": steps, "radios": radios, "acts": counts }),
    )
}

/// Everybody works until the manager is killed; where that is one server alone, about as long
/// again with those that are left.
fn work(
    manager: &Manager,
    shared: &Shared,
    lives: &mut [Life],
    desk: &mut Desk,
    drawn: Option<usize>,
    dice: &mut Rng,
) -> Result<(), Failure> {
    shared.is_over.store(false, Ordering::Relaxed);
    let delay = Duration::from_millis(dice.u64(0..LONGEST_MS));
    thread::scope(|scope| {
        let mut hands = Vec::new();
        for life in lives {
            let dice = dice.fork();
            hands.push(scope.spawn(move || life.live(manager, shared, dice)));
        }
        let dice = dice.fork();
        hands.push(scope.spawn(move || desk.work(manager, shared, dice)));
        thread::sleep(delay);
        let killed = manager.kill(drawn);
        if drawn.is_some() {
            thread::sleep(delay);
        }
        shared.is_over.store(true, Ordering::Relaxed);
        for hand in hands {
            hand.join().map_err(|_| Failure::Wrong("a hand died".to_owned()))??;
        }
        killed
    })
}

/// Each radio asks again for what it wanted, until there is nothing new for it.
fn settle(manager: &Manager, shared: &Shared, lives: &mut [Life]) -> Result<(), Failure> {
    thread::scope(|scope| {
        let hands: Vec<_> = lives
            .chunks_mut(lives.len().div_ceil(RADIOS).max(1))
            .map(|some| {
                scope.spawn(move || {
                    some.iter_mut().try_for_each(|life| life.settle(manager, shared))
                })
            })
            .collect();
        hands.into_iter().try_for_each(|hand| {
            hand.join().map_err(|_| Failure::Wrong("a hand died".to_owned()))?
        })
    })
}
