//! A fleet joins one group of one manager: how fast, and what the group's keys cost to change
//! at 100, 1,000 and 10,000 members.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::crew;
use crate::crypto::{self, Crypto};
use crate::database::Kind;
use crate::failure::Failure;
use crate::manager::{Manager, processor_s};
use crate::radio::Radio;

const GROUP: &str = "0a0b0c";
/// Members at which the group's keys are changed.
const SIZES: [usize; 3] = [100, 1_000, 10_000];
/// How often, each time: the figure is the median.
const TURNS: usize = 5;
/// How long the public-key operations are measured, before each part of the fleet joins and in
/// the end.
const CRYPTO: Duration = Duration::from_secs(2);

/// How large it is, and how many connections it has at once.
pub(crate) struct Fleet {
    pub(crate) devices: usize,
    pub(crate) connections: usize,
    /// Processes of the one manager.
    pub(crate) servers: NonZeroUsize,
}

/// Figures, by name.
pub(crate) fn run(program: &Path, kind: Kind, fleet: &Fleet) -> Result<Value, Failure> {
    let mut cryptos = Vec::new();
    let manager = Manager::start(program, kind, fleet.servers)?;
    // Rotations follow each other here faster than any overlap would end.
    let group = ["group", "add", GROUP, "--joining", "approved", "--overlap", "0s"];
    manager.command(&group)?;
    let hands = fleet.connections;
    let (mut radios, mut took) = (Vec::<Radio>::new(), Took::default());
    let mut figures = Map::new();
    let sizes = SIZES.into_iter().filter(|size| *size < fleet.devices).chain([fleet.devices]);
    for size in sizes {
        // Some are excluded, and as many as wanted are left.
        let mut coming = Vec::new();
        for number in radios.len()..size + TURNS + radios.len().saturating_sub(took.members) {
            coming.push(Radio::new(number as u64 + 1, &manager.pinned)?);
        }
        crew::each("invited", 1, &mut coming, |radio| radio.invite(&manager))?;
        took.enrol += crew::each("enrolled", hands, &mut coming, |radio| radio.enrol(&manager))?;
        cryptos.push(crypto::measure(CRYPTO)?);
        let processors =
            || [manager.processor_s(), processor_s("self")].map(Option::unwrap_or_default);
        let began = processors();
        took.join += crew::each("joined", hands, &mut coming, |radio| radio.join(&manager, GROUP))?;
        for ((took, ended), began) in took.processor_s.iter_mut().zip(processors()).zip(began) {
            *took += ended - began;
        }
        took.members += coming.len();
        radios.append(&mut coming);
        let (rotate, exclude) = change(&manager, &radios, &mut took)?;
        if SIZES.contains(&size) {
            figures.insert(format!("rotate_{size}_us"), json!(rotate.as_micros() as u64));
            figures.insert(format!("exclude_{size}_us"), json!(exclude.as_micros() as u64));
        }
    }
    took.update = converge(&manager, &mut radios, hands)?;
    cryptos.push(crypto::measure(CRYPTO)?);
    let per_s = |count: usize, took: Duration| count as f64 / took.as_secs_f64();
    let joins = per_s(radios.len(), took.join);
    let mean = |of: fn(&Crypto) -> f64| cryptos.iter().map(of).sum::<f64>() / cryptos.len() as f64;
    let crypto = mean(|crypto| crypto.per_s);
    figures.insert("devices".to_owned(), json!(radios.len()));
    figures.insert("enrol_per_s".to_owned(), json!(per_s(radios.len(), took.enrol)));
    figures.insert("join_per_s".to_owned(), json!(joins));
    figures.insert("update_per_s".to_owned(), json!(per_s(radios.len(), took.update)));
    figures.insert("crypto_per_s".to_owned(), json!(crypto));
    figures.insert("ratio_join_crypto".to_owned(), json!(joins / crypto));
    figures.insert("crypto_ms_per_join".to_owned(), json!(mean(|crypto| crypto.ms)));
    for (of, s) in ["manager", "radios"].into_iter().zip(took.processor_s) {
        figures.insert(format!("{of}_ms_per_join"), json!(s * 1e3 / radios.len() as f64));
    }
    Ok(Value::Object(figures))
}

/// How long it took, all steps together.
#[derive(Default)]
struct Took {
    members: usize,
    enrol: Duration,
    join: Duration,
    update: Duration,
    /// The manager's and the radios' processor time while they joined, seconds.
    processor_s: [f64; 2],
}

/// Rotates, and excludes radios one after the other: the medians.
fn change(
    manager: &Manager,
    radios: &[Radio],
    took: &mut Took,
) -> Result<(Duration, Duration), Failure> {
    let (mut rotations, mut exclusions) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        let began = Instant::now();
        manager.operate(&format!("POST /v1/groups/{GROUP}/rotate"), Some(&json!({})))?;
        rotations.push(began.elapsed());
        // The newest: the older ones have their turn behind them.
        let radio = &radios[radios.len() - 1 - turn];
        let body = json!({ "device": radio.status()?.device.to_string() });
        let began = Instant::now();
        manager.operate(&format!("POST /v1/groups/{GROUP}/exclude"), Some(&body))?;
        exclusions.push(began.elapsed());
        took.members -= 1;
    }
    rotations.sort();
    exclusions.sort();
    Ok((rotations[TURNS / 2], exclusions[TURNS / 2]))
}

/// Each radio asks for what is new, and then holds what the manager has for it: the newest
/// generation, or nothing if it was excluded.
fn converge(manager: &Manager, radios: &mut [Radio], hands: usize) -> Result<Duration, Failure> {
    let took = crew::each("updated", hands, radios, |radio| radio.update(manager).map(drop))?;
    let group = manager.operate(&format!("GET /v1/groups/{GROUP}"), None)?;
    let live = |one: &Value| one["generation"].as_u64();
    let expected: Vec<_> =
        group["generations"].as_array().into_iter().flatten().filter_map(live).collect();
    let mut members = 0;
    for radio in radios {
        let status = radio.status()?;
        let held = status.groups.iter().flat_map(|group| &group.pgks);
        let held: Vec<_> = held.map(|pgk| pgk.generation.get()).collect();
        if held == expected {
            members += 1;
        } else if !held.is_empty() {
            let text = format!("{} holds {held:?}, not {expected:?}", radio.subscriber);
            return Err(Failure::Wrong(text));
        }
    }
    if group["members"].as_u64() != Some(members) || expected.is_empty() {
        return Err(Failure::Wrong(format!("{members} hold {expected:?} of {group}")));
    }
    Ok(took)
}
