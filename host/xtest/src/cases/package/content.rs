//! 4000: packages that open, and whose content has one fault.

use proseal_issuer::testing::{Value, fault};
use proseal_issuer::{DesiredState, Pgk};
use proseal_proto::error::Code;
use proseal_proto::profile::{Profile, Suite};

use super::case;
use super::flipped::flipped;
use crate::case::{Case, Verdict};
use crate::check::Context;
use crate::fixture::{self, GROUP, OTHER, TIME};
use crate::manager::{Manager, group, key_of, pgk, pgk_with};

pub(super) const CASES: &[Case] = &[
    case(4001, "another device than the headers'", device),
    case(4002, "another sequence than the headers'", sequence),
    case(4003, "an entry of the content is missing", missing),
    case(4004, "an unknown entry below 64", unknown),
    case(4005, "entries in another order", order),
    case(4006, "octets behind the content", trailing),
    case(4007, "a start nonce of another length", start_nonce),
    case(4008, "a time more than ten years ahead", time_ahead),
    case(4009, "a group id of 25 bits", group_id),
    case(4010, "a member id of 25 bits", member_id),
    case(4011, "a next of 0, or above 2^48", next),
    case(4012, "an entry of a group is missing", missing_of_group),
    case(4013, "a group twice, or in another order", groups_order),
    case(4014, "17 groups", too_many_groups),
    case(4015, "a generation of 0, or above 2^48", generation),
    case(4016, "a generation below the package's own next", below_next),
    case(4017, "a generation twice, or in another order", generations_order),
    case(4018, "five PGKs of a group", too_many_pgks),
    case(4019, "an entry of a PGK is missing", missing_of_pgk),
    case(4020, "a PGK Id of 9 bits", pgk_id),
    case(4021, "a key of 31 or 33 octets", key_length),
    case(4022, "a window that ends before it begins", window),
    case(4023, "an unknown profile", profile),
    case(4024, "an unknown suite", suite),
    case(4025, "a pair that is not allowed", pair),
    case(4026, "a label of 33 octets", label_length),
    case(4027, "a label where it is without effect", label_unused),
    case(4028, "an epoch of no time", epoch_s),
    case(4029, "an epoch of no packets", epoch_packets),
    case(4030, "a grace or limit above 32 bits", wide),
    case(4031, "a number where a boolean is asked for", boolean),
    case(4032, "equal keys under two entries", equal_keys),
    case(4033, "one root for two generations", one_root),
    case(4034, "two PGK Ids with one index", index),
    case(4035, "another key for a held generation", held_key),
    case(4036, "another fixed policy for a held generation", held_policy),
    case(4037, "another member id while a PGK is held", member_conflict),
    case(4038, "a content that claims more than there is", claims),
    case(4039, "a flipped bit anywhere in the content, sealed and signed anew", flipped),
];

/// Changes the content, and seals and signs it.
fn with(change: impl FnOnce(&mut fault::Part)) -> impl FnOnce(&Manager, fault::Package) -> Vec<u8> {
    |manager, mut package| {
        change(&mut package.content);
        manager.seal(&package)
    }
}

/// The path of an entry of the first PGK.
const fn of_pgk(key: i64) -> [i64; 5] {
    [5, 0, 5, 0, key]
}

impl Context {
    /// A value at `path` that is malformed there.
    #[track_caller]
    fn malformed(&mut self, path: &[i64], value: impl Into<Value>) -> Verdict {
        self.refuses(Code::ContentMalformed, with(|content| content.set(path, value)))
    }

    /// A state without a fault is applied, each time; then one of the same shape, whose
    /// fault is in what is new in it, is refused with `code`.
    #[track_caller]
    fn refused_state(
        &mut self,
        code: Code,
        good: impl Fn(&Manager) -> DesiredState,
        faulty: impl FnOnce(&Manager) -> DesiredState,
    ) -> Verdict {
        self.has_applied = false;
        self.refuses_of(good, code, |manager, _| manager.package(&faulty(manager)))
    }

    /// The same with a PGK beside the one that is held. Of one that is held it would be
    /// another fixed policy.
    #[track_caller]
    fn refused_pgk(&mut self, code: Code, change: impl FnOnce(&mut Pgk)) -> Verdict {
        self.refused_state(code, two_pgks, |manager| {
            let mut state = manager.holding(&[0, 2]);
            change(&mut state.groups[0].pgks[1]);
            state
        })
    }
}

fn device(c: &mut Context) -> Verdict {
    c.refuses(Code::HeadersDisagree, with(|content| content.set(&[1], Value::Bytes(vec![0; 16]))))
}

fn sequence(c: &mut Context) -> Verdict {
    for sequence in [1_u64, u64::MAX] {
        c.refuses(Code::HeadersDisagree, with(|content| content.set(&[2], sequence)))?;
    }
    Ok(())
}

fn missing(c: &mut Context) -> Verdict {
    for key in [1, 2, 3, 5] {
        c.refuses(Code::ContentMalformed, with(|content| content.remove(&[key])))?;
    }
    Ok(())
}

