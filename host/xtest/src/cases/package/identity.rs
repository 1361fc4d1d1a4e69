//! 1000: the device's identity, its enrolment, and what it says of itself.

use proseal_issuer::testing::fault;
use proseal_issuer::{Statement, held_digest};
use proseal_proto::error::Code;
use proseal_proto::id::DeviceId;
use proseal_proto::message::{DeviceState, Enrol, GetStatement, Outcome};
use proseal_proto::test_command::Scope;
use sha2::{Digest, Sha256};

use super::{case, of_test_build};
use crate::case::{Case, Verdict};
use crate::check::Context;
use crate::fixture::{self, GROUP, TIME};
use crate::manager::{MANAGER, root};

// In an order in which few identities are made.
pub(super) const CASES: &[Case] = &[
    case(1001, "the first statement makes an identity, and the next ones keep it", first),
    case(1002, "a statement of a factory device says so", of_factory),
    case(1003, "enrol answers with a statement over the request", enrol),
    case(1004, "a statement tells what the device holds", of_enrolled),
    case(1005, "erase ends the identity: the next one is another", erased),
    case(1007, "a root key of zeros is none", no_root),
    case(1006, "a device that has a manager takes no other", enrolled_twice),
    case(1009, "without a manager nothing is imported", import_without),
    of_test_build(1008, "a device that is in use without a manager is not enrolled", in_use),
    case(1010, "any 32 octets are a root key, and sign nothing", strange_roots),
    of_test_build(1011, "nor is anything imported into one that is in use without", import_in_use),
];

fn first(c: &mut Context) -> Verdict {
    c.fresh()?;
    let status = c.status()?;
    c.that("no identity yet", status.device == DeviceId::NONE);
    let one = c.statement()?;
    let status = c.status()?;
    c.octets("the device's id", &status.device.0, &one.device.id().0);
    c.equal("device state", status.state, DeviceState::Factory);
    let other = c.statement()?;
    c.that("the same keys", one.device == other.device);
    Ok(())
}

fn of_factory(c: &mut Context) -> Verdict {
    c.free()?;
    let statement = c.statement()?;
    let nonce = c.status()?.start_nonce;
    c.octets("start nonce", &statement.start_nonce, &nonce);
    c.equal("state", statement.state as u8, DeviceState::Factory.number());
    c.equal("floor", statement.floor, 0);
    c.equal("sequence", statement.sequence, 0);
    c.octets("last package", &statement.package_digest, &[0; 32]);
    c.octets("root key", &statement.root_digest, &[0; 32]);
    c.octets("PGKs", &statement.held_digest, &held_digest([]));
    Ok(())
}

fn enrol(c: &mut Context) -> Verdict {
    c.free()?;
    let enrol = Enrol { root_key: *root(1).public().octets(), manager: MANAGER.0 };
    let reply = c.ta.call(&enrol);
    let octets = c.ok("enrol", reply)?.statement;
    let body = [&enrol.root_key[..], &enrol.manager].concat();
    let statement = c.verified(&octets, &Sha256::digest(&body).into())?;
    c.equal("state", statement.state as u8, DeviceState::Enrolled.number());
    c.octets("root key", &statement.root_digest, &root(1).public().digest());
    let status = c.status()?;
    c.equal("device state", status.state, DeviceState::Enrolled);
    c.octets("root key", &status.root_key, &enrol.root_key);
    c.octets("manager", &status.manager, &enrol.manager);
    c.octets("the device's id", &status.device.0, &statement.device.id().0);
    Ok(())
}

fn of_enrolled(c: &mut Context) -> Verdict {
    let mut manager = c.manager()?;
    let package = manager.package(&manager.plain());
    let reply = c.import(&package);
    let receipt = c.ok("import", reply)?;
    manager.sequence += 1;
    let receipt = c.verified(&receipt.statement, &Sha256::digest(&package).into())?;
    let statement = c.statement()?;
    c.that(
        "the receipt is a statement of after it",
        Statement { nonce: statement.nonce, floor: statement.floor, ..receipt } == statement,
    );
    c.equal("sequence", statement.sequence, manager.sequence);
    c.that("a floor of the package's time", (TIME..TIME + 24 * 3600).contains(&statement.floor));
    let held = held_digest([(fixture::group_id(GROUP), fixture::generation(manager.first))]);
    c.octets("PGKs", &statement.held_digest, &held);
    let digest =
        *proseal_issuer::Package::verify(&package, &c.trust()).expect("it is good").digest();
    c.octets("last package", &statement.package_digest, &digest);
    Ok(())
}

