//! Batches of messages for calls.

use crate::quota::{BATCH, BATCH_BYTES};

/// Splits messages into as few batches as the quotas of a call allow, and keeps their order.
pub(crate) fn batches<T>(
    messages: impl IntoIterator<Item = T>,
    size: impl Fn(&T) -> usize,
) -> Vec<Vec<T>> {
    let mut batches: Vec<Vec<T>> = vec![];
    let mut bytes = 0;
    for message in messages {
        let size = size(&message);
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH && bytes + size <= BATCH_BYTES => {
                bytes += size;
                batch.push(message);
            }
            _ => {
                bytes = size;
                batches.push(vec![message]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_holds_ten_messages_and_a_mebibyte() {
        let check = |sizes: &[usize], calls: &[usize]| {
            let batches = batches(sizes.to_vec(), |size| *size);
            let lengths: Vec<_> = batches.iter().map(Vec::len).collect();
            assert_eq!(lengths, calls, "{sizes:?}");
        };
        check(&[], &[]);
        check(&[10; 10], &[10]);
        check(&[10; 21], &[10, 10, 1]);
        check(&[600_000, 600_000, 100], &[1, 2]);
        check(&[100_000; 11], &[10, 1]);
        check(&[BATCH_BYTES / 2, BATCH_BYTES / 2, 1], &[2, 1]);
        check(&[BATCH_BYTES + 1, 1], &[1, 1]);
    }
}