fn unknown(c: &mut Context) -> Verdict {
    c.malformed(&[6], 0)?;
    c.malformed(&[63], 0)?;
    c.malformed(&[5, 0, 6], 0)?;
    c.malformed(&of_pgk(16), 0)
}

fn order(c: &mut Context) -> Verdict {
    for path in [&[][..], &[5, 0], &[5, 0, 5, 0]] {
        c.refuses(Code::ContentMalformed, with(|content| content.reverse(path)))?;
    }
    Ok(())
}

fn trailing(c: &mut Context) -> Verdict {
    c.refuses(Code::ContentMalformed, |manager, mut package| {
        package.content = fault::Part::Octets([package.content.octets(), vec![0]].concat());
        manager.seal(&package)
    })
}

fn start_nonce(c: &mut Context) -> Verdict {
    for len in [0, 31, 33] {
        c.refuses_of(
            |manager| DesiredState { start_nonce: Some([1; 32]), ..manager.plain() },
            Code::ContentMalformed,
            with(|content| content.set(&[4], Value::Bytes(vec![1; len]))),
        )?;
    }
    Ok(())
}

fn time_ahead(c: &mut Context) -> Verdict {
    // Ten years and a day past what the floor can be by now.
    let time = TIME + 3662 * 24 * 3600;
    c.refuses(Code::TimeOutOfRange, with(|content| content.set(&[3], time)))?;
    c.refuses(Code::TimeOutOfRange, with(|content| content.set(&[3], u64::MAX)))
}

fn group_id(c: &mut Context) -> Verdict {
    c.malformed(&[5, 0, 1], 1_u64 << 24)
}

fn member_id(c: &mut Context) -> Verdict {
    c.malformed(&[5, 0, 2], 1_u64 << 24)
}

fn next(c: &mut Context) -> Verdict {
    c.malformed(&[5, 0, 3], 0)?;
    c.malformed(&[5, 0, 3], (1_u64 << 48) + 1)
}

fn missing_of_group(c: &mut Context) -> Verdict {
    for key in 1..=5 {
        c.refuses(Code::ContentMalformed, with(|content| content.remove(&[5, 0, key])))?;
    }
    Ok(())
}

fn groups_order(c: &mut Context) -> Verdict {
    let two = |manager: &Manager| {
        let other = group(GROUP + 1, vec![pgk_with(manager.first, 64)]);
        manager.state(vec![group(GROUP, vec![pgk(manager.first)]), other])
    };
    c.refuses_of(two, Code::ContentMalformed, with(|content| content.reverse(&[5])))?;
    c.refuses_of(two, Code::ContentMalformed, with(|content| content.set(&[5, 1, 1], GROUP)))
}

fn too_many_groups(c: &mut Context) -> Verdict {
    let groups = |count| {
        move |manager: &Manager| {
            manager.state((0..count).map(|at| group(GROUP + at, Vec::new())).collect())
        }
    };
    c.refused_state(Code::TooManyGroups, groups(16), groups(17))
}

fn generation(c: &mut Context) -> Verdict {
    c.malformed(&of_pgk(1), 0)?;
    c.malformed(&of_pgk(1), (1_u64 << 48) + 1)
}

fn below_next(c: &mut Context) -> Verdict {
    c.refuses(Code::ContentMalformed, |manager, mut package| {
        package.content.set(&[5, 0, 3], manager.first + 1);
        manager.seal(&package)
    })
}

fn generations_order(c: &mut Context) -> Verdict {
    c.refuses_of(two_pgks, Code::ContentMalformed, with(|content| content.reverse(&[5, 0, 5])))?;
    c.refuses_of(two_pgks, Code::ContentMalformed, |manager, mut package| {
        package.content.set(&[5, 0, 5, 1, 1], manager.first);
        manager.seal(&package)
    })
}

fn too_many_pgks(c: &mut Context) -> Verdict {
    c.refused_state(
        Code::TooManyPgks,
        |manager| manager.holding(&[0, 1, 2, 3]),
        |manager| manager.holding(&[0, 1, 2, 3, 4]),
    )
}

fn missing_of_pgk(c: &mut Context) -> Verdict {
    for key in 1..=15 {
        c.refuses(Code::ContentMalformed, with(|content| content.remove(&of_pgk(key))))?;
    }
    Ok(())
}

fn pgk_id(c: &mut Context) -> Verdict {
    c.malformed(&of_pgk(2), 256)
}

fn key_length(c: &mut Context) -> Verdict {
    for len in [0, 31, 33] {
        c.malformed(&of_pgk(3), Value::Bytes(vec![1; len]))?;
    }
    Ok(())
}

fn window(c: &mut Context) -> Verdict {
    c.malformed(&of_pgk(6), TIME - 1)?;
    c.malformed(&of_pgk(6), TIME)
}

fn profile(c: &mut Context) -> Verdict {
    for number in [0_u32, 3, 255] {
        c.refuses(Code::UnsupportedProfile, with(|content| content.set(&of_pgk(7), number)))?;
    }
    c.malformed(&of_pgk(7), 256)
}

