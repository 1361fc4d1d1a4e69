//! 2000: `send` and `receive`. Keys are compared with what the harness
//! computes by itself.

use proseal_proto::command::{Id, encode_request};
use proseal_proto::content::{Content, Pgk};
use proseal_proto::error::Code;
use proseal_proto::id::{EpochSalt, MemberId};
use proseal_proto::key::KeyPair;
use proseal_proto::limit;
use proseal_proto::message::{Receive, ReceiveItem, SendReply};
use proseal_proto::profile::Suite;
use proseal_proto::test_command::Scope;

use super::case;
use crate::case::{Case, Verdict};
use crate::check::Context;
use crate::derivation::expected;
use crate::fixture::{self, GROUP, MEMBER, OTHER};

pub(in crate::cases) const CASES: &[Case] = &[
    case(2001, "each send is a new epoch: PTK Id, salt and keys", new_epochs),
    case(2004, "receiver keys for the own member id are refused", own_member),
    case(2006, "an empty batch and one of 65 are refused", wrong_batch),
    case(2007, "an error in one item of a batch leaves the others alone", errors_in_batch),
    case(2009, "send names what is not held", unknown),
    case(2012, "a malformed epoch of a batch is refused alone", malformed_in_batch),
    case(2002, "send gives the keys of the specification, in each suite", send_keys),
    case(2003, "receive gives the keys of the specification, in each suite", receive_keys),
    case(2005, "a batch of 64 is answered item by item, in order", whole_batch),
    case(2008, "without the right to send a device still receives", not_sender),
    case(2010, "every input of the derivation changes both keys", separation),
    case(2011, "a root gives each of its groups a PGK of its own", roots),
];

impl Context {
    /// Compares a pair with what the specification says.
    #[track_caller]
    fn keys(&mut self, keys: &KeyPair, pgk: &Pgk<'_>, epoch: &ReceiveItem) {
        let expected = expected(pgk, epoch);
        self.octets("IK", keys.ik.expose(), &expected.ik);
        self.octets("CK", keys.ck.expose(), &expected.ck);
    }
}

/// The epoch that a `send` has opened.
fn opened(group: u32, sent: &SendReply) -> ReceiveItem {
    ReceiveItem {
        group: fixture::group_id(group),
        generation: sent.generation,
        sender: sent.member,
        ptk_id: sent.ptk_id,
        salt: sent.salt,
    }
}

const SUITES: [Suite; 3] = [Suite::Aead, Suite::Integrity, Suite::ThreeGpp];

/// One PGK for each suite, generations 1 to 3.
fn every_suite() -> Content<'static> {
    let pgks = SUITES.into_iter().zip(1..).map(|(suite, generation)| {
        let mut pgk = fixture::pgk(generation, generation as usize);
        pgk.policy.suite = suite;
        pgk
    });
    fixture::content(1, vec![fixture::group(GROUP, pgks.collect())])
}

fn new_epochs(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.applied(Scope::Whole, &fixture::one_pgk())?;
    let first = c.send(GROUP, 1);
    let mut last = c.ok("send", first)?;
    c.equal("the first PTK Id", last.ptk_id.get(), 1);
    for _ in 0..8 * (c.level + 1) {
        let next = c.send(GROUP, 1);
        let next = c.ok("send", next)?;
        c.equal("PTK Id", next.ptk_id.get(), last.ptk_id.get() + 1);
        c.differ("salt", &next.salt.0, &last.salt.0);
        c.differ("IK", next.keys.ik.expose(), last.keys.ik.expose());
        c.differ("CK", next.keys.ck.expose(), last.keys.ck.expose());
        c.differ("IK and CK", next.keys.ik.expose(), next.keys.ck.expose());
        last = next;
    }
    Ok(())
}

fn send_keys(c: &mut Context) -> Verdict {
    let content = every_suite();
    c.with_content(&content)?;
    for pgk in &content.groups[0].pgks {
        c.part(pgk.policy.suite.name(), |c| {
            let sent = c.send(GROUP, pgk.generation.get());
            let sent = c.ok("send", sent)?;
            c.equal("generation", sent.generation, pgk.generation);
            c.equal("PGK Id", sent.pgk_id, pgk.id);
            c.equal("member", sent.member, fixture::member(MEMBER));
            c.equal("suite", sent.suite, pgk.policy.suite);
            c.equal("not_after", sent.not_after, pgk.policy.not_after);
            c.equal("epoch_s", sent.epoch_s, pgk.policy.epoch_s);
            c.equal("epoch_packets", sent.epoch_packets, pgk.policy.epoch_packets);
            c.keys(&sent.keys, pgk, &opened(GROUP, &sent));
            Ok(())
        });
    }
    Ok(())
}

