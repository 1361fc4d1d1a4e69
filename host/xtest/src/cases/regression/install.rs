//! 3000: contents. Whatever is refused must leave the device as it was.

use proseal_proto::content::{Content, Group, Label};
use proseal_proto::error::Code;
use proseal_proto::id::{DeviceId, PgkId};
use proseal_proto::limit;
use proseal_proto::message::Outcome;
use proseal_proto::profile::{Profile, Suite};
use proseal_proto::test_command::Scope;

use super::case;
use crate::case::{Case, Verdict};
use crate::check::Context;
use crate::device::lasting;
use crate::fixture::{self, GROUP, OTHER, TIME};

pub(in crate::cases) const CASES: &[Case] = &[
    case(3005, "a content for another device is refused", wrong_device),
    case(3006, "a profile or suite that this build lacks is refused", unsupported),
    case(3010, "two PGK Ids with the same 5 low bits are refused", pgk_id_clash),
    case(3011, "one key under two entries is refused", key_repeated),
    case(3018, "what is not a content is refused", malformed),
    case(3019, "a label that the profile has no use for is refused", label_unused),
    case(3001, "the same content again is the same", same),
    case(3002, "a lower sequence is superseded", superseded),
    case(3003, "an equal sequence with other content is refused", sequence_conflict),
    case(3004, "a held generation changes its windows, never its key", generation_conflict),
    case(3007, "unknown map keys are refused below 64 and ignored from there", unknown_keys),
    case(3008, "a 17th group is refused", too_many_groups),
    case(3009, "a fifth PGK of a group is refused", too_many_pgks),
    case(3012, "a time more than ten years ahead is refused", time_ahead),
    case(3013, "next ends what is below it, and only grows", next_ends),
    case(3014, "an entry below next is left out: partly", partly),
    case(3015, "scope whole removes what is not listed, scope added keeps it", scopes),
    case(3016, "a removed group comes back without its old generations", removed_group),
    case(3017, "a 33rd removed group is refused", too_many_removed),
    case(3020, "a key that a content ends does not come back in it as another entry", key_returns),
];

/// One group with these generations, key numbers equal to generations.
fn generations(sequence: u64, generations: &[u64]) -> Content<'static> {
    let pgks = generations.iter().map(|&g| fixture::pgk(g, g as usize)).collect();
    fixture::content(sequence, vec![fixture::group(GROUP, pgks)])
}

impl Context {
    /// The generations held of [`GROUP`], and its `next`.
    #[track_caller]
    fn holds(&mut self, generations: &[u64], next: u64) -> Verdict {
        let status = self.status()?;
        let group = status.groups.iter().find(|group| group.group == fixture::group_id(GROUP));
        let group = self.some("the group", group)?;
        let held: Vec<_> = group.pgks.iter().map(|pgk| pgk.generation.get()).collect();
        self.equal("generations", held, generations.to_vec());
        self.equal("next", group.next, next);
        Ok(())
    }

    #[track_caller]
    fn outcome(&mut self, scope: Scope, content: &Content<'_>, expected: Outcome) -> Verdict {
        let outcome = self.install(scope, content);
        let outcome = self.ok("install", outcome)?;
        self.equal("outcome", outcome, expected);
        Ok(())
    }
}

fn same(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.applied(Scope::Whole, &fixture::one_pgk())?;
    let before = c.status()?;
    c.outcome(Scope::Whole, &fixture::one_pgk(), Outcome::Same)?;
    let after = c.status()?;
    c.that("nothing changes", lasting(&before) == lasting(&after));
    Ok(())
}

fn superseded(c: &mut Context) -> Verdict {
    c.with_content(&generations(5, &[1]))?;
    let before = c.status()?;
    c.outcome(Scope::Whole, &generations(4, &[1, 2]), Outcome::Superseded)?;
    let after = c.status()?;
    c.that("nothing changes", before == after);
    Ok(())
}

