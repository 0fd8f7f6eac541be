//! Message attributes: what a sender may attach to a body, and the MD5 that proves it arrived.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// By name, in the order the MD5 wants them.
pub type Attributes = BTreeMap<String, Attribute>;

/// At most so many on a message (an Amazon quota).
const MOST: usize = 10;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attribute {
    /// `String`, `Number` or `Binary`, with a label of the sender's own after a dot if it likes.
    #[serde(default)]
    pub data_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string_value: Option<String>,
    /// Base64, as it came and as it goes out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
}

impl Attribute {
    /// What the attribute counts for in the size of its message, without its name.
    fn size(&self) -> usize {
        let string = self.string_value.as_ref().map_or(0, String::len);
        let binary = self
            .binary_value
            .as_ref()
            .map_or(0, |base64| decode(base64).len());
        self.data_type.len() + string + binary
    }
}

/// The bytes all attributes count for in the size of their message.
pub(crate) fn size(attributes: &Attributes) -> usize {
    attributes
        .iter()
        .map(|(name, attribute)| name.len() + attribute.size())
        .sum()
}

pub(crate) fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

/// Amazon's digest of a set of attributes: for each in the order of names the name, the type,
/// one byte for the kind of value, and the value; each but that byte with its length before it.
/// `None` for an empty set.
pub(crate) fn md5_of_attributes<'a>(
    attributes: impl IntoIterator<Item = (&'a String, &'a Attribute)>,
) -> Option<String> {
    let mut framed = Vec::new();
    let put = |framed: &mut Vec<u8>, bytes: &[u8]| {
        framed.extend((bytes.len() as u32).to_be_bytes());
        framed.extend(bytes);
    };
    for (name, attribute) in attributes {
        put(&mut framed, name.as_bytes());
        put(&mut framed, attribute.data_type.as_bytes());
        if let Some(binary) = &attribute.binary_value {
            framed.push(2);
            put(&mut framed, &decode(binary));
        } else {
            framed.push(1);
            put(
                &mut framed,
                attribute.string_value.as_deref().unwrap_or("").as_bytes(),
            );
        }
    }
    (!framed.is_empty()).then(|| hexadecimal(&md5(&framed)))
}

/// Checks a sender's attributes against Amazon's rules.
pub(crate) fn check(attributes: &Attributes) -> Result<()> {
    if attributes.len() > MOST {
        return Err(Error::InvalidParameterValue(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{MOST}].",
            attributes.len()
        )));
    }
    attributes.iter().try_for_each(|(name, attribute)| {
        check_name(name)?;
        attribute.check(name)
    })
}

fn check_name(name: &str) -> Result<()> {
    let invalid = |message: &str| Err(Error::InvalidParameterValue(message.into()));
    let reserved = name.to_ascii_lowercase();
    if name.is_empty() {
        return invalid("The request must contain non-empty message (user) attribute names.");
    }
    if name.len() > 256 {
        return invalid("Message (user) attribute names must be shorter than 256 Bytes");
    }
    if !name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
    {
        return invalid(&format!(
            "The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, \
             0-9, underscore (_), hyphen (-), and period (.) characters."
        ));
    }
    let edge = name.starts_with('.') || name.ends_with('.') || name.contains("..");
    if edge || reserved.starts_with("aws.") || reserved.starts_with("amazon.") {
        return invalid(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These \
             strings are reserved for internal use. Additionally, they cannot start or end with \
             '.'.",
        );
    }
    Ok(())
}

impl Attribute {
    fn check(&self, name: &str) -> Result<()> {
        let invalid = |message: String| Err(Error::InvalidParameterValue(message));
        let kind = self.data_type.split('.').next().unwrap_or_default();
        let has_value = self.string_value.is_some() || self.binary_value.is_some();
        if self.data_type.is_empty() && !has_value {
            return invalid(format!(
                "The message (user) attribute '{name}' must contain a non-empty message attribute \
                 value."
            ));
        }
        if self.data_type.is_empty() {
            return invalid(format!(
                "The message attribute '{name}' must contain non-empty message attribute type."
            ));
        }
        if self.data_type.len() > 256 {
            return invalid("Message (user) attribute types must be shorter than 256 Bytes".into());
        }
        let value = match kind {
            "String" | "Number" => &self.string_value,
            "Binary" => &self.binary_value,
            _ => {
                return invalid(format!(
                    "The message attribute '{name}' has an invalid message attribute type, the \
                     set of supported type prefixes is Binary, Number, and String."
                ));
            }
        };
        let Some(value) = value else {
            let field = if kind == "Binary" { "Binary" } else { "String" };
            return invalid(format!(
                "The message attribute '{name}' with type '{kind}' must use field '{field}'."
            ));
        };
        if value.is_empty() {
            return invalid(format!(
                "Message (user) attribute '{name}' must contain a non-empty value of type '{kind}'."
            ));
        }
        if kind == "Number" && !is_number(value) {
            return invalid(format!(
                "Can't cast the value of message (user) attribute '{name}' to a number."
            ));
        }
        if kind == "Binary" && BASE64_STANDARD.decode(value).is_err() {
            return Err(Error::Serialization(format!("'{name}' is not base64")));
        }
        if kind != "Binary" && !all_allowed(value) {
            // The words of a body's error, under another code.
            return invalid(Error::InvalidMessageContents.to_string());
        }
        Ok(())
    }
}

