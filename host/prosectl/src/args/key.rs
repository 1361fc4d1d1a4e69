//! `key`.

use clap::Subcommand;

/// What the product has of `key`.
#[derive(Subcommand)]
pub enum Key {
    /// List the PGKs that are held (never their octets)
    List,
}
