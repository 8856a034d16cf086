//! The client's key set (RFC 7591, section 2; RFC 7517).

use serde_json::Value;

use super::defects::{Fault, Faults};

/// The members that carry the private part of a key, or the whole of a symmetric one (RFC 7518, section 6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Checks that a value is a JWK Set of public keys. The sentence returned is ASCII and quotes nothing.
pub(super) fn check(set: &Value, faults: &Faults) -> Result<(), &'static str> {
    let keys = match set.get("keys") {
        Some(Value::Array(keys)) => keys,
        Some(Value::Object(_)) if faults.has(Fault::JwksKeysObject) => return Ok(()),
        _ => return Err("jwks must be a JSON object with an array named keys."),
    };
    for key in keys {
        let Some(kty) = key.get("kty").and_then(Value::as_str) else {
            return Err("Each key in jwks must be a JSON object with a string named kty.");
        };
        if faults.has(Fault::JwksPrivateKept) {
            continue;
        }
        if kty == "oct" || PRIVATE.iter().any(|member| key.get(member).is_some()) {
            return Err("jwks must hold public keys only.");
        }
    }
    Ok(())
}
