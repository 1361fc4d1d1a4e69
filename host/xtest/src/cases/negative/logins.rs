//! 5000: logins and openings that are refused, and by whom.

use std::os::unix::fs::MetadataExt;

use rustix::io::Errno;

use super::case;
use super::requests::BAD_PARAMETERS;
use crate::case::{Case, Verdict};
use crate::check::Context;
use crate::ioctl::{PARAMS, Param, Refusal, kind, login};
use crate::line::{group_data, uuid};

pub(super) const CASES: &[Case] = &[
    case(5001, "the TA refuses a user's login", user),
    case(5002, "the TA refuses the login of a group that has no role", own_group),
    case(5003, "the kernel refuses the login of a group that the caller is not in", other_group),
    case(5004, "the kernel refuses an application's login", application),
    case(5005, "the kernel refuses a user's application's login", user_application),
    case(5006, "the kernel refuses a group's application's login", group_application),
    case(5007, "the kernel refuses the kernel's own login", kernel),
    case(5008, "the kernel refuses a login that does not exist", unknown_login),
    case(5011, "the TA refuses a session with parameters", parameters),
    case(5012, "a UUID that differs in one bit names no TA", other_uuid),
];

/// `TEEC_ERROR_ACCESS_DENIED` from the TA.
const ACCESS_DENIED: Refusal = Refusal::Tee { result: 0xffff_0001, origin: 4 };
/// `TEEC_ERROR_ITEM_NOT_FOUND` from OP-TEE.
const ITEM_NOT_FOUND: Refusal = Refusal::Tee { result: 0xffff_0008, origin: 3 };
/// A group of which nobody is a member.
const NOBODYS: u32 = 64_123;

fn opened(
    c: &mut Context,
    uuid: [u8; 16],
    login: u32,
    client: [u8; 16],
    params: [Param; PARAMS],
    expected: Refusal,
) -> Verdict {
    let line = c.line()?;
    let session = line.device.open_session(uuid, login, client, params);
    c.equal("opening a session", session.map(drop), Err(expected));
    Ok(())
}

fn logged_in(c: &mut Context, login: u32, group: u32, expected: Refusal) -> Verdict {
    opened(c, uuid(), login, group_data(group), [Param::NONE; PARAMS], expected)
}

fn user(c: &mut Context) -> Verdict {
    logged_in(c, login::USER, 0, ACCESS_DENIED)
}

fn own_group(c: &mut Context) -> Verdict {
    let own = std::fs::metadata("/proc/self").map(|process| process.gid());
    let own = c.ok("the caller's group", own)?;
    logged_in(c, login::GROUP, own, ACCESS_DENIED)
}

fn other_group(c: &mut Context) -> Verdict {
    logged_in(c, login::GROUP, NOBODYS, Refusal::Kernel(Errno::PERM))
}

fn application(c: &mut Context) -> Verdict {
    logged_in(c, login::APPLICATION, 0, Refusal::Kernel(Errno::INVAL))
}

fn user_application(c: &mut Context) -> Verdict {
    logged_in(c, login::USER_APPLICATION, 0, Refusal::Kernel(Errno::INVAL))
}

fn group_application(c: &mut Context) -> Verdict {
    logged_in(c, login::GROUP_APPLICATION, 0, Refusal::Kernel(Errno::INVAL))
}

fn kernel(c: &mut Context) -> Verdict {
    logged_in(c, login::KERNEL, 0, Refusal::Kernel(Errno::PERM))
}

fn unknown_login(c: &mut Context) -> Verdict {
    for login in [3, 7, 0x7fff_ffff, 0xc000_0000, u32::MAX] {
        logged_in(c, login, 0, Refusal::Kernel(Errno::INVAL))?;
    }
    Ok(())
}

fn parameters(c: &mut Context) -> Verdict {
    let value = Param { kind: kind::VALUE_INOUT, a: 1, b: 2, c: 0 };
    for at in 0..PARAMS {
        let mut params = [Param::NONE; PARAMS];
        params[at] = value;
        opened(c, uuid(), login::PUBLIC, [0; 16], params, BAD_PARAMETERS)?;
    }
    Ok(())
}

fn other_uuid(c: &mut Context) -> Verdict {
    for at in [0, 7, 15] {
        let mut other = uuid();
        other[at] ^= 1;
        opened(c, other, login::PUBLIC, [0; 16], [Param::NONE; PARAMS], ITEM_NOT_FOUND)?;
    }
    Ok(())
}
