//! What the library makes and refuses, through its public interface.

mod chain;
mod faults;
mod fixture;
mod flips;
mod hpke;
mod sizes;
mod state;
mod statement;
mod vectors;
