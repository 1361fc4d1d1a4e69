//! `doctor`: the way to the TA, step by step, and what to do where it ends.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use proseal_client::{Client, Error, Fault};
use proseal_proto::message::{DeviceState, Status, Version};
use rustix::fs::StatVfsMountFlags;
use serde_json::json;

use super::status::dotted;
use crate::failure;
use crate::output::Report;

/// Where Debian's tee-supplicant keeps the store if not told otherwise.
const STORE: &str = "/var/lib/optee-client/data/tee";
/// Below this little a device's first write of the state may fail, octets (the
/// later ones need no room), and so may what others keep in this store.
const ROOM_MIN: u64 = 256 * 1024;

/// How a check ended.
enum Outcome {
    Fine(String),
    Wrong { found: String, hint: String, exit_code: u8 },
}

struct Check {
    name: &'static str,
    outcome: Outcome,
}

pub(super) fn run(client: &mut Client) -> Report {
    let folder = store_folder();
    let mut checks = vec![
        Check { name: "device", outcome: device() },
        Check { name: "tee-supplicant", outcome: supplicant() },
        Check { name: "storage", outcome: storage(&folder) },
    ];
    // Without the first two the TEE would only be waited for. Where the store
    // has lost its directory a session would make a new one, and write over
    // the objects that the guard can still save.
    let reachable = checks.iter().take(2).all(|check| matches!(check.outcome, Outcome::Fine(_)));
    if reachable && !has_lost_directory(&folder) {
        checks.push(Check { name: "trusted application", outcome: application(client) });
        checks.push(Check { name: "state", outcome: state(client) });
    }
    report(&checks)
}

fn report(checks: &[Check]) -> Report {
    let mut text = String::new();
    let mut wrong = 0;
    let mut objects = Vec::new();
    let mut first = None;
    for Check { name, outcome } in checks {
        match outcome {
            Outcome::Fine(found) => {
                let _ = writeln!(text, "ok     {name}: {found}");
                objects.push(json!({ "check": name, "ok": true, "found": found }));
            }
            Outcome::Wrong { found, hint, exit_code } => {
                wrong += 1;
                first.get_or_insert((hint, *exit_code));
                let _ = writeln!(text, "WRONG  {name}: {found}\n       hint: {hint}");
                objects.push(json!({ "check": name, "ok": false, "found": found, "hint": hint }));
            }
        }
    }
    let Some((first_hint, exit_code)) = first else {
        text.push_str("all is well\n");
        return Report::new(text, json!({ "checks": objects }));
    };
    let message = format!("{wrong} thing{} wrong", if wrong == 1 { " is" } else { "s are" });
    let _ = writeln!(text, "{message}");
    Report::ended(
        exit_code,
        text,
        json!({
            "code": failure::NUMBER_UNWELL,
            "name": "unwell",
            "message": message,
            "hint": first_hint,
            "checks": objects,
        }),
    )
}

fn wrong(found: impl Into<String>, hint: impl Into<String>, exit_code: u8) -> Outcome {
    Outcome::Wrong { found: found.into(), hint: hint.into(), exit_code }
}

fn of_error(error: &Error) -> Outcome {
    let hint = match error {
        Error::Fault(fault) => mending(fault),
        Error::Refused(_) | Error::RefusedUnknown(_) | Error::Reply(_) | Error::TooLarge => None,
    };
    wrong(error.to_string(), hint.unwrap_or_else(|| error.hint()), failure::exit_code_of(error))
}

/// What to do about faults whose own hint is to ask the doctor
/// (docs/storage.md has where this was measured).
const fn mending(fault: &Fault) -> Option<&'static str> {
    match fault {
        Fault::StorageDamaged { .. } => Some(
            "keep a copy of the store's folder; put back a backup of this very device, or with tee-supplicant stopped \
             clear the folder, its hidden .dirf.ready too (the boot guard would bring the damage back from that), \
             then restart the machine and bring the keys again",
        ),
        Fault::Died => Some(
            "see that the store's disk is mounted for writing and healthy (mount, dmesg); the secure console says why \
             the application ended",
        ),
        Fault::Tee { .. } => Some(
            "the store's disk may be failing (dmesg): do not try again before it is healthy; the secure console may \
             say more",
        ),
        Fault::NoDevice
        | Fault::NoPermission { .. }
        | Fault::DeviceFailed { .. }
        | Fault::NoTa { .. }
        | Fault::BadSignature { .. }
        | Fault::NotInGroup { .. }
        | Fault::LoginRefused
        | Fault::TimedOut { .. } => None,
    }
}

