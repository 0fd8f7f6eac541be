//! The messages of a queue by sequence.
//!
//! Sequences are consecutive, so a message is found by its index, without a search: sixteen
//! neighbours make a page. A page is freed with its last message. So one message that stays for
//! days keeps one page, and half a byte for each message that came after it.

use std::collections::VecDeque;

use crate::message::{Message, Sequence};

const PAGE: u64 = 16;

#[derive(Debug)]
pub(crate) struct Messages<P> {
    pages: VecDeque<Option<Box<Page<P>>>>,
    /// The number of the first page.
    first: u64,
    last: Sequence,
    len: usize,
}

#[derive(Debug)]
struct Page<P> {
    messages: [Option<Message<P>>; PAGE as usize],
    len: usize,
}

impl<P> Default for Messages<P> {
    fn default() -> Messages<P> {
        Messages {
            pages: VecDeque::new(),
            first: 0,
            last: 0,
            len: 0,
        }
    }
}

impl<P> Default for Page<P> {
    fn default() -> Page<P> {
        Page {
            messages: [const { None }; PAGE as usize],
            len: 0,
        }
    }
}

impl<P> Messages<P> {
    /// Adds a message with the next sequence.
    pub(crate) fn push(&mut self, message: Message<P>) -> Sequence {
        self.put(self.last + 1, message);
        self.last
    }

    /// Adds a message with a sequence later than all before.
    pub(crate) fn put(&mut self, sequence: Sequence, message: Message<P>) {
        self.last = sequence;
        let (number, place) = (self.last / PAGE, (self.last % PAGE) as usize);
        if self.pages.is_empty() {
            self.first = number;
        }
        while number >= self.first + self.pages.len() as u64 {
            self.pages.push_back(None);
        }
        if let Some(page) = self.pages.back_mut() {
            let page = page.get_or_insert_default();
            page.messages[place] = Some(message);
            page.len += 1;
            self.len += 1;
        }
    }

    /// Leaves out the sequences up to `last`: they were used before.
    pub(crate) fn skip_to(&mut self, last: Sequence) {
        self.last = self.last.max(last);
    }

    /// The latest sequence that was used.
    pub(crate) fn last(&self) -> Sequence {
        self.last
    }

    pub(crate) fn get(&self, sequence: Sequence) -> Option<&Message<P>> {
        let page = self.pages.get(self.index(sequence)?)?.as_ref()?;
        page.messages[(sequence % PAGE) as usize].as_ref()
    }

    pub(crate) fn get_mut(&mut self, sequence: Sequence) -> Option<&mut Message<P>> {
        let index = self.index(sequence)?;
        let page = self.pages.get_mut(index)?.as_mut()?;
        page.messages[(sequence % PAGE) as usize].as_mut()
    }

    pub(crate) fn remove(&mut self, sequence: Sequence) -> Option<Message<P>> {
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

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// All messages, in the order of their sequence.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Sequence, &Message<P>)> {
        let pages = (self.first..).zip(&self.pages);
        pages.flat_map(|(number, page)| {
            let messages = page.iter().flat_map(|page| &page.messages);
            (number * PAGE..)
                .zip(messages)
                .filter_map(|(sequence, message)| Some((sequence, message.as_ref()?)))
        })
    }

    pub(crate) fn clear(&mut self) {
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

    use uuid::Uuid;

    use super::*;
    use crate::message::{Content, History, State};
    use crate::time::Time;

    #[test]
    fn each_message_that_stays_is_found_and_keeps_its_page() {
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
    fn messages_that_come_and_go_leave_no_page() {
        let mut messages = Messages::default();
        for _ in 0..10 * PAGE {
            let sequence = messages.push(message());
            assert!(messages.remove(sequence).is_some());
            assert!(messages.pages.is_empty());
        }
    }

    fn message() -> Message<()> {
        let content = Content {
            id: Uuid::nil(),
            group: None,
            deduplication_id: None,
            payload: (),
        };
        Message {
            content: Arc::new(content),
            history: History::default(),
            state: State::Waiting,
            ends: Time(0),
            entered: Time(0),
            received: Time(0),
            receives_here: 0,
            receive: 0,
        }
    }
}
