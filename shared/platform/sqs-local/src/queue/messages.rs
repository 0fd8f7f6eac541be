//! The messages of a queue by their sequence.
//!
//! Sequences are given one after the other, so a message is found by counting, not by searching:
//! sixteen neighbours make a page. A page goes when its last message does, so that one message
//! which stays for days keeps a page, and half a byte for each of those that came after it.

use std::collections::VecDeque;

use super::message::Message;

/// A message's place in its queue, and on a FIFO queue its sequence number.
pub type Sequence = u64;

const PAGE: u64 = 16;

#[derive(Debug, Default)]
pub(super) struct Messages {
    pages: VecDeque<Option<Box<Page>>>,
    /// The number of the first page there is.
    first: u64,
    last: Sequence,
    len: usize,
}

#[derive(Debug, Default)]
struct Page {
    messages: [Option<Message>; PAGE as usize],
    len: usize,
}

impl Messages {
    /// Adds a message behind all that ever were here.
    pub(super) fn push(&mut self, message: Message) -> Sequence {
        self.last += 1;
        let (number, place) = (self.last / PAGE, (self.last % PAGE) as usize);
        if self.pages.is_empty() {
            self.first = number;
        }
        if number == self.first + self.pages.len() as u64 {
            self.pages.push_back(None);
        }
        if let Some(page) = self.pages.back_mut() {
            let page = page.get_or_insert_default();
            page.messages[place] = Some(message);
            page.len += 1;
            self.len += 1;
        }
        self.last
    }

    pub(super) fn get(&self, sequence: Sequence) -> Option<&Message> {
        let page = self.pages.get(self.index(sequence)?)?.as_ref()?;
        page.messages[(sequence % PAGE) as usize].as_ref()
    }

    pub(super) fn get_mut(&mut self, sequence: Sequence) -> Option<&mut Message> {
        let index = self.index(sequence)?;
        let page = self.pages.get_mut(index)?.as_mut()?;
        page.messages[(sequence % PAGE) as usize].as_mut()
    }

    pub(super) fn remove(&mut self, sequence: Sequence) -> Option<Message> {
        let index = self.index(sequence)?;
        let page = self.pages.get_mut(index)?.as_mut()?;
        let message = page.messages[(sequence % PAGE) as usize].take()?;
        page.len -= 1;
        self.len -= 1;
        if page.len == 0 {
            self.pages[index] = None;
            while let Some(None) = self.pages.front() {
                self.pages.pop_front();
                self.first += 1;
            }
        }
        Some(message)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// All of them, in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Sequence, &Message)> {
        let pages = (self.first..).zip(&self.pages);
        pages.flat_map(|(number, page)| {
            let messages = page.iter().flat_map(|page| &page.messages);
            (number * PAGE..)
                .zip(messages)
                .filter_map(|(sequence, message)| Some((sequence, message.as_ref()?)))
        })
    }

    pub(super) fn clear(&mut self) {
        self.pages.clear();
        self.len = 0;
    }

    fn index(&self, sequence: Sequence) -> Option<usize> {
        (sequence / PAGE).checked_sub(self.first)?.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::value::RawValue;
    use uuid::Uuid;

    use super::*;
    use crate::attributes::Attributes;
    use crate::queue::Content;
    use crate::queue::message::{History, State};
    use crate::time::Time;

    #[test]
    fn messages_that_stay_are_found_and_keep_a_page_each() {
        let mut messages = Messages::default();
        for _ in 0..1000 {
            messages.push(message());
        }
        let stay = [1, 500, 501, 1000];
        for sequence in (1..=1000).filter(|sequence| !stay.contains(sequence)) {
            assert!(messages.remove(sequence).is_some());
            assert!(messages.remove(sequence).is_none());
        }

        assert!(messages.iter().map(|(sequence, _)| sequence).eq(stay));
        assert!(
            stay.iter()
                .all(|sequence| messages.get(*sequence).is_some())
        );
        assert!(
            [0, 2, 1001, u64::MAX]
                .iter()
                .all(|none| messages.get(*none).is_none())
        );
        assert_eq!(messages.pages.iter().flatten().count(), 3);

        messages.remove(1);
        assert_eq!(messages.first, 500 / PAGE);
        messages.clear();
        assert_eq!(messages.push(message()), 1001);
        assert!(messages.get(1001).is_some());
    }

    #[test]
    fn of_messages_that_come_and_go_no_page_stays() {
        let mut messages = Messages::default();
        for _ in 0..10 * PAGE {
            let sequence = messages.push(message());
            assert!(messages.remove(sequence).is_some());
            assert!(messages.pages.is_empty());
        }
    }

    fn message() -> Message {
        let content = Content {
            id: Uuid::nil(),
            body: RawValue::from_string("\"\"".into()).unwrap(),
            md5: Default::default(),
            attributes: Attributes::new(),
            trace_header: None,
            sender: "".into(),
            sent: Time(0),
            group: None,
            deduplication_id: None,
        };
        Message {
            content: Arc::new(content),
            history: History::default(),
            state: State::Waiting,
            ends: Time(0),
            entered: Time(0),
            leased: Time(0),
            receives_here: 0,
            receive: 0,
        }
    }
}
