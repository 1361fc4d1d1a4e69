//! Metrics in Prometheus' text format, over HTTP on a loopback address. A thread serves
//! what the loop has written last, so that no scraper makes a packet wait.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// A scraper that takes longer is not waited for.
const LIMIT: Duration = Duration::from_secs(2);
const REQUEST_MAX: usize = 4096;

/// What is served.
#[derive(Clone, Default)]
pub(crate) struct Metrics(Arc<Mutex<String>>);

impl Metrics {
    /// Serves at `address` from now on.
    pub(crate) fn serve(&self, address: SocketAddr) -> io::Result<()> {
        let listener = TcpListener::bind(address)?;
        let page = self.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Whoever went away is gone.
                let _ = page.answer(stream);
            }
        });
        Ok(())
    }

    /// What is served from now on: the counters of a status.
    pub(crate) fn set(&self, status: &Value) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = page(status);
    }

    fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        let (mut request, mut buffer) = (Vec::new(), [0; 1024]);
        while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < REQUEST_MAX {
            match stream.read(&mut buffer)? {
                0 => return Ok(()),
                len => request.extend_from_slice(&buffer[..len]),
            }
        }
        let (status, body) = if request.starts_with(b"GET /metrics ") {
            ("200 OK", self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
        } else {
            ("404 Not Found", "metrics are at /metrics\n".to_owned())
        };
        let len = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\n\
             Content-Length: {len}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())
    }
}

/// Each counter of a status; the drops have a label with the reason.
fn page(status: &Value) -> String {
    let mut page = String::new();
    let counters = status["counters"].as_object().into_iter().flatten();
    for (name, value) in counters {
        // To write to a text never fails.
        let _ = match (name.as_str(), value) {
            ("drops", Value::Object(drops)) => {
                page.push_str("# TYPE prosed_drops_total counter\n");
                drops.iter().try_for_each(|(reason, count)| {
                    writeln!(page, "prosed_drops_total{{reason=\"{reason}\"}} {count}")
                })
            }
            ("waiting", count) => {
                writeln!(page, "# TYPE prosed_waiting gauge\nprosed_waiting {count}")
            }
            (name, Value::Number(count)) => {
                writeln!(page, "# TYPE prosed_{name}_total counter\nprosed_{name}_total {count}")
            }
            _ => Ok(()),
        };
    }
    page
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_has_each_counter_and_each_reason() {
        let counters =
            json!({"received": 3, "drops": {"replayed": 1}, "waiting": 2, "kernel_drops": null});
        assert_eq!(
            page(&json!({ "counters": counters })),
            "# TYPE prosed_received_total counter\nprosed_received_total 3\n\
             # TYPE prosed_drops_total counter\nprosed_drops_total{reason=\"replayed\"} 1\n\
             # TYPE prosed_waiting gauge\nprosed_waiting 2\n"
        );
    }

    #[test]
    fn a_scraper_is_answered() {
        let metrics = Metrics::default();
        metrics.set(&json!({ "counters": { "sent": 7 } }));
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        metrics.serve(free).unwrap();
        for (path, word) in [("/metrics", "prosed_sent_total 7"), ("/", "404")] {
            let mut stream = TcpStream::connect(free).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.contains(word), "{answer}");
        }
    }
}