/// Up to 38 digits, and no larger than 10^126.
fn is_number(text: &str) -> bool {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let is_in_range = |number: f64| number.abs() <= 1e126;
    (1..=38).contains(&digits) && text.parse().is_ok_and(is_in_range)
}

/// Whether all characters of a body or a string attribute are among those of XML 1.0.
pub(crate) fn all_allowed(text: &str) -> bool {
    // Most texts are plain ASCII, which is seen many bytes at a time.
    let is_plain = text
        .bytes()
        .fold(true, |plain, byte| plain & matches!(byte, 0x20..0x80));
    let is_allowed = |c| {
        matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}')
            || c >= '\u{10000}'
    };
    is_plain || text.chars().all(is_allowed)
}

/// Those of `attributes` that a receive asks for: by name, by prefix (`trace.*`), or `All`.
pub(crate) fn select<'a>(
    attributes: &'a Attributes,
    wanted: &[String],
) -> BTreeMap<&'a String, &'a Attribute> {
    let is_wanted = |name: &str| {
        wanted.iter().any(|wanted| match wanted.strip_suffix(".*") {
            Some(prefix) => name.starts_with(prefix),
            None => wanted == "All" || wanted == name,
        })
    };
    attributes
        .iter()
        .filter(|(name, _)| is_wanted(name))
        .collect()
}

fn decode(base64: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(base64).unwrap_or_default()
}

/// Lower-case hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.extend([digit(byte >> 4), digit(byte & 15)]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(data_type: &str, value: &str) -> Attribute {
        let value = Some(value.to_string());
        match data_type.starts_with("Binary") {
            true => Attribute {
                data_type: data_type.into(),
                string_value: None,
                binary_value: value,
            },
            false => Attribute {
                data_type: data_type.into(),
                string_value: value,
                binary_value: None,
            },
        }
    }

    #[test]
    fn the_digest_of_attributes_is_amazons() {
        let attributes =
            Attributes::from([("timestamp".into(), attribute("Number", "1493147359900"))]);
        let digest = md5_of_attributes(&attributes);
        assert_eq!(digest.as_deref(), Some("235c5c510d26fb653d073faed50ae77c"));
        assert_eq!(md5_of_attributes(&Attributes::new()), None);
    }

    #[test]
    fn binary_values_count_by_their_bytes() {
        let attributes = Attributes::from([("a".into(), attribute("Binary", "AP8="))]);
        assert_eq!(size(&attributes), "a".len() + "Binary".len() + 2);
    }

    #[test]
    fn names_types_and_values_have_rules() {
        let check = |name: &str, data_type: &str, value: &str| {
            super::check(&Attributes::from([(
                name.into(),
                attribute(data_type, value),
            )]))
            .is_ok()
        };
        assert!(check("trace.id-1_a", "String.label", "x"));
        assert!(check("n", "Number", "-1.5e3"));
        assert!(!check("AWS.x", "String", "x"));
        assert!(!check("a..b", "String", "x"));
        assert!(!check("a", "Stringy", "x"));
        assert!(!check("a", "Number", "one"));
        assert!(!check("a", "Number", "inf"));
        assert!(!check("a", "Number", "NaN"));
        assert!(!check("a", "Number", "1e127"));
        assert!(!check("a", "Number", &"1".repeat(39)));
        assert!(check("a", "Number", &"1".repeat(38)));
        assert!(!check("a", "Binary", "not base64"));
        assert!(!check("a", "String", "\u{1}"));
    }

    #[test]
    fn a_receive_selects_by_name_prefix_or_all() {
        let names = ["trace.id", "trace.flags", "other"];
        let attributes = names
            .map(|name| (name.to_string(), attribute("String", "x")))
            .into();
        let count = |wanted: &str| select(&attributes, &[wanted.to_string()]).len();
        assert_eq!(
            (
                count("trace.*"),
                count(".*"),
                count("All"),
                count("other"),
                count("x")
            ),
            (2, 3, 3, 1, 0)
        );
    }
}
