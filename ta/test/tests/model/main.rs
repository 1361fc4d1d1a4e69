//! The key's life twice: the trusted application, and a plain model of what
//! docs/commands.md, docs/storage.md, docs/events.md and docs/derivation.md
//! say of it. Both live the same random histories and must agree on every
//! answer, whatever happens to the store, to the power and to the clock.
//!
//! The model shares the messages with the TA, since they are what is asked and
//! answered, and nothing else. Where a document leaves open what has happened
//! (a write that failed may be on the disk all the same) it follows each
//! course, and drops those that an answer rules out.
//!
//! `PROSEAL_MODEL_SEED` and `PROSEAL_MODEL_STEPS` choose another run.
#![cfg(feature = "sim")]

mod answer;
mod apply;
mod ask;
mod cbor;
mod chance;
mod compare;
mod content;
mod controls;
mod derive;
mod device;
mod draw;
mod findings;
mod history;
mod life;
mod random;
mod run;
mod step;
mod store;
mod wanted;
mod world;
