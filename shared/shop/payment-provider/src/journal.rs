//! The books on disk: a line of JSON for each move, only ever added to.
//!
//! Written before a request is answered, so the books survive the provider's end, however it ends.
//! They are not forced to the disk: the machine's own end may take the last moves with it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use uuid::Uuid;

use crate::ledger::Entry;

#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    /// Where the next line begins, in bytes.
    end: u64,
}

impl Journal {
    /// The journal at `path`, made when there is none, and each order's last entry in it. A line
    /// that was cut short by an end in the middle of it was never answered, and is dropped.
    ///
    /// # Errors
    /// When the file cannot be read and written, or a whole line is none of ours.
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

    /// A line that could not be written whole is overwritten by the next.
    pub(crate) fn append(&mut self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(&line)?;
        self.end += line.len() as u64;
        Ok(())
    }
}
