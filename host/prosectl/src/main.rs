//! `prosectl`: see the library, which is all of it.

use std::process::ExitCode;

use proseal_client::Application;
use prosectl::{Key, Tool};

fn main() -> ExitCode {
    prosectl::main::<Key>(&Tool {
        name: env!("CARGO_PKG_NAME"),
        about: env!("CARGO_PKG_DESCRIPTION"),
        application: Application::PRODUCT,
    })
}