fn receive_keys(c: &mut Context) -> Verdict {
    let content = every_suite();
    c.with_content(&content)?;
    for pgk in &content.groups[0].pgks {
        c.part(pgk.policy.suite.name(), |c| {
            for (sender, ptk_id) in [(OTHER, 1), (0, 2), (0x00ff_ffff, u16::MAX)] {
                let epoch = fixture::epoch(GROUP, pgk.generation.get(), sender, ptk_id);
                let keys = c.receive_one(epoch)?;
                c.keys(&keys, pgk, &epoch);
            }
            Ok(())
        });
    }
    c.part("keys of 128 bits are padded with zeros", |c| {
        let keys = c.receive_one(fixture::epoch(GROUP, 3, OTHER, 1))?;
        c.octets("end of IK", &keys.ik.expose()[16..], &[0; 16]);
        c.octets("end of CK", &keys.ck.expose()[16..], &[0; 16]);
        Ok(())
    });
    Ok(())
}

fn own_member(c: &mut Context) -> Verdict {
    c.with_content(&fixture::one_pgk())?;
    let reply = c.receive(vec![fixture::epoch(GROUP, 1, MEMBER, 1)]);
    let reply = c.ok("receive", reply)?;
    let codes: Vec<_> = reply.into_iter().map(|item| item.err()).collect();
    c.equal("the item's code", codes, vec![Some(Code::OwnMember)]);
    Ok(())
}

fn whole_batch(c: &mut Context) -> Verdict {
    let content = every_suite();
    c.with_content(&content)?;
    let items: Vec<_> = (0..limit::BATCH)
        .map(|at| fixture::epoch(GROUP, at as u64 % 3 + 1, OTHER + at as u32, at as u16 + 1))
        .collect();
    for _ in 0..=c.level {
        let reply = c.receive(items.clone());
        let reply = c.ok("receive", reply)?;
        c.equal("items", reply.len(), items.len());
        for (epoch, keys) in items.iter().zip(reply) {
            let keys = c.ok("the item", keys)?;
            let pgks = content.groups[0].pgks.iter();
            let pgk = pgks.into_iter().find(|pgk| pgk.generation == epoch.generation);
            let pgk = c.some("the item's PGK", pgk)?;
            c.keys(&keys, pgk, epoch);
        }
    }
    Ok(())
}

fn wrong_batch(c: &mut Context) -> Verdict {
    c.with_content(&fixture::one_pgk())?;
    let none = c.receive(Vec::new());
    c.refused("no item", none, Code::OutOfRange);
    let many = vec![fixture::epoch(GROUP, 1, OTHER, 1); limit::BATCH + 1];
    let many = c.receive(many);
    c.refused("65 items", many, Code::OutOfRange);
    Ok(())
}

fn errors_in_batch(c: &mut Context) -> Verdict {
    let content = fixture::one_pgk();
    c.with_content(&content)?;
    let good = fixture::epoch(GROUP, 1, OTHER, 1);
    let reply = c.receive(vec![
        good,
        fixture::epoch(GROUP + 1, 1, OTHER, 1),
        fixture::epoch(GROUP, 2, OTHER, 1),
        fixture::epoch(GROUP, 1, MEMBER, 1),
        good,
    ]);
    let reply = c.ok("receive", reply)?;
    let codes = reply.iter().map(|item| item.as_ref().err().copied()).collect();
    c.equal(
        "the items' codes",
        codes,
        vec![
            None,
            Some(Code::UnknownGroup),
            Some(Code::UnknownGeneration),
            Some(Code::OwnMember),
            None,
        ],
    );
    for keys in reply.iter().flatten() {
        c.keys(keys, &content.groups[0].pgks[0], &good);
    }
    Ok(())
}

