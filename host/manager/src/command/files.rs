//! What is carried to radios: the enrolment file, packages, notices, bundles. All of it
//! is in the database before it is in a file.

use std::path::Path;

use base64ct::{Base64, Encoding};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::Desk;
use crate::domain::Refusal;
use crate::failure::Failure;
use crate::file;
use crate::office::{Authority, Issued, Work};
use crate::output::Report;
use crate::store::device::{self, Device};
use crate::store::member::{self, Member};
use crate::value::{grouped, hex};

pub(super) async fn enrolment(desk: &Desk<'_>, out: &Path) -> Result<Report, Failure> {
    desk.home.keeps_out(out)?;
    let work = desk.look().await?;
    let identity = work.identity;
    let fingerprint = grouped(&identity.root.digest());
    let text = format!(
        "# Enrolment file of a ProSeal manager (docs/package.md)\nroot-key = {}\nmanager = {}\n",
        identity.root, identity.manager
    );
    file::write(out, text.as_bytes())?;
    let text = format!(
        "enrolment file of manager {}: {}\n  fingerprint of the root key:\n  {fingerprint}\n\
         Write the fingerprint down, on paper and not on the stick: `prosectl enrol` asks for it.\n\
         Next: carry {} to each radio: `prosectl enrol FILE`, then `prosectl identity export --out FILE`\n",
        identity.manager,
        out.display(),
        out.display(),
    );
    let object = json!({
        "file": out.display().to_string(),
        "manager": identity.manager.to_string(),
        "root_key": identity.root.to_string(),
        "root_digest": hex(&identity.root.digest()),
        "fingerprint": fingerprint,
    });
    Ok(Report::new(text, object))
}

/// The servers' authority, for a browser.
pub(super) async fn authority(desk: &Desk<'_>, out: &Path) -> Result<Report, Failure> {
    /// Letters of a line (RFC 7468 section 2).
    const LINE: usize = 64;
    desk.home.keeps_out(out)?;
    let authority = Authority::open(desk.office).await?;
    let text = Base64::encode_string(&authority.certificate);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in text.as_bytes().chunks(LINE) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    file::write(out, pem.as_bytes())?;
    let digest = hex(&Sha256::digest(&authority.certificate));
    let text = format!(
        "certificate of the servers' authority: {}\n  its SHA-256 digest:\n  {digest}\n\
         Next: have the operator's browser trust it for websites; it vouches for this manager's servers only\n",
        out.display(),
    );
    Ok(Report::new(text, json!({ "file": out.display().to_string(), "digest": digest })))
}

/// `qr`: show a code, on a terminal or not.
pub(super) async fn package(
    desk: &Desk<'_>,
    named: &str,
    out: &Path,
    qr: Option<bool>,
    is_json: bool,
) -> Result<Report, Failure> {
    if qr.is_some() && is_json {
        return Err(Failure::Usage("--qr is for people, --json for programs: say one".to_owned()));
    }
    desk.home.keeps_out(out)?;
    let mut work = desk.begin().await?;
    let device = work.device(named).await?;
    let signer = work.signer().await?;
    let issued = work.package(&device, &signer, None).await?;
    work.note(told(&device, &issued));
    work.finish().await?;
    let octets = &issued.made.octets;
    file::write(out, octets)?;
    let code = qr.map(|to_terminal| proseal_qr::text(octets, to_terminal)).transpose()?;
    let text = format!(
        "{}package for {}: {}\n  sequence: {}{}\n  groups: {}\n  octets: {}\n\
         Next: carry {} to the radio: `prosectl import {}`, and bring back `prosectl statement export --out FILE`\n",
        code.unwrap_or_default(),
        device.called(),
        out.display(),
        issued.made.sequence,
        if issued.is_new { "" } else { " (the same as last time)" },
        issued.groups,
        octets.len(),
        out.display(),
        name_of(out),
    );
    let object = json!({
        "device": device.id.to_string(),
        "name": device.name,
        "file": out.display().to_string(),
        "sequence": issued.made.sequence,
        "digest": hex(&issued.made.digest),
        "is_new": issued.is_new,
        "groups": issued.groups,
        "octets": octets.len(),
    });
    Ok(Report::new(text, object))
}

fn told(device: &Device, issued: &Issued) -> String {
    format!("package {}: sequence {}", device.id, issued.made.sequence)
}

/// As the radio's user will see it.
fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().display().to_string()
}