fn suite(c: &mut Context) -> Verdict {
    for number in [0_u32, 4, 255] {
        c.refuses(Code::UnsupportedSuite, with(|content| content.set(&of_pgk(8), number)))?;
    }
    c.malformed(&of_pgk(8), 256)
}

/// One that is held, and one beside it.
fn two_pgks(manager: &Manager) -> DesiredState {
    manager.holding(&[0, 1])
}

fn pair(c: &mut Context) -> Verdict {
    for suite in [Suite::Aead, Suite::Integrity] {
        c.refused_pgk(Code::UnsupportedSuite, |pgk| {
            pgk.policy.profile = Profile::Ts33303;
            pgk.policy.suite = suite;
            pgk.policy.label = fixture::label("");
        })?;
    }
    Ok(())
}

fn label_length(c: &mut Context) -> Verdict {
    c.malformed(&of_pgk(9), "a label of thirty-three octets ..")
}

fn label_unused(c: &mut Context) -> Verdict {
    c.refused_pgk(Code::LabelUnused, |pgk| {
        pgk.policy.profile = Profile::Ts33303;
        pgk.policy.suite = Suite::ThreeGpp;
    })
}

fn epoch_s(c: &mut Context) -> Verdict {
    c.malformed(&of_pgk(10), 0)
}

fn epoch_packets(c: &mut Context) -> Verdict {
    c.malformed(&of_pgk(11), 0)
}

fn wide(c: &mut Context) -> Verdict {
    for key in 10..=14 {
        c.malformed(&of_pgk(key), 1_u64 << 32)?;
    }
    Ok(())
}

fn boolean(c: &mut Context) -> Verdict {
    c.malformed(&[5, 0, 4], 1)?;
    c.malformed(&of_pgk(4), 0)?;
    c.malformed(&of_pgk(15), 0)
}

fn equal_keys(c: &mut Context) -> Verdict {
    c.refused_state(Code::KeyRepeated, two_pgks, |manager| {
        let mut state = manager.holding(&[0, 2]);
        state.groups[0].pgks[1].key = pgk(manager.first).key;
        state
    })?;
    // The second one's generation and key.
    let two_groups = |offset, key: fn(u64) -> usize| {
        move |manager: &Manager| {
            let other = pgk_with(manager.first + offset, key(manager.first));
            let held = group(GROUP, vec![pgk(manager.first)]);
            manager.state(vec![held, group(GROUP + 1, vec![other])])
        }
    };
    c.refused_state(Code::KeyRepeated, two_groups(0, |_| 64), two_groups(1, key_of))
}

fn one_root(c: &mut Context) -> Verdict {
    // Beside what is held, two roots: each one's offset and key.
    let roots = |roots: [(u64, usize); 2]| {
        move |manager: &Manager| {
            let root = |(offset, key)| {
                let mut root = pgk_with(manager.first + offset, key);
                root.is_root = true;
                root
            };
            let [one, other] = roots.map(root);
            manager.state(vec![group(GROUP, vec![pgk(manager.first), one, other])])
        }
    };
    c.refused_state(Code::KeyRepeated, roots([(1, 64), (2, 65)]), roots([(3, 66), (4, 66)]))
}

fn index(c: &mut Context) -> Verdict {
    // That of the one before it, which is two generations older, with another high bit.
    c.refused_pgk(Code::PgkIdClash, |pgk| pgk.id.0 = pgk.id.0.wrapping_sub(2) ^ 0x20)
}

fn held_key(c: &mut Context) -> Verdict {
    c.refuses(
        Code::GenerationConflict,
        with(|content| content.set(&of_pgk(3), Value::Bytes(vec![0x99; 32]))),
    )
}

fn held_policy(c: &mut Context) -> Verdict {
    let changes: [(i64, Value); 5] =
        [(2, 0xff.into()), (4, true.into()), (7, 2.into()), (8, 2.into()), (9, "other".into())];
    for (key, value) in changes {
        c.refuses(Code::GenerationConflict, with(|content| content.set(&of_pgk(key), value)))?;
    }
    Ok(())
}

fn member_conflict(c: &mut Context) -> Verdict {
    c.refuses(Code::MemberConflict, with(|content| content.set(&[5, 0, 2], OTHER)))
}

/// Heads that claim thousands of items or octets: refused, and no memory is
/// asked for.
fn claims(c: &mut Context) -> Verdict {
    for claim in [&[0x9a, 0xff, 0xff, 0xff, 0xff][..], &[0x5a, 0x7f, 0xff, 0xff, 0xff]] {
        c.refuses(Code::ContentMalformed, |manager, mut package| {
            // {1: claim ...
            package.content = fault::Part::Octets([&[0xa1, 1], claim].concat());
            manager.seal(&package)
        })?;
    }
    // {5: an array of 2^32 - 1 groups.
    c.refuses(Code::TooManyGroups, |manager, mut package| {
        package.content = fault::Part::Octets(vec![0xa1, 5, 0x9a, 0xff, 0xff, 0xff, 0xff]);
        manager.seal(&package)
    })
}
