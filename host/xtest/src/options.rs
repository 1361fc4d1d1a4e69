//! The command line.

use std::hash::{BuildHasher, RandomState};
use std::num::ParseIntError;
use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};

use crate::cases;
use crate::selection::Filter;

/// What `-h` prints.
pub(crate) const USAGE: &str = "\
Usage: prose-xtest [options] [[-x] <test-id>]...

Tests ProSeal's trusted application: the product in suite package, but for
package_1008 and 1011, and in negative_9001 to 9003; its test build in all
others. It erases the device of both.

<test-id> is a whole id (regression_1001), a number (1001: that case of each
suite) or the start of either with a * (regression_10*). Ids apply from left to
right, the last that matches decides; without any, all cases run.

  -x <test-id>   leave this one out
  -t <suites>    only these suites, with + between: regression+kat
  -l <level>     0 to 15: above 0 loops are longer
  --seed N       where the random calls of suite fuzz start; drawn if not said
  --state FILE   where storage_1001 leaves what storage_1002 checks after a
                 restart of the machine
  --junit FILE   also write the results as JUnit XML
  --list         print all ids and titles
  -h, --help     print this

Exit status: 0 all passed, 1 one failed or none ran, 2 wrong usage or no TEE.
";

/// Beside tee-supplicant's store, so that both are there after a restart.
const STATE_FILE: &str = "/var/lib/optee-client/data/prose-xtest.state";
/// xtest's highest level.
const LEVEL_MAX: u32 = 15;

/// What the command line asks for.
pub(crate) enum Action {
    /// Run cases.
    Run(Options),
    /// Print the table.
    List,
    /// Print the usage.
    Help,
    /// Be the other process of a case, which makes this call.
    #[cfg(feature = "optee")]
    Call {
        /// The command.
        number: u32,
        /// The request, as hexadecimal digits.
        request: String,
    },
}

/// How to run.
#[derive(Clone)]
pub(crate) struct Options {
    /// Suites to choose from, in the order that was given.
    pub(crate) suites: Vec<String>,
    /// Ids to take and leave, in order.
    pub(crate) filters: Vec<Filter>,
    /// 0 to 15.
    pub(crate) level: u32,
    /// Where random calls start.
    pub(crate) seed: u64,
    /// Where to write JUnit XML.
    pub(crate) junit: Option<PathBuf>,
    /// What a case leaves for after a restart of the machine.
    pub(crate) state: PathBuf,
}

impl Options {
    /// Reads the command line.
    pub(crate) fn parse(mut args: Parser) -> Result<Action, lexopt::Error> {
        let mut options = Self {
            suites: cases::SUITES.iter().copied().map(String::from).collect(),
            filters: Vec::new(),
            level: 0,
            seed: RandomState::new().hash_one(0),
            junit: None,
            state: PathBuf::from(STATE_FILE),
        };
        while let Some(arg) = args.next()? {
            match arg {
                Arg::Short('h') | Arg::Long("help") => return Ok(Action::Help),
                Arg::Long("list") => return Ok(Action::List),
                #[cfg(feature = "optee")]
                Arg::Long(crate::child::OPTION) => {
                    let (number, request) = (args.value()?.parse()?, args.value()?.string()?);
                    return Ok(Action::Call { number, request });
                }
                Arg::Long("junit") => options.junit = Some(args.value()?.into()),
                Arg::Long("seed") => options.seed = args.value()?.parse_with(number)?,
                Arg::Long("state") => options.state = args.value()?.into(),
                Arg::Short('t') => options.suites = suites(&args.value()?.string()?)?,
                Arg::Short('l') => options.level = args.value()?.parse_with(level)?,
                Arg::Short('x') => {
                    options.filters.push(Filter { take: false, id: args.value()?.string()? });
                }
                Arg::Value(id) => options.filters.push(Filter { take: true, id: id.string()? }),
                _ => return Err(arg.unexpected()),
            }
        }
        Ok(Action::Run(options))
    }
}

fn suites(list: &str) -> Result<Vec<String>, String> {
    list.split('+')
        .map(|suite| match suite {
            suite if cases::SUITES.contains(&suite) => Ok(suite.to_owned()),
            suite => Err(format!("no such suite: {suite:?}")),
        })
        .collect()
}

/// A number, also as it is printed: hexadecimal behind `0x`.
fn number(text: &str) -> Result<u64, ParseIntError> {
    text.strip_prefix("0x").map_or_else(|| text.parse(), |hex| u64::from_str_radix(hex, 16))
}

fn level(text: &str) -> Result<u32, String> {
    text.parse().ok().filter(|&level| level <= LEVEL_MAX).ok_or(format!("not 0 to {LEVEL_MAX}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Options, String> {
        let args = [&["prose-xtest"], args].concat();
        match Options::parse(Parser::from_iter(args)) {
            Ok(Action::Run(options)) => Ok(options),
            Ok(_) => Err(String::from("does not run")),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn ids_and_options_mix_in_any_order() {
        let options = parse(&["1001", "-t", "kat+storage", "-x", "1003", "-l", "15"]).unwrap();
        assert_eq!(options.suites, ["kat", "storage"]);
        assert_eq!(options.level, 15);
        assert_eq!(parse(&["--seed", "0xff"]).unwrap().seed, 255);
        let filters: Vec<_> = options.filters.iter().map(|f| (f.take, f.id.as_str())).collect();
        assert_eq!(filters, [(true, "1001"), (false, "1003")]);
    }

    #[test]
    fn wrong_usage_is_refused() {
        for args in [
            &["-l", "16"][..],
            &["-l", "x"],
            &["-t", "gp"],
            &["-x"],
            &["--seed", "x"],
            &["--nonsense"],
        ] {
            assert!(parse(args).is_err(), "{args:?}");
        }
    }
}
