//! The ledger on disk: an append-only file with one line of JSON per change.
//!
//! A line is written before the request is answered, so the ledger survives a crash of the
//! provider. It is not flushed to the disk: a crash of the machine may lose the last changes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use uuid::Uuid;

use crate::entry::Entry;

#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    /// Where the next line begins, in bytes.
    end: u64,
}

impl Journal {
    /// Opens the journal at `path`, or creates it, and reads the last entry of each order. An
    /// incomplete last line belongs to a request that was never answered: it is dropped.
    ///
    /// # Errors
    /// When the file cannot be read or written, or a complete line is not an entry.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, BTreeMap<Uuid, Entry>)> {
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let mut text = vec![];
        file.read_to_end(&mut text)?;

        let whole = text.iter().rposition(|byte| *byte == b'\n');
        let end = whole.map_or(0, |newline| newline + 1);
        let mut entries = BTreeMap::new();
        for line in text[..end].split(|byte| *byte == b'\n') {
            if !line.is_empty() {
                let entry: Entry = strict_json::from_slice(line)?;
                entries.insert(entry.order_id, entry);
            }
        }
        let end = end as u64;
        Ok((Self { file, end }, entries))
    }

    /// Appends a line. If a line is only partly written, the next one overwrites it.
    pub(crate) fn append(&mut self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(&line)?;
        self.end += line.len() as u64;
        Ok(())
    }
}
