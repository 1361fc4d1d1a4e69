//! `prosectl`: see the library, which is all of it.

use std::process::ExitCode;

use prosectl::{Key, Tool};

fn main() -> ExitCode {
    prosectl::main::<Key>(&Tool::PRODUCT)
}
