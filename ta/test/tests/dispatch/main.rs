//! The trusted application on the development host: its dispatcher over the
//! platform in memory, which fails on demand.
#![cfg(feature = "sim")]

mod commands;
mod epochs;
mod faults;
mod fixture;
mod install;
mod life;
mod packages;
mod power;
mod profiles;
