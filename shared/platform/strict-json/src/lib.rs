//! A JSON reader that accepts only an object in place of a struct.
//!
//! serde's derived code also reads a struct from an array of its fields in order
//! (<https://github.com/serde-rs/serde/issues/1587>). No schema allows that, so JSON from outside
//! is read with [`from_str`] or [`from_slice`]: an array in place of a struct, at any depth, is an
//! error with line and column. Everything else is read as `serde_json` reads it.
//!
//! ```
//! #[derive(serde::Deserialize, PartialEq, Debug)]
//! struct Line {
//!     sku: String,
//!     quantity: u32,
//! }
//!
//! let lines: Vec<Line> = strict_json::from_str(r#"[{ "sku": "mug", "quantity": 1 }]"#).unwrap();
//! assert_eq!(lines[0].quantity, 1);
//!
//! let array = r#"[["mug", 1]]"#;
//! assert!(serde_json::from_str::<Vec<Line>>(array).is_ok());
//! assert_eq!(
//!     strict_json::from_str::<Vec<Line>>(array).unwrap_err().to_string(),
//!     "invalid type: sequence, expected struct Line at line 1 column 2",
//! );
//! ```
//!
//! One limit: serde reads types with the attributes `untagged`, `tag` and `flatten` from an
//! internal buffer, whose structs this crate does not see. This repository uses none of them, and a
//! test (`tidy`) checks it.

mod strict;

use serde::Deserialize;
use serde_json::{Deserializer, Error};

pub use self::strict::Strict;

/// Reads a value from a text. Nothing but white space may follow it.
///
/// # Errors
/// When the text is not JSON, not a `T`, or has an array in place of a struct.
pub fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Error> {
    read_to_end(Deserializer::from_str(text))
}

/// Reads a value from bytes, which must be UTF-8.
///
/// # Errors
/// When the bytes are not JSON, not a `T`, or have an array in place of a struct.
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Error> {
    read_to_end(Deserializer::from_slice(bytes))
}

fn read_to_end<'de, R, T>(mut reader: Deserializer<R>) -> Result<T, Error>
where
    R: serde_json::de::Read<'de>,
    T: Deserialize<'de>,
{
    let value = T::deserialize(Strict(&mut reader))?;
    reader.end()?;
    Ok(value)
}
