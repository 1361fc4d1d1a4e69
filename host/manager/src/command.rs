//! One file a command: arguments in, a report out.

mod device;
mod exclude;
mod files;
mod group;
mod init;
mod key;
mod member;
mod show;
mod signer;
mod status;

use crate::args::{Args, Command};
use crate::failure::Failure;
use crate::here::{Answer, Here};
use crate::home::Home;
use crate::office::Office;
use crate::output::Report;

/// Carries out the command.
pub(crate) async fn run(args: &Args, here: &Here) -> Result<Report, Failure> {
    let home = Home::new(args.home.clone().unwrap_or_else(|| here.home.clone()));
    if let Command::Init { root_key } = &args.command {
        return init::run(&home, root_key.as_deref(), here).await;
    }
    let mut office = Office::open(&home, here, args.accept_clock).await?;
    let report = in_office(&mut office, &home, args, here).await;
    // All that a command has done is committed; this puts it into one file.
    office.close().await?;
    report
}

async fn in_office(
    office: &mut Office<'_>,
    home: &Home,
    args: &Args,
    here: &Here,
) -> Result<Report, Failure> {
    match &args.command {
        // Before there is an office.
        Command::Init { .. } => Err(Failure::Usage("there is a manager already".to_owned())),
        Command::Enrolment { out } => files::enrolment(office, out).await,
        Command::Device(command) => device::run(office, command, here).await,
        Command::Group(command) => group::run(office, command).await,
        Command::Member(command) => member::run(office, command).await,
        Command::Key(command) => key::run(office, command, here).await,
        Command::Exclude { group, device, yes } => {
            exclude::run(office, group, device, *yes, here).await
        }
        Command::Package { device, out, qr } => {
            files::package(office, device, out, qr.then_some(here.is_terminal), args.json).await
        }
        Command::Notice { group, out } => files::notice(office, group, out).await,
        Command::Bundle { group, out } => files::bundle(office, group, out).await,
        Command::Signer(command) => signer::run(office, home, command).await,
        Command::Status => status::run(office, home).await,
    }
}

/// Asks before what cannot be taken back; nothing but a yes is one.
fn confirm(here: &Here, yes: bool, question: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    match (here.ask)(&format!("{question} [y/N]")) {
        Answer::Line(line) if matches!(line.to_lowercase().as_str(), "y" | "yes") => Ok(()),
        Answer::Line(_) => Err(Failure::Usage("nothing was done: it was not confirmed".to_owned())),
        Answer::NoTerminal => {
            Err(Failure::Usage(format!("nothing was done: {question} If so, say --yes")))
        }
    }
}