fn sequence_conflict(c: &mut Context) -> Verdict {
    c.with_content(&generations(5, &[1]))?;
    c.refused_content(Scope::Whole, &generations(5, &[1, 2]), Code::SequenceConflict);
    Ok(())
}

fn generation_conflict(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.applied(Scope::Whole, &generations(1, &[1]))?;
    for what in ["key", "PGK Id", "suite", "label", "root"] {
        c.part(what, |c| {
            let mut content = generations(2, &[1]);
            let pgk = &mut content.groups[0].pgks[0];
            match what {
                "key" => pgk.key = fixture::key(9),
                "PGK Id" => pgk.id = PgkId(9),
                "suite" => pgk.policy.suite = Suite::Integrity,
                "label" => pgk.policy.label = fixture::label("other"),
                _ => pgk.is_root = true,
            }
            c.refused_content(Scope::Whole, &content, Code::GenerationConflict);
            Ok(())
        });
    }
    c.part("windows and limits", |c| {
        let mut content = generations(2, &[1]);
        let policy = &mut content.groups[0].pgks[0].policy;
        policy.not_after += 1;
        policy.epoch_packets = 5;
        c.applied(Scope::Whole, &content)?;
        let sent = c.send(GROUP, 1);
        let sent = c.ok("send", sent)?;
        c.equal("not_after", sent.not_after, fixture::policy().not_after + 1);
        c.equal("epoch_packets", sent.epoch_packets, 5);
        Ok(())
    });
    Ok(())
}

fn wrong_device(c: &mut Context) -> Verdict {
    c.fresh()?;
    let mut content = fixture::one_pgk();
    content.device = DeviceId([1; 16]);
    c.refused_content(Scope::Whole, &content, Code::WrongDevice);
    c.is_factory()
}

fn unsupported(c: &mut Context) -> Verdict {
    c.fresh()?;
    // 3gpp-ts33303 goes with suite 3gpp alone.
    for suite in [Suite::Aead, Suite::Integrity] {
        let mut pair = fixture::one_pgk();
        let policy = &mut pair.groups[0].pgks[0].policy;
        (policy.profile, policy.suite) = (Profile::Ts33303, suite);
        policy.label = Label::EMPTY;
        c.refused_content(Scope::Whole, &pair, Code::UnsupportedSuite);
    }

    // Numbers that no build knows: map key 7 is the profile, 8 the suite.
    for (key, code) in [(7, Code::UnsupportedProfile), (8, Code::UnsupportedSuite)] {
        let mut octets = fixture::encoded(&fixture::one_pgk());
        let at = octets.windows(4).position(|four| four == [7, 1, 8, 1]);
        let at = c.some("profile and suite in the content", at)?;
        octets[at + if key == 7 { 1 } else { 3 }] = 9;
        c.refused_octets(Scope::Whole, &octets, code);
    }
    c.is_factory()
}

/// What an operator sets is never without effect: of 3gpp-ts33303 only the step
/// from a root has the label.
fn label_unused(c: &mut Context) -> Verdict {
    c.fresh()?;
    let mut labelled = fixture::one_pgk();
    let pgk = &mut labelled.groups[0].pgks[0];
    (pgk.policy.profile, pgk.policy.suite) = (Profile::Ts33303, Suite::ThreeGpp);
    c.refused_content(Scope::Whole, &labelled, Code::LabelUnused);
    c.is_factory()?;
    labelled.groups[0].pgks[0].is_root = true;
    c.applied(Scope::Whole, &labelled)
}

/// The content with one more key in one of its maps. Each map is the last
/// thing in the map around it, so the new key goes to the very end.
fn with_key(sequence: u64, map: &str, key: u8) -> Vec<u8> {
    let mut octets = fixture::encoded(&generations(sequence, &[1]));
    let at = match map {
        "content" => 0,
        // The heads of the only group and the only PGK: a list of one (0x81)
        // under key 5, then a map.
        "group" => octets.windows(3).position(|w| w == [5, 0x81, 0xa5]).expect("a group") + 2,
        _ => octets.windows(3).position(|w| w == [5, 0x81, 0xaf]).expect("a PGK") + 2,
    };
    if octets[at] == 0xaf {
        // 15 entries become 16, in the same head.
        octets[at] = 0xb0;
    } else {
        octets[at] += 1;
    }
    if key < 24 {
        octets.extend([key, 0]);
    } else {
        octets.extend([0x18, key, 0]);
    }
    octets
}

