//! `signer renew`: the next signer, and a notice of each group by its word.

use proseal_issuer::{Delegation, Signer, SignerKey};
use serde_json::json;

use super::init::new_signer;
use crate::args;
use crate::failure::Failure;
use crate::home::Home;
use crate::office::Office;
use crate::output::Report;
use crate::store::{group, manager};
use crate::vault::Kind;

pub(super) async fn run(
    office: &mut Office<'_>,
    home: &Home,
    command: &args::Signer,
) -> Result<Report, Failure> {
    let args::Signer::Renew { root_key } = command;
    let mut work = office.begin().await?;
    let root = home.root(root_key.as_deref(), &work.identity.root)?;
    let last = manager::signer(&mut work.change).await?.version;
    let (version, stored) = new_signer(&root, work.identity.manager, last, work.now, work.vault)?;
    manager::set_signer(&mut work.change, &stored).await?;
    let seed = work.vault.open(Kind::Signer(version), &stored.sealed_key)?;
    let delegation = Delegation::verify(&stored.delegation, &work.identity.root)?;
    let signer = Signer::new(SignerKey::from_seed(&seed), delegation)?;
    let mut notices = Vec::new();
    for group in group::all(&mut work.change).await? {
        // Also where nothing was ended: it ends nothing, and tells of the new signer.
        let timeline = group::timeline(&mut work.change, group.id).await?;
        work.sign_notice(group.id, &timeline, &signer).await?;
        notices.push(group.id.to_string());
    }
    work.note(&format!("signer renew: version {version}")).await?;
    work.finish().await?;
    let text = format!(
        "the signer is version {version} now, and it has signed the notices of all {} groups\n\
         Next: `prose-manager bundle GROUP --out DIR` for each group, and carry it: radios that hear of the new \
         signer refuse the old one. Take the root key away again.\n",
        notices.len()
    );
    Ok(Report::new(text, json!({ "signer_version": version, "notices": notices })))
}
