//! The results as JUnit XML, for whoever collects them.

use std::fmt::Write;

use crate::case::{Finished, Outcome, Summary};

/// One `testsuite` with one `testcase` each.
pub(crate) fn render(summary: &Summary) -> String {
    let time: f64 = summary.cases.iter().map(|finished| finished.time.as_secs_f64()).sum();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuite name=\"prose-xtest\" tests=\"{}\" failures=\"{}\" errors=\"0\" \
         skipped=\"{}\" time=\"{time:.3}\">\n",
        summary.cases.len(),
        summary.failed(),
        summary.skipped(),
    );
    for finished in &summary.cases {
        // Writing to a string cannot fail.
        let _ = testcase(&mut xml, finished);
    }
    xml.push_str("</testsuite>\n");
    xml
}

fn testcase(xml: &mut String, finished: &Finished) -> std::fmt::Result {
    let Finished { case, outcome, texts, time } = finished;
    write!(
        xml,
        "  <testcase classname=\"{}\" name=\"{} {}\" time=\"{:.3}\"",
        case.suite,
        case.id(),
        escaped(case.title),
        time.as_secs_f64()
    )?;
    match outcome {
        Outcome::Passed => writeln!(xml, "/>"),
        Outcome::Skipped(reason) => {
            writeln!(xml, "><skipped message=\"{}\"/></testcase>", escaped(reason))
        }
        Outcome::Failed(_) => {
            let message = texts.first().and_then(|text| text.lines().next()).unwrap_or_default();
            writeln!(
                xml,
                "><failure message=\"{}\">{}</failure></testcase>",
                escaped(message),
                escaped(&texts.join("\n"))
            )
        }
    }
}

/// Text for XML 1.0, which has no way to write most control characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::case::{Case, plainly};

    static CASE: Case =
        Case { suite: "kat", number: 1001, title: "a < b", run: |_| Ok(()), around: plainly };

    fn finished(outcome: Outcome, texts: &[&str]) -> Finished {
        let texts = texts.iter().copied().map(String::from).collect();
        Finished { case: &CASE, outcome, texts, time: Duration::from_millis(1500) }
    }

    #[test]
    fn each_outcome_has_its_element_and_text_is_escaped() {
        let cases = vec![
            finished(Outcome::Passed, &[]),
            finished(Outcome::Skipped(String::from("no \"gauge\"")), &[]),
            finished(Outcome::Failed(Vec::new()), &["f.rs:1: <1> & \u{1}\nGot", "second"]),
        ];
        let xml = render(&Summary { cases, ..Summary::default() });
        assert_eq!(
            xml,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <testsuite name=\"prose-xtest\" tests=\"3\" failures=\"1\" errors=\"0\" \
             skipped=\"1\" time=\"4.500\">\n  \
             <testcase classname=\"kat\" name=\"kat_1001 a &lt; b\" time=\"1.500\"/>\n  \
             <testcase classname=\"kat\" name=\"kat_1001 a &lt; b\" time=\"1.500\">\
             <skipped message=\"no &quot;gauge&quot;\"/></testcase>\n  \
             <testcase classname=\"kat\" name=\"kat_1001 a &lt; b\" time=\"1.500\">\
             <failure message=\"f.rs:1: &lt;1&gt; &amp; \u{fffd}\">\
             f.rs:1: &lt;1&gt; &amp; \u{fffd}\nGot\nsecond</failure></testcase>\n\
             </testsuite>\n"
        );
    }
}