fn unknown_keys(c: &mut Context) -> Verdict {
    c.fresh()?;
    for (sequence, map) in (1..).zip(["content", "group", "PGK"]) {
        c.part(map, |c| {
            let with_key = |key| with_key(sequence, map, key);
            c.refused_octets(Scope::Whole, &with_key(16), Code::ContentMalformed);
            c.refused_octets(Scope::Whole, &with_key(63), Code::ContentMalformed);
            let outcome = c.install_octets(Scope::Whole, &with_key(64));
            let outcome = c.ok("install with key 64", outcome)?;
            c.equal("outcome", outcome, Outcome::Applied);
            Ok(())
        });
    }
    Ok(())
}

fn too_many_groups(c: &mut Context) -> Verdict {
    c.fresh()?;
    let mut content = fixture::largest(1);
    content.groups.push(fixture::group(fixture::numbered_group(limit::GROUPS), vec![]));
    c.refused_content(Scope::Whole, &content, Code::TooManyGroups);
    c.is_factory()?;
    c.applied(Scope::Whole, &fixture::largest(1))?;
    let one_more = vec![fixture::group(fixture::numbered_group(limit::GROUPS), vec![])];
    c.refused_content(Scope::Added, &fixture::content(2, one_more), Code::TooManyGroups);
    Ok(())
}

fn too_many_pgks(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.refused_content(Scope::Whole, &generations(1, &[1, 2, 3, 4, 5]), Code::TooManyPgks);
    c.is_factory()?;
    c.applied(Scope::Whole, &generations(1, &[1, 2, 3, 4]))?;
    let mut one_more = generations(2, &[5]);
    one_more.groups[0].next = 1;
    c.refused_content(Scope::Added, &one_more, Code::TooManyPgks);
    c.holds(&[1, 2, 3, 4], 5)
}

fn pgk_id_clash(c: &mut Context) -> Verdict {
    c.fresh()?;
    let mut content = generations(1, &[1, 2]);
    content.groups[0].pgks[1].id = PgkId(0x21);
    c.refused_content(Scope::Whole, &content, Code::PgkIdClash);
    c.is_factory()
}

fn key_repeated(c: &mut Context) -> Verdict {
    c.fresh()?;
    let mut content = generations(1, &[1, 2]);
    content.groups[0].pgks[1].key = content.groups[0].pgks[0].key;
    c.refused_content(Scope::Whole, &content, Code::KeyRepeated);

    let other = fixture::group(GROUP + 1, vec![fixture::pgk(1, 1)]);
    let mut content = generations(1, &[1]);
    content.groups.push(other);
    c.refused_content(Scope::Whole, &content, Code::KeyRepeated);
    c.is_factory()
}

