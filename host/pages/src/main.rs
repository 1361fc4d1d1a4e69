//! `prose-pages FOLDER`: see the library.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let (Some(folder), None) = (words.next(), words.next()) else {
        eprintln!("usage: prose-pages FOLDER");
        return ExitCode::from(2);
    };
    match prose_pages::write(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("prose-pages: {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}
