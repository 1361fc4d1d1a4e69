//! Counters for Prometheus, in its text form (version 0.0.4).

use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the classes of a request's time, milliseconds.
const BOUNDS: [u64; 9] = [1, 5, 10, 25, 50, 100, 500, 2_000, 10_000];

/// Of one listener.
#[derive(Default)]
pub(crate) struct Requests {
    /// By the first digit of the status.
    by_class: [AtomicU64; 6],
    /// By how long it took; the last one is of those that took longer.
    by_time: [AtomicU64; BOUNDS.len() + 1],
    total_ms: AtomicU64,
    /// Refused since the peer asked too often.
    pub(crate) limited: AtomicU64,
    /// Connections that are open.
    pub(crate) connections: AtomicI64,
    /// Connections that never became any.
    pub(crate) handshakes_failed: AtomicU64,
}

impl Requests {
    pub(crate) fn count(&self, status: u16, took: Duration) {
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if let Some(class) = self.by_class.get(usize::from(status / 100)) {
            class.fetch_add(1, Ordering::Relaxed);
        }
        let class = BOUNDS.iter().position(|bound| ms <= *bound).unwrap_or(BOUNDS.len());
        if let Some(class) = self.by_time.get(class) {
            class.fetch_add(1, Ordering::Relaxed);
        }
        self.total_ms.fetch_add(ms, Ordering::Relaxed);
    }

    fn write(&self, listener: &str, text: &mut String) {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        // Writing to a String does not fail.
        for (class, counter) in self.by_class.iter().enumerate().skip(1) {
            let _ = writeln!(
                text,
                "prose_manager_requests_total{{listener=\"{listener}\",status=\"{class}xx\"}} {}",
                get(counter)
            );
        }
        let mut count = 0_u64;
        for (at, counter) in self.by_time.iter().enumerate() {
            count = count.saturating_add(get(counter));
            let bound =
                BOUNDS.get(at).map_or("+Inf".to_owned(), |ms| format!("{}", *ms as f64 / 1000.0));
            let _ = writeln!(
                text,
                "prose_manager_request_seconds_bucket{{listener=\"{listener}\",le=\"{bound}\"}} {count}"
            );
        }
        let seconds = get(&self.total_ms) as f64 / 1000.0;
        for (name, value) in [
            ("prose_manager_request_seconds_sum", seconds),
            ("prose_manager_request_seconds_count", count as f64),
            ("prose_manager_requests_limited_total", get(&self.limited) as f64),
            ("prose_manager_connections", self.connections.load(Ordering::Relaxed) as f64),
            ("prose_manager_handshakes_failed_total", get(&self.handshakes_failed) as f64),
        ] {
            let _ = writeln!(text, "{name}{{listener=\"{listener}\"}} {value}");
        }
    }
}

/// All there is to count.
#[derive(Default)]
pub(crate) struct Metrics {
    pub(crate) device: Requests,
    pub(crate) operator: Requests,
    pub(crate) enrolled: AtomicU64,
    pub(crate) joined: AtomicU64,
    pub(crate) sealed: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) waiting: AtomicI64,
}

impl Metrics {
    /// As Prometheus reads it. `more`: further names, kinds and values.
    pub(crate) fn text(&self, more: &[(&str, &str, u64)]) -> String {
        let mut text = String::from(
            "# TYPE prose_manager_requests_total counter\n# TYPE prose_manager_request_seconds histogram\n\
             # TYPE prose_manager_requests_limited_total counter\n# TYPE prose_manager_connections gauge\n\
             # TYPE prose_manager_handshakes_failed_total counter\n",
        );
        self.device.write("device", &mut text);
        self.operator.write("operator", &mut text);
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let waiting = u64::try_from(self.waiting.load(Ordering::Relaxed)).unwrap_or(0);
        let own = [
            ("prose_manager_enrolments_total", "counter", get(&self.enrolled)),
            ("prose_manager_joins_total", "counter", get(&self.joined)),
            ("prose_manager_packages_sealed_total", "counter", get(&self.sealed)),
            ("prose_manager_refusals_total", "counter", get(&self.refused)),
            ("prose_manager_updates_waiting", "gauge", waiting),
        ];
        for (name, kind, value) in own.iter().chain(more) {
            let _ = writeln!(text, "# TYPE {name} {kind}\n{name} {value}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_by_status_and_time() {
        let metrics = Metrics::default();
        metrics.device.count(200, Duration::from_millis(3));
        metrics.device.count(404, Duration::from_secs(60));
        let text = metrics.text(&[("a", "gauge", 7)]);
        for line in [
            "prose_manager_requests_total{listener=\"device\",status=\"2xx\"} 1",
            "prose_manager_requests_total{listener=\"device\",status=\"4xx\"} 1",
            "prose_manager_request_seconds_bucket{listener=\"device\",le=\"0.001\"} 0",
            "prose_manager_request_seconds_bucket{listener=\"device\",le=\"0.005\"} 1",
            "prose_manager_request_seconds_bucket{listener=\"device\",le=\"+Inf\"} 2",
            "a 7",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
    }
}