fn erased(c: &mut Context) -> Verdict {
    let one = c.manager()?.device;
    let refused = c.erase(DeviceId::NONE);
    c.refused("erase of a device without a name", refused, Code::WrongDevice);
    let erased = c.erase(one.id());
    c.ok("erase", erased)?;
    c.is_factory()?;
    let other = c.statement()?.device;
    c.that("other keys", one.x25519() != other.x25519());
    c.that("both are other", one.ed25519() != other.ed25519());
    Ok(())
}

fn enrolled_twice(c: &mut Context) -> Verdict {
    c.manager()?;
    for number in [1, 2] {
        let enrol = Enrol { root_key: *root(number).public().octets(), manager: MANAGER.0 };
        let reply = c.ta.call(&enrol);
        c.refused("enrol", reply, Code::WrongState);
    }
    let status = c.status()?;
    c.octets("root key", &status.root_key, root(1).public().octets());
    Ok(())
}

fn no_root(c: &mut Context) -> Verdict {
    c.free()?;
    let reply = c.ta.call(&Enrol { root_key: [0; 32], manager: MANAGER.0 });
    c.refused("enrol", reply, Code::OutOfRange);
    c.is_factory()
}

fn in_use(c: &mut Context) -> Verdict {
    c.with_content(&fixture::one_pgk())?;
    let enrol = Enrol { root_key: *root(1).public().octets(), manager: MANAGER.0 };
    let reply = c.ta.call(&enrol);
    c.refused("enrol", reply, Code::WrongState);
    let reply = c.ta.call(&GetStatement { nonce: [1; 32] });
    let octets = c.ok("statement", reply)?.statement;
    c.verified(&octets, &[1; 32])?;
    Ok(())
}

fn import_without(c: &mut Context) -> Verdict {
    let manager = c.manager()?;
    let package = manager.package(&manager.plain());
    c.imported(&package, Outcome::Applied)?;
    c.fresh()?;
    let reply = c.import(&package);
    c.refused("import", reply, Code::WrongState);
    Ok(())
}

fn import_in_use(c: &mut Context) -> Verdict {
    let manager = c.manager()?;
    let package = manager.package(&manager.plain());
    c.imported(&package, Outcome::Applied)?;
    c.fresh()?;
    c.applied(Scope::Whole, &fixture::one_pgk())?;
    let reply = c.import(&package);
    c.refused("import", reply, Code::WrongState);
    Ok(())
}

/// Points of low order, no points, numbers beyond the field: OP-TEE's own
/// verification would end the TA at some of them. Under the neutral point, in each of its
/// forms, the signature of R = that point and S = 0 holds for any message, if low order is
/// not looked for: with it anyone could name a signer.
fn strange_roots(c: &mut Context) -> Verdict {
    let neutral: [u8; 32] = std::array::from_fn(|at| u8::from(at == 0));
    // The field's prime and 1: the neutral point again, in another form.
    let other_form: [u8; 32] = std::array::from_fn(|at| match at {
        0 => 0xee,
        31 => 0x7f,
        _ => 0xff,
    });
    let signature = [neutral, [0; 32]].concat();
    let roots = [neutral, other_form, [0xff; 32], [2; 32], [0x80; 32]];
    // Each costs an identity.
    for root_key in roots.into_iter().take(if c.level == 0 { 1 } else { roots.len() }) {
        c.fresh()?;
        let reply = c.ta.call(&Enrol { root_key, manager: MANAGER.0 });
        c.ok("enrol", reply)?;
        let manager = c.manager_of_enrolled()?;
        let mut package = manager.draft(&manager.plain());
        let delegation = fault::delegation(manager.signer.delegation());
        package.unprotected = fault::with_delegation(&delegation.with_signature(&signature));
        let reply = c.import(&manager.seal(&package));
        c.refused("import", reply, Code::UntrustedSigner);
    }
    Ok(())
}
