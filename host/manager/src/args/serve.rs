//! `serve` and `operator`.

use std::net::SocketAddr;

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::office::Role;
use crate::value;

#[derive(clap::Args)]
pub(crate) struct Serve {
    /// Where radios come [default: the configuration's `listen`, else [::]:8443]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Where operators come [default: the configuration's `operator-listen`, else 127.0.0.1:8444]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) operator_listen: Option<SocketAddr>,
    /// A name or address by which it is reached, for its certificate; may be said again
    #[arg(long = "name", value_name = "HOST")]
    pub(crate) names: Vec<String>,
}

fn role() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.iter().map(|role| role.name())).try_map(|text| {
        Role::ALL
            .iter()
            .copied()
            .find(|role| role.name() == text)
            .ok_or("there is none of this name")
    })
}

#[derive(Subcommand)]
pub(crate) enum Operator {
    /// Make an account, or give it another role and password: asks for the password
    ///
    /// From a program, the password is the first line of standard input.
    Add {
        /// How the operator is called
        #[arg(value_name = "NAME", value_parser = value::name)]
        name: String,
        /// What he may: look, or look and change
        #[arg(long, default_value = "operator", value_parser = role())]
        role: Role,
    },
    /// Take an account away; who is signed in by it is not any more
    Remove {
        /// Whose
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// List the accounts
    List,
    /// Make a token for a program, such as one that reads /metrics
    Token {
        /// In whose name
        #[arg(value_name = "NAME")]
        name: String,
        /// How long it is good
        #[arg(long, value_name = "SPAN", default_value = "365d", value_parser = value::seconds)]
        expires: u64,
    },
}
