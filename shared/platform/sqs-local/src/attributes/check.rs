//! Amazon's rules for message attributes, and its error texts.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::{Attribute, Attributes};
use crate::error::{Error, Result};

/// The most attributes of a message (an Amazon quota).
const MOST: usize = 10;

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
        .all(|c| c.is_alphanumeric() || "_-.".contains(c))
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
            // The text of a body's error under another code.
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

/// Whether XML 1.0 allows all characters of a body or a string attribute.
pub(crate) fn all_allowed(text: &str) -> bool {
    // Most texts are plain ASCII, which this checks many bytes at a time.
    let is_plain = text
        .bytes()
        .fold(true, |plain, byte| plain & matches!(byte, 0x20..0x80));
    let is_allowed = |c| {
        matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}')
            || c >= '\u{10000}'
    };
    is_plain || text.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attributes::tests::attribute;

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
}
