//! One file a command: arguments in, a report out. What is done is the office's.

mod backup;
mod device;
mod exclude;
mod files;
mod group;
mod init;
mod invite;
mod key;
mod member;
mod operator;
mod show;
mod signer;
mod status;

use crate::args::{Args, Command};
use crate::config::Config;
use crate::failure::Failure;
use crate::here::{Answer, Here};
use crate::home::Home;
use crate::office::{Office, Work};
use crate::output::Report;

/// Where one command is carried out.
struct Desk<'a> {
    office: &'a Office,
    home: &'a Home,
    config: &'a Config,
    here: &'a Here,
}

impl Desk<'_> {
    /// Begins a change of the Unix user's.
    async fn begin(&self) -> Result<Work<'_>, Failure> {
        self.office.begin(&self.here.user).await
    }

    async fn look(&self) -> Result<Work<'_>, Failure> {
        self.office.look().await
    }
}

/// Carries out the command.
pub(crate) async fn run(args: &Args, here: &Here) -> Result<Report, Failure> {
    let home = Home::of(args, here);
    if let Command::Init { root_key } = &args.command {
        return init::run(&home, args.database.as_deref(), root_key.as_deref(), here).await;
    }
    if let Command::Restore { file, yes } = &args.command {
        return backup::restore(&home, args, file, *yes, here).await;
    }
    home.check()?;
    let config = Config::read(&home)?;
    let place = config.place(&home, args.database.as_deref())?;
    let office = Office::open(&home, &place, here.clock.clone(), args.accept_clock, 1).await?;
    let report = at(&Desk { office: &office, home: &home, config: &config, here }, args).await;
    // All that a command has done is committed; this puts it into one file.
    office.close().await;
    report
}

async fn at(desk: &Desk<'_>, args: &Args) -> Result<Report, Failure> {
    match &args.command {
        // Before there is an office.
        Command::Init { .. } | Command::Restore { .. } => {
            Err(Failure::Usage("there is a manager already".to_owned()))
        }
        Command::Backup { out } => backup::backup(desk, out).await,
        Command::Check => backup::check(desk).await,
        Command::Enrolment { out } => files::enrolment(desk, out).await,
        Command::Device(command) => device::run(desk, command).await,
        Command::Group(command) => group::run(desk, command).await,
        Command::Member(command) => member::run(desk, command).await,
        Command::Key(command) => key::run(desk, command).await,
        Command::Exclude { group, device, out, yes } => {
            exclude::run(desk, group, device, out.as_deref(), *yes).await
        }
        Command::Package { device, out, qr } => {
            files::package(desk, device, out, qr.then_some(desk.here.is_terminal), args.json).await
        }
        Command::Notice { group, out } => files::notice(desk, group, out).await,
        Command::Bundle { group, out } => files::bundle(desk, group, out).await,
        Command::Signer(command) => signer::run(desk, command).await,
        Command::Authority { out } => files::authority(desk, out).await,
        Command::Operator(command) => operator::run(desk, command).await,
        // Not with one connection.
        Command::Serve(_) => Err(Failure::Usage("serve is no command among others".to_owned())),
        Command::Status => status::run(desk).await,
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
