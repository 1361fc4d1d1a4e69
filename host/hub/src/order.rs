//! What the hub is told while it runs, a line each.

use std::time::Duration;

use crate::fault::Faults;

/// An order.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// The link is as bad as this from now on.
    Faults(Faults),
    /// A port's cable is pulled, or put back.
    Port {
        /// Its name.
        name: String,
        /// Put back.
        is_up: bool,
    },
    /// Say the counts.
    Count,
}

/// Why a line is no order.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OrderError {
    /// The word is none of these.
    #[error(
        "{0:?} is no order: loss, duplication, reordering (shares), delay, jitter, held (milliseconds), up, down (a port), count"
    )]
    Unknown(String),
    /// What follows it is not one value.
    #[error("{0} takes one value")]
    Value(String),
    /// A share is not one.
    #[error("{0:?} is no share: a number from 0 to 1")]
    Share(String),
    /// A time is not one.
    #[error("{0:?} is no time: whole milliseconds, up to an hour")]
    Time(String),
}

impl Order {
    /// Reads a line, which may change one of the link's present `faults`.
    ///
    /// # Errors
    ///
    /// The line is none.
    pub fn parse(line: &str, faults: Faults) -> Result<Self, OrderError> {
        let mut words = line.split_whitespace();
        let word = words.next().unwrap_or_default();
        if word == "count" {
            return Ok(Self::Count);
        }
        let is_known =
            ["loss", "duplication", "reordering", "delay", "jitter", "held", "up", "down"];
        if !is_known.contains(&word) {
            return Err(OrderError::Unknown(word.to_owned()));
        }
        let (Some(value), None) = (words.next(), words.next()) else {
            return Err(OrderError::Value(word.to_owned()));
        };
        let mut changed = faults;
        match word {
            "loss" => changed.loss = share(value)?,
            "duplication" => changed.duplication = share(value)?,
            "reordering" => changed.reordering = share(value)?,
            "delay" => changed.delay = time(value)?,
            "jitter" => changed.jitter = time(value)?,
            "held" => changed.held = time(value)?,
            _ => return Ok(Self::Port { name: value.to_owned(), is_up: word == "up" }),
        }
        Ok(Self::Faults(changed))
    }
}

/// A share, 0 to 1.
///
/// # Errors
///
/// It is none.
pub fn share(text: &str) -> Result<f64, OrderError> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| OrderError::Share(text.to_owned()))
}

/// A time in milliseconds.
///
/// # Errors
///
/// It is none.
pub fn time(text: &str) -> Result<Duration, OrderError> {
    const HOUR_MS: u64 = 3_600_000;
    let time = text.parse().ok().filter(|time| *time <= HOUR_MS);
    time.map(Duration::from_millis).ok_or_else(|| OrderError::Time(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_order_changes_one_thing() {
        let bad = Faults { loss: 0.5, delay: Duration::from_millis(3), ..Faults::default() };
        let parse = |line| Order::parse(line, bad);
        assert_eq!(parse("loss 0.05"), Ok(Order::Faults(Faults { loss: 0.05, ..bad })));
        assert_eq!(
            parse(" held  20 "),
            Ok(Order::Faults(Faults { held: Duration::from_millis(20), ..bad }))
        );
        assert_eq!(parse("down ue2"), Ok(Order::Port { name: "ue2".to_owned(), is_up: false }));
        assert_eq!(parse("up ue2"), Ok(Order::Port { name: "ue2".to_owned(), is_up: true }));
        assert_eq!(parse("count"), Ok(Order::Count));
    }

    #[test]
    fn what_is_none_is_refused() {
        for (line, expected) in [
            ("", OrderError::Unknown(String::new())),
            ("break", OrderError::Unknown("break".to_owned())),
            ("loss", OrderError::Value("loss".to_owned())),
            ("loss 1 2", OrderError::Value("loss".to_owned())),
            ("loss 1.5", OrderError::Share("1.5".to_owned())),
            ("loss NaN", OrderError::Share("NaN".to_owned())),
            ("delay -1", OrderError::Time("-1".to_owned())),
            ("delay 3600001", OrderError::Time("3600001".to_owned())),
        ] {
            assert_eq!(Order::parse(line, Faults::default()), Err(expected), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_a_panic(line: String) {
            let _ = Order::parse(&line, Faults::default());
        }
    }
}
