//! A value that must not be shown.

use std::fmt;

use serde::{Deserialize, Deserializer, Serializer};

/// A token, a client secret or another credential, from the moment it is read. It can be sent and written to the ledger;
/// it has no form for people: `Debug` does not show it, and `Display` and `Serialize` are left out on purpose.
///
/// Its memory is not wiped: the exchange that it came with is kept as it was, for the judge.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// The value, to send it, to compare it, or to have it learned by a [`Redactor`](super::Redactor).
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Secret {
        Secret(value)
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Secret {
        Secret(value.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// For the members of a ledger's lines, the one place where secrets are written as they are.
pub(super) mod as_it_is {
    use super::*;

    pub(in crate::wire) fn serialize<S: Serializer>(secret: &Option<Secret>, s: S) -> Result<S::Ok, S::Error> {
        match secret {
            Some(secret) => s.serialize_some(&secret.0),
            None => s.serialize_none(),
        }
    }

    pub(in crate::wire) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Secret>, D::Error> {
        Ok(Option::<String>::deserialize(d)?.map(Secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Some(Secret::from("s3cr3t"));
        assert_eq!(format!("{secret:?} {secret:#?}"), "Some([secret]) Some(\n    [secret],\n)");
    }
}