/// In 3gpp-ts33303 the same octets are the same epochs, whatever the generation:
/// PTK Ids would begin at 1 again, and so would their keys.
fn key_returns(c: &mut Context) -> Verdict {
    let with = |sequence, generation, next| {
        let mut content = generations(sequence, &[generation]);
        content.groups[0].next = next;
        let pgk = &mut content.groups[0].pgks[0];
        let policy = &mut pgk.policy;
        pgk.key = fixture::key(1);
        (policy.profile, policy.suite) = (Profile::Ts33303, Suite::ThreeGpp);
        (policy.label, policy.accept_rollback) = (Label::EMPTY, true);
        content
    };
    c.fresh()?;
    c.applied(Scope::Whole, &with(1, 1, 1))?;
    let sent = c.send(GROUP, 1);
    c.ok("send", sent)?;
    c.part("ended by next", |c| {
        for scope in [Scope::Whole, Scope::Added] {
            c.refused_content(scope, &with(2, 2, 2), Code::KeyRepeated);
        }
        Ok(())
    });
    c.part("not listed any more", |c| {
        c.refused_content(Scope::Whole, &with(2, 2, 1), Code::KeyRepeated);
        let mut other_group = with(2, 1, 1);
        other_group.groups[0].group = fixture::group_id(GROUP + 1);
        c.refused_content(Scope::Whole, &other_group, Code::KeyRepeated);
        Ok(())
    });
    c.part("ended by the content's time", |c| {
        let ends = fixture::policy().not_after + u64::from(fixture::policy().receive_grace_s);
        let mut later = with(2, 2, 1);
        later.time = ends + 1;
        later.groups[0].pgks[0].policy.not_after = ends + 1000;
        c.refused_content(Scope::Added, &later, Code::KeyRepeated);
        Ok(())
    });
    c.part("it stays", |c| {
        let mut both = with(2, 1, 1);
        both.groups[0].pgks.push(fixture::pgk(2, 2));
        c.applied(Scope::Whole, &both)?;
        let sent = c.send(GROUP, 1);
        let sent = c.ok("send", sent)?;
        c.equal("PTK Ids go on", sent.ptk_id.get(), 2);
        Ok(())
    });
    Ok(())
}

fn time_ahead(c: &mut Context) -> Verdict {
    const TEN_YEARS: u64 = 10 * 366 * 24 * 3600;
    c.fresh()?;
    c.applied(Scope::Whole, &generations(1, &[1]))?;
    let at = |sequence, time| Content { time, ..generations(sequence, &[1]) };
    // An hour for the time that passes meanwhile.
    c.refused_content(Scope::Whole, &at(2, TIME + TEN_YEARS + 3600), Code::TimeOutOfRange);
    c.refused_content(Scope::Whole, &at(2, u64::MAX), Code::TimeOutOfRange);
    c.applied(Scope::Whole, &at(2, TIME - 1))?;
    let floor = c.status()?.floor;
    c.floor_since(floor, TIME);
    c.applied(Scope::Whole, &at(3, TIME + TEN_YEARS))?;
    let floor = c.status()?.floor;
    c.floor_since(floor, TIME + TEN_YEARS);
    Ok(())
}

fn next_ends(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.applied(Scope::Whole, &generations(1, &[1, 2]))?;
    c.holds(&[1, 2], 3)?;
    let mut ending = generations(2, &[2]);
    ending.groups[0].next = 2;
    c.applied(Scope::Added, &ending)?;
    c.holds(&[2], 3)?;
    let sent = c.send(GROUP, 1);
    c.refused("send with what has ended", sent, Code::UnknownGeneration);

    let mut all = generations(3, &[]);
    all.groups[0].next = 100;
    c.applied(Scope::Added, &all)?;
    c.holds(&[], 100)?;
    let mut lower = generations(4, &[]);
    lower.groups[0].next = 1;
    c.applied(Scope::Added, &lower)?;
    c.holds(&[], 100)
}

fn partly(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.applied(Scope::Whole, &generations(1, &[5]))?;
    // Generation 3 was never held, and 5 has raised `next` to 6.
    let mut older = generations(2, &[3, 5, 7]);
    older.groups[0].next = 3;
    c.outcome(Scope::Whole, &older, Outcome::Partly)?;
    c.holds(&[5, 7], 8)?;
    c.outcome(Scope::Whole, &older, Outcome::Same)
}

