//! `signer renew`: the next signer, and a notice of each group by its word.

use proseal_issuer::{Delegation, Signer, SignerKey};
use serde_json::json;

use super::Desk;
use super::init::new_signer;
use crate::args;
use crate::failure::Failure;
use crate::output::Report;
use crate::store::manager;
use crate::vault::Kind;

pub(super) async fn run(desk: &Desk<'_>, command: &args::Signer) -> Result<Report, Failure> {
    let args::Signer::Renew { root_key } = command;
    let mut work = desk.begin().await?;
    let root = desk.home.root(root_key.as_deref(), &work.identity.root)?;
    let vault = &desk.office.vault;
    let last = manager::signer(&mut work.change).await?.version;
    let (version, stored) = new_signer(&root, work.identity.manager, last, work.now, vault)?;
    let seed = vault.open_key(Kind::Signer(version), &stored.sealed_key)?;
    let delegation = Delegation::verify(&stored.delegation, &work.identity.root)?;
    let signer = Signer::new(SignerKey::from_seed(&seed), delegation)?;
    let notices = work.renew_signer(&stored, &signer).await?;
    let notices: Vec<_> = notices.iter().map(ToString::to_string).collect();
    work.finish().await?;
    let text = format!(
        "the signer is version {version} now, and it has signed the notices of all {} groups\n\
         Next: `prose-manager bundle GROUP --out DIR` for each group, and carry it: radios that hear of the new \
         signer refuse the old one. Take the root key away again.\n",
        notices.len()
    );
    Ok(Report::new(text, json!({ "signer_version": version, "notices": notices })))
}