/// What a message cannot hold, as octets: it is one epoch that is refused, and
/// no request.
fn malformed_in_batch(c: &mut Context) -> Verdict {
    c.with_content(&fixture::one_pgk())?;
    let epoch = fixture::epoch(GROUP, 1, OTHER, 1);
    let keys = expected(&fixture::pgk(1, 0), &epoch);
    let keys = [&[0; 4], &keys.ik[..], &keys.ck].concat();
    let mut good = Vec::new();
    let encoded = encode_request(&Receive { items: vec![epoch; 3] }, &mut good);
    c.ok("three epochs", encoded.map_err(Code::from))?;
    let before = c.status()?.refusals;
    let above = (limit::GENERATION + 1).to_be_bytes();
    // group 3, generation 8, sender 3, then the PTK Id
    for (what, at, octets) in [
        ("PTK Id 0", 14, &[0; 2][..]),
        ("generation 0", 3, &[0; 8]),
        ("generation 2^48 + 1", 3, &above),
    ] {
        // version 2, count 2, then 24 octets an epoch
        let mut request = good.clone();
        request[4 + 24 + at..][..octets.len()].copy_from_slice(octets);
        let response = c.target.raw(Id::Receive.number(), &request);
        let response = c.ok(what, response)?;
        let refused = [&Code::OutOfRange.number().to_be_bytes()[..], &[0; 64]].concat();
        c.octets(what, &response, &[&[0, 0, 0, 0, 0, 3], &keys[..], &refused, &keys].concat());
    }
    let after = c.status()?.refusals;
    c.equal("refused requests", after, before);
    Ok(())
}

fn not_sender(c: &mut Context) -> Verdict {
    c.fresh()?;
    let mut content = fixture::one_pgk();
    content.groups[0].may_send = false;
    c.applied(Scope::Whole, &content)?;
    let sent = c.send(GROUP, 1);
    c.refused("send", sent, Code::NotSender);
    let epoch = fixture::epoch(GROUP, 1, OTHER, 1);
    let keys = c.receive_one(epoch)?;
    c.keys(&keys, &content.groups[0].pgks[0], &epoch);
    Ok(())
}

fn unknown(c: &mut Context) -> Verdict {
    c.with_content(&fixture::one_pgk())?;
    let sent = c.send(GROUP + 1, 1);
    c.refused("send in another group", sent, Code::UnknownGroup);
    let sent = c.send(GROUP, 2);
    c.refused("send with another generation", sent, Code::UnknownGeneration);
    Ok(())
}

fn separation(c: &mut Context) -> Verdict {
    c.fresh()?;
    // Salt, sender and PTK Id change alone. A generation and a group bring
    // another PGK with them, since no two may have the same.
    let mut labelled = fixture::pgk(2, 1);
    labelled.policy.label = fixture::label("an operator label of 32 octets..");
    let groups = vec![
        fixture::group(GROUP, vec![fixture::pgk(1, 0), labelled]),
        fixture::group(GROUP + 1, vec![fixture::pgk(1, 2)]),
    ];
    let content = fixture::content(1, groups);
    c.applied(Scope::Whole, &content)?;

    let base = fixture::epoch(GROUP, 1, OTHER, 1);
    let mut salted = base;
    salted.salt = EpochSalt([0x5a; 8]);
    let mut sender = base;
    sender.sender = MemberId::from_octets([0, 0, 3]);
    let mut ptk_id = base;
    ptk_id.ptk_id = fixture::epoch(GROUP, 1, OTHER, 2).ptk_id;
    let epochs = [
        base,
        salted,
        sender,
        ptk_id,
        ReceiveItem { generation: fixture::generation(2), ..base },
        ReceiveItem { group: fixture::group_id(GROUP + 1), ..base },
    ];
    let reply = c.receive(epochs.to_vec());
    let reply = c.ok("receive", reply)?;
    let mut seen: Vec<[u8; 32]> = Vec::new();
    for (epoch, keys) in epochs.iter().zip(reply) {
        let keys = c.ok("the item", keys)?;
        let group = content.groups.iter().find(|group| group.group == epoch.group);
        let pgk = group.and_then(|g| g.pgks.iter().find(|p| p.generation == epoch.generation));
        let pgk = c.some("the item's PGK", pgk)?;
        c.keys(&keys, pgk, epoch);
        for key in [keys.ik.expose(), keys.ck.expose()] {
            c.that("no key comes twice", !seen.contains(key));
            seen.push(*key);
        }
    }
    Ok(())
}

fn roots(c: &mut Context) -> Verdict {
    c.fresh()?;
    let groups = [GROUP, GROUP + 1].map(|id| {
        let mut root = fixture::pgk(1, 0);
        root.is_root = true;
        fixture::group(id, vec![root])
    });
    let content = fixture::content(1, groups.into());
    c.applied(Scope::Whole, &content)?;
    let mut given = Vec::new();
    for id in [GROUP, GROUP + 1] {
        let epoch = fixture::epoch(id, 1, OTHER, 1);
        let keys = c.receive_one(epoch)?;
        c.keys(&keys, &content.groups[0].pgks[0], &epoch);
        given.push(*keys.ck.expose());
    }
    c.differ("the groups' CK", &given[0], &given[1]);
    Ok(())
}