fn device() -> Outcome {
    match proseal_client::device::probe() {
        Ok(device) => Outcome::Fine(format!("{device} opens")),
        Err(fault) => of_error(&Error::Fault(fault)),
    }
}

/// The arguments of a running tee-supplicant.
fn supplicant_arguments() -> Option<Vec<String>> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes.map(|process| process.path()).find_map(|process| {
        let name = fs::read_to_string(process.join("comm")).ok()?;
        if name.trim() != "tee-supplicant" {
            return None;
        }
        let line = fs::read_to_string(process.join("cmdline")).unwrap_or_default();
        Some(line.split('\0').map(str::to_owned).collect())
    })
}

fn supplicant() -> Outcome {
    match supplicant_arguments() {
        Some(_) => Outcome::Fine("running".to_owned()),
        None => wrong(
            "not running, so OP-TEE can neither load applications nor store anything",
            "start it: `systemctl start tee-supplicant` (upstream's unit: tee-supplicant@teepriv0), or without systemd \
             `tee-supplicant -d` as root",
            failure::EXIT_NO_TEE,
        ),
    }
}

/// The store's folder, where tee-supplicant was told to keep it.
fn store_folder() -> PathBuf {
    let arguments = supplicant_arguments().unwrap_or_default();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if let Some(path) = argument.strip_prefix("--fs-parent-path=") {
            return PathBuf::from(path);
        }
        if (argument == "-f" || argument == "--fs-parent-path")
            && let Some(path) = arguments.next()
        {
            return PathBuf::from(path);
        }
    }
    PathBuf::from(STORE)
}

/// Something is wrong with the store's place.
fn unfit(found: String, hint: &str) -> Outcome {
    wrong(found, hint, failure::EXIT_FAILED)
}

/// The boot's mark that the store was whole is there, and the directory is
/// not: OP-TEE 4.10 removes one that it cannot read (docs/storage.md).
fn has_lost_directory(folder: &Path) -> bool {
    folder.join(".dirf.ready").exists() && !folder.join("dirf.db").exists()
}

fn storage(folder: &Path) -> Outcome {
    let at = folder.display();
    let hint_mount = "mount the disk that holds it, then start tee-supplicant";
    let disk = match rustix::fs::statvfs(folder) {
        Ok(disk) => disk,
        Err(error) => return unfit(format!("{at}: {error}"), hint_mount),
    };
    if disk.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return unfit(
            format!("{at} is on a disk that is mounted read-only"),
            "check the disk (fsck), then mount it again for writing",
        );
    }
    let room = disk.f_bavail.saturating_mul(disk.f_frsize);
    if room < ROOM_MIN {
        return unfit(
            format!("{at} has {} KiB left, which is too little", room / 1024),
            "make room on this disk",
        );
    }
    if has_lost_directory(folder) {
        return unfit(
            format!("{at} has lost its directory, dirf.db"),
            "call nothing of the TEE and restart the machine: before tee-supplicant starts, the boot guard puts it \
             back (docs/storage.md)",
        );
    }
    Outcome::Fine(format!("{at}, {} KiB left", room / 1024))
}

fn application(client: &mut Client) -> Outcome {
    match client.call(&Version) {
        Ok(version) => Outcome::Fine(format!("version {}", dotted(version.ta_version))),
        Err(error) => of_error(&error),
    }
}

fn state(client: &mut Client) -> Outcome {
    match client.call(&Status) {
        Ok(status) => match status.state {
            DeviceState::Factory => Outcome::Fine("factory: no keys are held yet".to_owned()),
            DeviceState::Enrolled => {
                Outcome::Fine(format!("enrolled: {} groups", status.groups.len()))
            }
            DeviceState::Damaged => of_error(&Error::Refused(proseal_proto::error::Code::Damaged)),
        },
        Err(error) => of_error(&error),
    }
}
