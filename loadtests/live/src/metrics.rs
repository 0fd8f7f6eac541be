//! The counters of a process, from the text that it serves for Prometheus.

use std::collections::HashMap;

/// Running totals since the process began, by name and queue or route.
#[derive(Clone, Default, PartialEq, Debug)]
pub(crate) struct Counters {
    /// Messages that a queue has accepted from this process, by queue.
    pub(crate) sent: HashMap<String, u64>,
    /// Messages that this process has received, by queue.
    pub(crate) received: HashMap<String, u64>,
    /// Orders that customers have requested of this process.
    pub(crate) requests: u64,
}

/// Reads the counters of the flows. Everything else in the text is left out.
pub(crate) fn counters(text: &str) -> Counters {
    let mut counters = Counters::default();
    for line in text.lines() {
        let Some((series, value)) = line.rsplit_once(' ') else {
            continue;
        };
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let value = || value.parse::<f64>().unwrap_or(0.0) as u64;
        match name {
            "messaging_sent_total" => {
                counters.sent.insert(label(labels, "queue"), value());
            }
            "messaging_received_total" => {
                counters.received.insert(label(labels, "queue"), value());
            }
            "http_request_duration_seconds_count" if is_an_order(labels) => {
                counters.requests += value();
            }
            _ => {}
        }
    }
    counters
}

fn is_an_order(labels: &str) -> bool {
    label(labels, "method") == "POST" && label(labels, "route") == "/orders"
}

/// The value of a label in `a="b",c="d"}`. No name of ours contains a quotation mark.
fn label(labels: &str, name: &str) -> String {
    let mut pairs = labels.trim_end_matches('}').split(',');
    let value = pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix("=\""));
    value.unwrap_or_default().trim_end_matches('"').to_owned()
}

/// What has been added since the last reading. A process that began again counts from 0.
pub(crate) fn since(now: u64, before: u64) -> u64 {
    now.checked_sub(before).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_are_read_and_nothing_else() {
        let text = "# TYPE messaging_sent_total counter\n\
            messaging_sent_total{queue=\"payment-events\"} 7\n\
            messaging_received_total{queue=\"order-events\"} 3\n\
            messaging_polls_total{queue=\"order-events\"} 99\n\
            http_request_duration_seconds_count{service=\"order\",method=\"POST\",\
            route=\"/orders\",status=\"201\"} 5\n\
            http_request_duration_seconds_count{service=\"order\",method=\"GET\",\
            route=\"/orders\",status=\"200\"} 50\n";
        let expected = Counters {
            sent: [("payment-events".to_owned(), 7)].into(),
            received: [("order-events".to_owned(), 3)].into(),
            requests: 5,
        };
        assert_eq!(counters(text), expected);
    }

    #[test]
    fn a_process_that_began_again_counts_from_zero() {
        assert_eq!(since(7, 3), 4);
        assert_eq!(since(2, 3), 2);
    }
}