pub(super) async fn notice(desk: &Desk<'_>, group: &str, out: &Path) -> Result<Report, Failure> {
    desk.home.keeps_out(out)?;
    let mut work = desk.look().await?;
    let group = work.group(group).await?;
    let notice = group.notice.as_ref().ok_or(Refusal::NoNotice { group: group.id })?;
    let below = group.next;
    file::write(out, notice)?;
    let text = format!(
        "notice of group {}: {}\n  all keys below {below} are ended\n\
         Next: carry it to any radio of the group: `prosectl import {}`. Alone it silences the group: bring the \
         members' packages with it (`prose-manager bundle`).\n",
        group.called(),
        out.display(),
        name_of(out),
    );
    let object = json!({
        "group": group.id.to_string(),
        "file": out.display().to_string(),
        "below": below,
        "octets": notice.len(),
    });
    Ok(Report::new(text, object))
}

/// A package of a bundle, and its file's name.
struct Entry {
    device: Device,
    issued: Issued,
    name: String,
}

pub(super) async fn bundle(desk: &Desk<'_>, group: &str, out: &Path) -> Result<Report, Failure> {
    desk.home.keeps_out(out)?;
    let mut work = desk.begin().await?;
    let group = work.group(group).await?;
    let signer = work.signer().await?;
    let (mut entries, mut left_out) = (Vec::new(), Vec::new());
    for member in member::all(&mut work.change, group.id).await? {
        let device = member_device(&mut work, &member).await?;
        match work.package(&device, &signer, None).await {
            Ok(issued) => {
                let name = format!("{}.package", device.called());
                entries.push(Entry { device, issued, name });
            }
            // A rule that is asked before anything is written.
            Err(Failure::Refused(refusal)) => left_out.push((device, refusal)),
            Err(failure) => return Err(failure),
        }
    }
    work.note(format!("bundle {}: {} packages", group.id, entries.len()));
    // Before any sequence is given: what has no place is not made.
    let folder = file::create_empty_folder(out)?;
    work.finish().await?;
    let notice_name = group.notice.as_ref().map(|_| format!("{}.notice", group.id));
    if let (Some(notice), Some(name)) = (&group.notice, &notice_name) {
        file::write(&folder.join(name), notice)?;
    }
    for entry in &entries {
        file::write(&folder.join(&entry.name), &entry.issued.made.octets)?;
    }
    let what_to_do = what_to_do(&group.called(), notice_name.as_deref(), &entries);
    file::write(&folder.join("README.txt"), what_to_do.as_bytes())?;
    let mut text = format!("bundle of group {}: {}\n", group.called(), out.display());
    for entry in &entries {
        text.push_str(&format!("  {}: sequence {}\n", entry.name, entry.issued.made.sequence));
    }
    if let Some(name) = &notice_name {
        text.push_str(&format!("  {name}\n"));
    }
    for (device, refusal) in &left_out {
        text.push_str(&format!(
            "  LEFT OUT {}: {refusal}\n    {}\n",
            device.called(),
            refusal.hint()
        ));
    }
    text.push_str(
        "Next: put the folder on a stick; its README.txt says what to do at each radio\n",
    );
    let object = json!({
        "group": group.id.to_string(),
        "folder": out.display().to_string(),
        "notice": notice_name,
        "packages": entries.iter().map(|entry| json!({
            "device": entry.device.id.to_string(),
            "name": entry.device.name,
            "file": entry.name,
            "sequence": entry.issued.made.sequence,
            "is_new": entry.issued.is_new,
        })).collect::<Vec<_>>(),
        "left_out": left_out.iter().map(|(device, refusal)| json!({
            "device": device.id.to_string(),
            "name": device.name,
            "reason": refusal.name(),
            "message": refusal.to_string(),
            "hint": refusal.hint(),
        })).collect::<Vec<_>>(),
    });
    Ok(Report::new(text, object))
}

async fn member_device(work: &mut Work<'_>, member: &Member) -> Result<Device, Failure> {
    let device = device::find(&mut work.change, member.device).await?;
    Ok(device.ok_or(crate::store::StoreError::Damaged("a member's device is missing"))?)
}

fn what_to_do(group: &str, notice: Option<&str>, entries: &[Entry]) -> String {
    let mut text = format!(
        "Keys of group {group}. Nothing in this folder is secret; nobody but the radio can open its package.\n\n"
    );
    if let Some(notice) = notice {
        text.push_str(&format!("At each radio first, also at those that have no package here:\n    prosectl import {notice}\n\n"));
    }
    text.push_str("Then at each radio its own package:\n");
    for entry in entries {
        text.push_str(&format!("    {}  prosectl import {}\n", entry.device.id, entry.name));
    }
    text.push_str("(`prosectl status` shows the device id.) To report back, on each radio:\n    prosectl statement export --out NAME.statement\nand at the manager: prose-manager device import NAME.statement\n");
    text
}
