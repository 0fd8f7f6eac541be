//! Message attributes: named values next to the body, and the MD5 that proves their arrival.

mod check;

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

pub(crate) use self::check::{all_allowed, check};
use crate::md5::Md5;

/// Attributes by name, in the order of the MD5.
pub type Attributes = BTreeMap<String, Attribute>;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attribute {
    /// `String`, `Number` or `Binary`, and optionally a dot and a label of the sender.
    #[serde(default)]
    pub data_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string_value: Option<String>,
    /// Base64. It goes out exactly as it came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
}

impl Attribute {
    /// The bytes that count toward the size of the message, without the name.
    fn size(&self) -> usize {
        let string = self.string_value.as_ref().map_or(0, String::len);
        let binary = self
            .binary_value
            .as_ref()
            .map_or(0, |base64| decode(base64).len());
        self.data_type.len() + string + binary
    }
}

/// The bytes of all attributes that count toward the size of the message.
pub(crate) fn size(attributes: &Attributes) -> usize {
    attributes
        .iter()
        .map(|(name, attribute)| name.len() + attribute.size())
        .sum()
}

/// Amazon's digest of a set of attributes, or `None` for an empty set. Attributes are ordered by
/// name. Each contributes its name, its type, one byte for the kind of value, and its value; all
/// but that byte with their length in front.
pub(crate) fn md5<'a>(
    attributes: impl IntoIterator<Item = (&'a String, &'a Attribute)>,
) -> Option<Md5> {
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
    (!framed.is_empty()).then(|| Md5::of(&framed))
}

/// The attributes that a receive requests: by name, by prefix (`trace.*`), or `All`.
pub(crate) fn select<'a>(
    attributes: &'a Attributes,
    requested: &[String],
) -> BTreeMap<&'a String, &'a Attribute> {
    let is_requested = |name: &str| {
        requested
            .iter()
            .any(|request| match request.strip_suffix(".*") {
                Some(prefix) => name.starts_with(prefix),
                None => request == "All" || request == name,
            })
    };
    attributes
        .iter()
        .filter(|(name, _)| is_requested(name))
        .collect()
}

fn decode(base64: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(base64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn attribute(data_type: &str, value: &str) -> Attribute {
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
    fn the_digest_of_attributes_equals_amazons() {
        let attributes =
            Attributes::from([("timestamp".into(), attribute("Number", "1493147359900"))]);
        let digest = serde_json::to_value(md5(&attributes)).unwrap();
        assert_eq!(digest, "235c5c510d26fb653d073faed50ae77c");
        assert_eq!(md5(&Attributes::new()), None);
    }

    #[test]
    fn binary_values_count_by_their_bytes() {
        let attributes = Attributes::from([("a".into(), attribute("Binary", "AP8="))]);
        assert_eq!(size(&attributes), "a".len() + "Binary".len() + 2);
    }

    #[test]
    fn a_receive_selects_by_name_prefix_or_all() {
        let names = ["trace.id", "trace.flags", "other"];
        let attributes = names
            .map(|name| (name.to_string(), attribute("String", "x")))
            .into();
        let count = |request: &str| select(&attributes, &[request.to_string()]).len();
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
