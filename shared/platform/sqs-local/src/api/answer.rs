//! Answers on their way out.

use crate::receiving::HandedOut;

/// The JSON document of an answer that is not sent yet.
pub(crate) struct Answer {
    document: Vec<u8>,
    /// Received messages. They return to their queue if the answer is never sent.
    handed_out: Option<HandedOut>,
}

impl Answer {
    pub(super) fn of_messages(document: Vec<u8>, handed_out: HandedOut) -> Answer {
        Answer {
            document,
            handed_out: Some(handed_out),
        }
    }

    /// The document to send now. From here on, received messages are the client's.
    pub(crate) fn into_document(self) -> Vec<u8> {
        if let Some(handed_out) = self.handed_out {
            handed_out.keep();
        }
        self.document
    }
}

impl From<Vec<u8>> for Answer {
    fn from(document: Vec<u8>) -> Answer {
        Answer {
            document,
            handed_out: None,
        }
    }
}
