//! The manager's commands against the trusted application's logic in memory: what the
//! manager makes, radios take.

mod devices;
mod fixture;
mod groups;
mod home;
mod numbers;
mod packages;
