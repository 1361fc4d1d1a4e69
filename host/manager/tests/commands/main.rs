//! The manager's commands against the trusted application's logic in memory: what the
//! manager makes, radios take. Here on SQLite; postgresql.rs has the same tests.

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

const DATABASE: database::Kind = database::Kind::Sqlite;
