//! The store under the TA (docs/storage.md), as the model is told of it: each
//! write goes in every way that it can.

use proseal_proto::error::Code;

use crate::chance::Chance;
use crate::life::Life;

/// What the model is told of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    pub(crate) store: Store,
    /// What is read or written over is damaged.
    pub(crate) corrupt: bool,
    pub(crate) read_fails: bool,
    /// The state is of a later TA.
    pub(crate) too_new: bool,
    pub(crate) random_fails: bool,
    /// How well storage is protected from rollback, as the platform says.
    pub(crate) protection: u16,
    pub(crate) now_ms: u64,
    /// Counts the calls.
    pub(crate) call: u64,
    /// The power went during this very command.
    pub(crate) power_went: bool,
}

/// How the store is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Store {
    #[default]
    Well,
    /// Each write is reported as failed.
    Fails,
    /// What is not there yet finds no room.
    Full,
    /// Writes fail from an unknown one on.
    Failing,
    /// The same, from an unknown write on.
    Filling,
}

/// What is on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Disk {
    Nothing,
    /// An erase that was cut.
    Zeros,
    /// A state that was made and not yet written over.
    Made(Life),
    State(Life),
}

/// Why a command goes no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// By any of these.
    Refused(Vec<Code>),
    /// There is no power, and so no answer.
    NoPower,
}

impl From<Code> for Stop {
    fn from(code: Code) -> Self {
        Self::Refused(vec![code])
    }
}

impl Disk {
    /// One write of the store, in each way that it can go.
    pub(crate) fn put(
        &mut self,
        weather: &Weather,
        chance: &mut Chance,
        new: Self,
    ) -> Result<(), Stop> {
        let failed = || Err(Stop::from(Code::StoreFailed));
        let full = || Err(Stop::from(Code::StoreFull));
        // A state or its zeros in a state's place need none from the second
        // write on.
        let is_small = matches!(self, Self::Nothing | Self::Made(_));
        let needs_room = is_small && new != Self::Nothing;
        // Whether it is on the disk afterwards, and what is reported.
        let mut ways = match weather.store {
            Store::Well => vec![(true, Ok(()))],
            Store::Fails => vec![(false, failed()), (true, failed())],
            Store::Full | Store::Filling if !needs_room => vec![(true, Ok(()))],
            Store::Full => vec![(false, full())],
            Store::Failing => vec![(true, Ok(())), (false, failed()), (true, failed())],
            Store::Filling => vec![(true, Ok(())), (false, full())],
        };
        if weather.power_went {
            ways.extend([(false, Err(Stop::NoPower)), (true, Err(Stop::NoPower))]);
        }
        let (done, reported) = ways.swap_remove(chance.pick(ways.len()));
        if done {
            *self = match (&self, new) {
                (Self::Nothing, Self::State(life)) => Self::Made(life),
                (_, new) => new,
            };
        }
        reported
    }
}
