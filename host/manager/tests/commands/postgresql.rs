//! The same tests as in main.rs, on PostgreSQL.

mod backup;
mod database;
mod devices;
mod fixture;
mod groups;
mod home;
mod numbers;
mod packages;
mod server;
mod serving;

const DATABASE: database::Kind = database::Kind::Postgresql;
