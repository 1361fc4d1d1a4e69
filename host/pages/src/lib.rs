//! Manual pages and shell completions, from the definitions that the programs read
//! their own arguments by. So they cannot differ from `--help`.
#![forbid(unsafe_code)]

use std::fs;
use std::io;
use std::path::Path;

use clap::{Command, CommandFactory, ValueEnum};
use clap_complete::Shell;

/// The programs that have pages.
#[must_use]
pub fn programs() -> [Command; 2] {
    [prosectl::arguments(), prose_manager::Args::command()]
}

/// Writes into `folder`: `man/man1/PROGRAM[-SUBCOMMAND...].1`, and `completion/` with a
/// file for each program and shell.
///
/// # Errors
///
/// What the file system refuses.
pub fn write(folder: &Path) -> io::Result<()> {
    let (man, completion) = (folder.join("man/man1"), folder.join("completion"));
    fs::create_dir_all(&man)?;
    fs::create_dir_all(&completion)?;
    for program in programs() {
        for shell in Shell::value_variants() {
            let name = program.get_name().to_owned();
            clap_complete::generate_to(*shell, &mut program.clone(), name, &completion)?;
        }
        clap_mangen::generate_to(program.disable_help_subcommand(true), &man)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of all pages that there should be.
    fn pages(command: &Command, above: &str) -> Vec<String> {
        let name = format!("{above}{}", command.get_name());
        let below = command.get_subcommands().flat_map(|one| pages(one, &format!("{name}-")));
        let below: Vec<_> = below.collect();
        [vec![format!("{name}.1")], below].concat()
    }

    #[test]
    fn each_command_has_a_page_and_each_shell_its_completions() {
        let folder = std::env::temp_dir().join(format!("prose-pages-{}", std::process::id()));
        write(&folder).unwrap();
        for program in programs() {
            let expected = pages(&program, "");
            assert!(expected.len() > 10, "{expected:?}");
            for page in expected {
                let text = fs::read_to_string(folder.join("man/man1").join(&page)).unwrap();
                assert!(text.contains(".SH NAME"), "{page}");
            }
            let name = program.get_name();
            let bash = folder.join("completion").join(format!("{name}.bash"));
            let bash = fs::read_to_string(bash).unwrap();
            for subcommand in program.get_subcommands() {
                assert!(bash.contains(subcommand.get_name()), "{name} {}", subcommand.get_name());
            }
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
