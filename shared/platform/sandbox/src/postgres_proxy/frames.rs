//! The messages of Postgres clients (frontend protocol 3), parsed from a stream of bytes.

use std::collections::HashMap;

/// Splits a stream of bytes into messages, and stores prepared statements.
#[derive(Default)]
pub(super) struct Frames {
    buffer: Vec<u8>,
    /// Whether the startup messages, which have no tag, are complete.
    started: bool,
    prepared: HashMap<Vec<u8>, String>,
}

/// The code of a request for encryption. The startup message follows it.
const SSL_REQUEST: [u8; 4] = 80_877_103_i32.to_be_bytes();

impl Frames {
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete message, with the statement that it makes the server run, if any.
    pub(super) fn next(&mut self) -> Option<(Vec<u8>, Option<String>)> {
        let header = if self.started { 1 } else { 0 };
        let length = self.buffer.get(header..header + 4)?;
        let length = u32::from_be_bytes(length.try_into().ok()?) as usize + header;
        if self.buffer.len() < length {
            return None;
        }
        let rest = self.buffer.split_off(length);
        let message = std::mem::replace(&mut self.buffer, rest);
        if !self.started {
            self.started = message.get(4..8) != Some(&SSL_REQUEST);
            return Some((message, None));
        }
        let statement = self.statement(&message);
        Some((message, statement))
    }

    fn statement(&mut self, message: &[u8]) -> Option<String> {
        let mut strings = message.get(5..)?.split(|byte| *byte == 0);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match message[0] {
            b'Q' => strings.next().map(text),
            b'P' => {
                let name = strings.next()?.to_vec();
                self.prepared.insert(name, text(strings.next()?));
                None
            }
            // Bind: the portal's name, then the statement's.
            b'B' => self.prepared.get(strings.nth(1)?).cloned(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let mut message = vec![tag];
        message.extend((body.len() as u32 + 4).to_be_bytes());
        message.extend(body);
        message
    }

    #[test]
    fn statements_are_found_in_any_chunks_of_bytes() {
        let startup = [8_u32.to_be_bytes(), [0, 3, 0, 0]].concat();
        let ssl = [8_u32.to_be_bytes(), SSL_REQUEST].concat();
        let stream = [
            ssl,
            startup,
            message(b'Q', b"BEGIN\0"),
            message(b'P', b"s1\0select 1\0\0\0"),
            message(b'B', b"\0s1\0\0\0\0\0\0\0"),
        ]
        .concat();
        for size in [1, 3, 7, stream.len()] {
            let (mut frames, mut whole, mut found) = (Frames::default(), vec![], vec![]);
            for chunk in stream.chunks(size) {
                frames.extend(chunk);
                while let Some((message, statement)) = frames.next() {
                    whole.extend(message);
                    found.extend(statement);
                }
            }
            assert_eq!(whole, stream);
            assert_eq!(found, ["BEGIN", "select 1"]);
        }
    }
}