fn scopes(c: &mut Context) -> Verdict {
    let two_groups = || {
        let mut content = generations(1, &[1, 2]);
        content.groups.push(fixture::group(GROUP + 1, vec![fixture::pgk(1, 20)]));
        content
    };
    let third = || {
        let mut content = generations(2, &[3]);
        content.groups[0].next = 1;
        content
    };
    c.part("added", |c| {
        c.fresh()?;
        c.applied(Scope::Whole, &two_groups())?;
        c.applied(Scope::Added, &third())?;
        c.holds(&[1, 2, 3], 4)?;
        let groups = c.status()?.groups.len();
        c.equal("groups", groups, 2);
        Ok(())
    });
    c.part("whole", |c| {
        c.fresh()?;
        c.applied(Scope::Whole, &two_groups())?;
        c.applied(Scope::Whole, &third())?;
        c.holds(&[3], 4)?;
        let groups = c.status()?.groups.len();
        c.equal("groups", groups, 1);
        let sent = c.send(GROUP + 1, 1);
        c.refused("send in the removed group", sent, Code::UnknownGroup);
        let received = c.receive(vec![fixture::epoch(GROUP, 1, OTHER, 1)]);
        let codes = c.ok("receive", received)?.into_iter().map(|item| item.err()).collect();
        c.equal("a removed PGK", codes, vec![Some(Code::UnknownGeneration)]);
        Ok(())
    });
    Ok(())
}

fn removed_group(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.applied(Scope::Whole, &generations(1, &[3]))?;
    c.applied(Scope::Whole, &fixture::content(2, vec![]))?;
    let groups = c.status()?.groups.len();
    c.equal("groups", groups, 0);
    c.outcome(Scope::Whole, &generations(3, &[3]), Outcome::Partly)?;
    c.holds(&[], 4)?;
    c.applied(Scope::Whole, &generations(4, &[4]))?;
    c.holds(&[4], 5)
}

fn too_many_removed(c: &mut Context) -> Verdict {
    let sixteen = |first: usize| -> Vec<Group<'static>> {
        let ids = (first..first + limit::GROUPS).map(fixture::numbered_group);
        ids.map(|id| fixture::group(id, vec![])).collect()
    };
    c.fresh()?;
    for (sequence, first) in [(1, 0), (2, 16), (3, 32)] {
        c.applied(Scope::Whole, &fixture::content(sequence, sixteen(first)))?;
    }
    let one_less = fixture::content(4, sixteen(32).split_off(1));
    c.refused_content(Scope::Whole, &one_less, Code::TooManyRemoved);
    c.applied(Scope::Whole, &fixture::content(4, sixteen(32)))?;
    Ok(())
}

fn malformed(c: &mut Context) -> Verdict {
    c.fresh()?;
    let whole = fixture::encoded(&fixture::one_pgk());
    let code = Code::ContentMalformed;
    c.part("cut", |c| {
        for len in (0..whole.len()).step_by(if c.level == 0 { 7 } else { 1 }) {
            let outcome = c.install_octets(Scope::Whole, &whole[..len]);
            c.refused("install", outcome, code);
        }
        Ok(())
    });
    c.part("an octet more", |c| {
        c.refused_octets(Scope::Whole, &[&whole[..], &[0]].concat(), code);
        Ok(())
    });
    c.part("not in its shortest form", |c| {
        // The sequence, 1, in two octets.
        let at = whole.windows(2).position(|two| two == [2, 1]);
        let at = c.some("the sequence in the content", at)?;
        let long = [&whole[..=at], &[0x18, 1], &whole[at + 2..]].concat();
        c.refused_octets(Scope::Whole, &long, code);
        Ok(())
    });
    type Change = fn(&mut Content<'static>);
    let changes: [(&str, Change); 6] = [
        ("sequence 0", |content| content.sequence = 0),
        ("an entry below its own next", |content| content.groups[0].next = 2),
        ("next 0", |content| content.groups[0].next = 0),
        ("groups out of order", |content| {
            content.groups.push(fixture::group(GROUP - 1, vec![]));
        }),
        ("an end before the start", |content| {
            content.groups[0].pgks[0].policy.not_after = TIME;
        }),
        ("epochs without time", |content| content.groups[0].pgks[0].policy.epoch_s = 0),
    ];
    for (what, change) in changes {
        c.part(what, |c| {
            let mut content = fixture::one_pgk();
            change(&mut content);
            c.refused_content(Scope::Whole, &content, code);
            Ok(())
        });
    }
    c.is_factory()
}
