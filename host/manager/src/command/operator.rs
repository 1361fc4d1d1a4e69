//! `operator`: who may sign in to the server.

use std::fmt::Write;

use serde_json::json;
use zeroize::Zeroizing;

use super::Desk;
use crate::args;
use crate::failure::Failure;
use crate::here::Answer;
use crate::office::{Role, hash_password};
use crate::output::Report;
use crate::store::operator;
use crate::value::rfc3339;

pub(super) async fn run(desk: &Desk<'_>, command: &args::Operator) -> Result<Report, Failure> {
    match command {
        args::Operator::Add { name, role } => add(desk, name, *role).await,
        args::Operator::Remove { name } => remove(desk, name).await,
        args::Operator::List => list(desk).await,
        args::Operator::Token { name, expires } => token(desk, name, *expires).await,
    }
}

async fn add(desk: &Desk<'_>, name: &str, role: Role) -> Result<Report, Failure> {
    let question = format!("Password for {name}, 12 characters or more:");
    let Answer::Line(password) = (desk.here.ask_secret)(&question) else {
        return Err(Failure::Usage("nothing was done: there is no password".to_owned()));
    };
    let hash = hash_password(&Zeroizing::new(password))?;
    let mut work = desk.begin().await?;
    work.save_operator(name, role, hash).await?;
    work.finish().await?;
    let text = format!("{name} may sign in, as {}\n", role.name());
    Ok(Report::new(text, json!({ "operator": name, "role": role.name() })))
}

async fn remove(desk: &Desk<'_>, name: &str) -> Result<Report, Failure> {
    let mut work = desk.begin().await?;
    work.remove_operator(name).await?;
    work.finish().await?;
    let text = format!("{name} may not sign in any more\n");
    Ok(Report::new(text, json!({ "operator": name })))
}

async fn list(desk: &Desk<'_>) -> Result<Report, Failure> {
    let mut work = desk.look().await?;
    let accounts = operator::accounts(&mut work.change).await?;
    let mut text = String::new();
    for account in &accounts {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{}  {}", account.name, account.role);
    }
    if accounts.is_empty() {
        text.push_str("nobody yet: `prose-manager operator add NAME` makes an account\n");
    }
    let list: Vec<_> = accounts
        .iter()
        .map(|account| json!({ "operator": account.name, "role": account.role }))
        .collect();
    Ok(Report::new(text, json!({ "operators": list })))
}

async fn token(desk: &Desk<'_>, name: &str, lifetime_s: u64) -> Result<Report, Failure> {
    let mut work = desk.begin().await?;
    let session = work.begin_session(name, lifetime_s).await?;
    work.finish().await?;
    let expires_at = rfc3339(session.expires_at);
    let text = format!("{}\n", *session.token);
    Ok(Report::new(text, json!({ "token": *session.token, "expires_at": expires_at })))
}
