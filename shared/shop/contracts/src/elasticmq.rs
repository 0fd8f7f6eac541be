//! The table of queues as a configuration of ElasticMQ. `.docker/elasticmq.conf` is this text.

use std::fmt::Write as _;
use std::time::Duration;

use messaging::QueueSpec;

use crate::topology::{Queue, Settings, queues};

/// Every queue with its dead-letter queue, for a deployment without a prefix and with the default
/// cancellation window of a minute. Retention is missing, because ElasticMQ keeps messages for as
/// long as it runs.
pub fn configuration() -> String {
    let settings = Settings {
        cancellation_window: Duration::from_secs(60),
    };
    let mut text = String::from("include classpath(\"application.conf\")\n\nqueues {\n");
    for queue in queues(settings) {
        let Queue {
            name,
            visibility_timeout,
            delay,
            ..
        } = queue.clone();
        let receives = QueueSpec::from(queue).max_receive_count();
        let (visible_s, delay_s) = (visibility_timeout.as_secs(), delay.as_secs());
        let _ = write!(
            text,
            "    {name} {{\n        \
             defaultVisibilityTimeout = {visible_s} seconds\n        \
             delay = {delay_s} seconds\n        \
             deadLettersQueue {{ name = \"{name}-dlq\", \
             maxReceiveCount = {receives} }}\n    \
             }}\n    {name}-dlq {{}}\n"
        );
    }
    text + "}\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_for_containers_is_the_table() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../.docker/elasticmq.conf"
        );
        let file = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            file == configuration(),
            "write this to {path}:\n{}",
            configuration()
        );
    }
}
