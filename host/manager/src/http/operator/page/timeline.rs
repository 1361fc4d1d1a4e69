//! A group's keys along the time, as a picture: each a bar from its first second to its last,
//! the grace behind it, and where now is. The same is in a table beside it.

use maud::{Markup, html};

use crate::domain::timeline::Span;
use crate::office::view::GenerationView;
use crate::value::rfc3339;

const WIDTH: f64 = 860.0;
/// Where bars begin.
const LEFT: f64 = 150.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 26.0;
const ROW: f64 = 34.0;
const BAR: f64 = 18.0;
/// Room for a bar's word.
const LABEL: f64 = 60.0;
/// Below the last row.
const AXIS: f64 = 26.0;
/// Most marks of the axis.
const MARKS: u64 = 6;
/// Steps of the axis, seconds.
const STEPS: [u64; 14] = [
    1,
    10,
    60,
    600,
    3600,
    6 * 3600,
    86_400,
    2 * 86_400,
    7 * 86_400,
    30 * 86_400,
    90 * 86_400,
    365 * 86_400,
    3650 * 86_400,
    36_500 * 86_400,
];
const DAY: u64 = 86_400;

/// From seconds to where they are drawn.
struct Scale {
    from: u64,
    to: u64,
}

impl Scale {
    fn over(spans: &[&Span], now: u64) -> Self {
        let from = spans.iter().map(|span| span.not_before).min().unwrap_or(now).min(now);
        let to = spans.iter().map(|span| span.closes()).max().unwrap_or(now).max(now);
        // A little beside what there is, so that now is not on the edge.
        let margin = (to.saturating_sub(from) / 50).max(1);
        Self { from: from.saturating_sub(margin), to: to.saturating_add(margin) }
    }

    fn x(&self, at: u64) -> f64 {
        let (at, whole) = (at.clamp(self.from, self.to), self.to.saturating_sub(self.from));
        let part = at.saturating_sub(self.from) as f64 / whole.max(1) as f64;
        LEFT + part * (WIDTH - LEFT - RIGHT)
    }

    /// Times for the axis, whole ones of their kind, and how much of each is written.
    fn marks(&self) -> (Vec<u64>, bool) {
        let whole = self.to.saturating_sub(self.from);
        let step =
            STEPS.into_iter().find(|step| step.saturating_mul(MARKS) >= whole).unwrap_or(u64::MAX);
        let first = self.from.div_ceil(step).saturating_mul(step);
        let next = |at: &u64| at.checked_add(step);
        let marks = std::iter::successors(Some(first), next).take_while(|at| *at <= self.to);
        (marks.collect(), step >= DAY)
    }
}

fn written(at: u64, is_day: bool) -> String {
    let text = rfc3339(at);
    let part = if is_day { text.get(..10) } else { text.get(11..19) };
    part.unwrap_or_default().to_owned()
}

fn place(value: f64) -> String {
    format!("{value:.1}")
}

/// What a bar says of itself: inside, where there is room, else behind it or before it.
fn label(state: &str, (begin, end, close): (f64, f64, f64), y: f64) -> Markup {
    let text = state.replace('_', " ");
    let (class, x, anchor) = if end - begin >= LABEL {
        ("inside", begin + 6.0, "start")
    } else if close + LABEL <= WIDTH {
        ("beside", close + 6.0, "start")
    } else {
        ("beside", begin - 6.0, "end")
    };
    html! { text class=(class) x=(place(x)) y=(place(y)) text-anchor=(anchor) { (text) } }
}

/// The picture; nothing where there are no keys.
pub(super) fn picture(generations: &[GenerationView], now: u64) -> Markup {
    let spans: Vec<_> = generations.iter().map(|one| &one.span).collect();
    let scale = Scale::over(&spans, now);
    let bottom = TOP + ROW * spans.len() as f64;
    let (marks, is_day) = scale.marks();
    html! {
        svg.timeline viewBox={ "0 0 " (WIDTH) " " (place(bottom + AXIS)) } role="img"
            aria-labelledby="timeline-title timeline-text" {
            title #timeline-title { "Keys along the time" }
            desc #timeline-text {
                @for one in generations {
                    "Generation " (one.generation) ", " (one.state.replace('_', " ")) ": from "
                    (one.not_before) " to " (one.not_after) ". "
                }
                "Now: " (rfc3339(now)) "."
            }
            @for at in &marks {
                @let x = place(scale.x(*at));
                line.grid x1=(x) x2=(x) y1=(TOP) y2=(place(bottom)) {}
                text.axis x=(x) y=(place(bottom + 17.0)) text-anchor="middle" { (written(*at, is_day)) }
            }
            @for (row, one) in generations.iter().enumerate() {
                @let y = TOP + ROW * row as f64 + (ROW - BAR) / 2.0;
                @let (begin, end) = (scale.x(one.span.not_before), scale.x(one.span.not_after));
                @let close = scale.x(one.span.closes());
                text.name x="0" y=(place(y + BAR * 0.75)) { (one.generation) }
                rect.grace x=(place(end)) y=(place(y + 5.0)) width=(place((close - end).max(0.0))) height=(BAR - 10.0) {}
                rect class={ "key " (one.state) } x=(place(begin)) y=(place(y))
                    width=(place((end - begin).max(2.0))) height=(BAR) rx="3" {}
                (label(one.state, (begin, end, close), y + 13.0))
            }
            @let x = place(scale.x(now));
            line.now x1=(x) x2=(x) y1=(TOP - 8.0) y2=(place(bottom)) {}
            text.now x=(x) y=(TOP - 13.0) text-anchor="middle" { "now" }
        }
    }
}

#[cfg(test)]
mod tests {
    use proseal_proto::id::{Generation, PgkId};

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn span(not_before: u64, not_after: u64) -> Span {
        Span {
            generation: Generation::new(1).unwrap(),
            id: PgkId(1),
            not_before,
            not_after,
            grace_s: 3600,
            withdrawn: false,
            erased: false,
        }
    }

    #[test]
    fn what_is_drawn_lies_within_the_picture_and_in_order() {
        for (from, to) in [(NOW, NOW + 60), (NOW - DAY, NOW + 61 * DAY), (0, u64::MAX)] {
            let span = span(from, to);
            let scale = Scale::over(&[&span], NOW);
            let places = [scale.x(from), scale.x(NOW), scale.x(to), scale.x(span.closes())];
            assert!(
                places.is_sorted() && places.iter().all(|x| (LEFT..=WIDTH - RIGHT).contains(x))
            );
            let (marks, _) = scale.marks();
            assert!(marks.len() <= MARKS as usize + 1, "{marks:?}");
            assert!(marks.iter().all(|at| (scale.from..=scale.to).contains(at)));
        }
    }

    #[test]
    fn the_axis_has_days_of_a_month_and_hours_of_a_day() {
        let marks = |length: u64| Scale { from: NOW, to: NOW + length }.marks();
        assert!(marks(30 * DAY).1);
        let (hours, is_day) = marks(DAY);
        assert!(!is_day && hours.iter().all(|at| at % (6 * 3600) == 0));
        assert_eq!(written(NOW, true), "2027-01-15");
        assert_eq!(written(NOW, false), "08:00:00");
    }
}
