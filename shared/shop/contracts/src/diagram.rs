//! The table of queues as a diagram. `docs/architecture.md` shows it.

use crate::topology::{EXPIRY, SUBSCRIPTIONS, Settings, queues};

/// The table of queues as a Mermaid flowchart.
pub fn diagram() -> String {
    let mut lines = vec!["flowchart LR".to_owned()];
    for row in SUBSCRIPTIONS {
        let (fact, sent_by) = (row.fact, row.sent_by);
        for queue in row.queues() {
            lines.push(format!("    {sent_by} -- {fact} --> {queue}[[{queue}]]"));
        }
    }
    lines.push(format!(
        "    order -- expire_order --> {EXPIRY}[[{EXPIRY}]]"
    ));
    for queue in queues(Settings::default()) {
        lines.push(format!("    {} --> {}", queue.name, queue.read_by()));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_diagram_in_the_docs_is_the_table() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/architecture.md");
        let page = std::fs::read_to_string(page).unwrap();
        assert!(
            page.contains(&diagram()),
            "paste this into the page:\n{}",
            diagram()
        );
    }
}
