//! Suite `regression`: every command and every refusal. 1000 what the TA says
//! of itself, sessions; 1100 requests that are not well formed; 2000 derived
//! keys; 2100 profiles; 3000 contents; 3100 erasing; 3200 how keys end.

mod derive;
mod info;
mod install;
mod lifecycle;
mod profiles;
mod protocol;

use crate::case::{Case, Verdict, plainly};
use crate::check::Context;

pub(super) use derive::CASES as DERIVE;
pub(super) use info::CASES as INFO;
pub(super) use install::CASES as INSTALL;
pub(super) use lifecycle::CASES as LIFECYCLE;
pub(super) use profiles::CASES as PROFILES;
pub(super) use protocol::CASES as PROTOCOL;

const fn case(number: u16, title: &'static str, run: fn(&mut Context) -> Verdict) -> Case {
    Case { suite: "regression", number, title, run, around: plainly }
}
