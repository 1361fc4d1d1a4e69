//! What may happen to a device, as the fuzzer draws it.

use arbitrary::Arbitrary;

use crate::manager::By;

/// One thing that happens.
#[derive(Arbitrary, Debug)]
pub enum Step {
    Install {
        whole: bool,
        sequence_step: i8,
        time_step: i32,
        groups: Vec<Wanted>,
    },
    Send {
        group: u8,
        generation: u8,
    },
    Receive {
        items: Vec<(u8, u8, u8)>,
    },
    Admission {
        group: u8,
        generation: u8,
    },
    Erase {
        right_device: bool,
    },
    Status,
    /// Any octets as any command.
    Raw {
        role: u8,
        number: u16,
        request: Vec<u8>,
    },
    /// The TA is gone from memory, as after a panic or a power cut.
    Restart,
    /// After so many writes more.
    Faulty {
        wrong: Wrong,
        spared: u8,
    },
    Random {
        fails: bool,
    },
    /// The power goes at the write after so many more, and comes back with
    /// the next step.
    PowerGoes {
        writes: u8,
    },
    /// Powered time passes, seconds.
    Passes {
        seconds: u16,
    },
    Suspend {
        group: u8,
        on: bool,
        by_daemon: bool,
    },
    Revoke {
        group: u8,
        below: u8,
    },
    SetFloor {
        ahead: u32,
    },
    Events {
        since: u8,
    },
    /// The epoch that `send` gave last, asked of `receive`.
    ReceiveOwn,
    /// All of these together as often as one of the others.
    Signed(Signed),
}

/// What a device signs, or its manager does.
#[derive(Arbitrary, Debug)]
pub enum Signed {
    Statement {
        nonce: u8,
    },
    Enrol {
        manager: u8,
    },
    /// A package for the device that has spoken last, be it this one or not any more.
    Package {
        by: By,
        sequence_step: i8,
        time_step: i32,
        is_fresh: bool,
        groups: Vec<Wanted>,
    },
    Notice {
        by: By,
        group: u8,
        below: u8,
    },
    /// One of the last packages and notices again.
    Again {
        which: u8,
    },
}

/// What is wrong with the store from now on.
#[derive(Arbitrary, Debug)]
pub enum Wrong {
    Nothing,
    WriteFails,
    WriteLies,
    Full,
    Corrupt,
}

/// A group that a content lists.
#[derive(Arbitrary, Debug)]
pub struct Wanted {
    pub(super) group: u8,
    pub(super) next: u8,
    pub(super) may_send: bool,
    pub(super) other_member: bool,
    /// Generation, PGK Id, key, and seconds to its end.
    pub(super) pgks: Vec<(u8, u8, u8, u16)>,
}
