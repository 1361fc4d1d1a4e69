//! `device invite`: a one-time token, in a file that has all that a radio needs to enrol
//! over the network.

use std::path::Path;

use base64ct::{Base64UrlUnpadded, Encoding};
use proseal_proto::id::DeviceId;
use serde_json::json;
use zeroize::Zeroizing;

use super::Desk;
use crate::config::check_url;
use crate::failure::Failure;
use crate::file;
use crate::office::Authority;
use crate::output::Report;
use crate::value::{grouped, hex, rfc3339};

pub(super) async fn run(
    desk: &Desk<'_>,
    subscriber: &str,
    out: &Path,
    expected: Option<DeviceId>,
    lifetime_s: u64,
    url: Option<&str>,
) -> Result<Report, Failure> {
    desk.home.keeps_out(out)?;
    let url = match url {
        Some(url) => check_url(url).map(|()| url.to_owned()).map_err(Failure::Usage)?,
        None => desk.config.url()?,
    };
    let authority = Authority::open(desk.office).await?;
    let mut work = desk.begin().await?;
    let identity = work.identity;
    let invited = work.invite(subscriber, expected, lifetime_s).await?;
    let expires_at = rfc3339(invited.expires_at);
    let text = Zeroizing::new(format!(
        "# Token file of a ProSeal manager (docs/manager-api.md): whoever has it can enrol one radio as\n\
         # {subscriber}. `prosectl enrol --manager URL --token-file FILE` asks for the fingerprint.\n\
         url = {url}\n\
         authority = {}\n\
         root-key = {}\n\
         manager = {}\n\
         fingerprint = {}\n\
         subscriber = {subscriber}\n\
         token = {}\n\
         expires = {expires_at}\n",
        Base64UrlUnpadded::encode_string(&authority.certificate),
        identity.root,
        identity.manager,
        hex(&identity.root.digest()),
        *invited.token,
    ));
    // Before the token is good: a file that cannot be written makes none.
    file::create_private(out, text.as_bytes())?;
    work.finish().await?;
    let fingerprint = grouped(&identity.root.digest());
    let said = format!(
        "token file for {subscriber}: {}\n  good until {expires_at}, once{}\n  fingerprint of the root key:\n  {fingerprint}\n\
         Carry the file to the radio as a secret, and the fingerprint by another road:\n\
         `prosectl enrol --manager {url} --token-file FILE --fingerprint HEX`\n",
        out.display(),
        expected
            .map_or_else(String::new, |device| format!(", for device {device}, which it approves")),
    );
    let object = json!({
        "file": out.display().to_string(),
        "subscriber": subscriber,
        "device": expected.map(|device| device.to_string()),
        "expires_at": expires_at,
        "url": url,
        "fingerprint": fingerprint,
    });
    Ok(Report::new(said, object))
}
