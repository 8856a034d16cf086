//! From an issuer to its registration endpoint: RFC 8414, 3 and OpenID Connect Discovery, 4, in both path forms.

use serde_json::{Map, Value};
use url::Url;

/// A metadata document that was found.
#[derive(Clone, Debug)]
pub struct Discovered {
    pub url: String,
    pub openid: bool,
    pub metadata: Map<String, Value>,
}

/// Where an issuer's metadata may be, with whether the document is an OpenID one: RFC 8414 puts the well-known part
/// before the issuer's path, OpenID Connect behind it, and deployments do either with both.
pub fn candidates(issuer: &str) -> Result<Vec<(String, bool)>, String> {
    let url = Url::parse(issuer).map_err(|e| format!("{issuer:?} is no URL: {e}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(format!("{issuer:?} is no http or https URL"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("an issuer has no query and no fragment (RFC 8414, 2): {issuer:?}"));
    }
    let origin = url.origin().ascii_serialization();
    let path = url.path().trim_end_matches('/');
    let mut found: Vec<(String, bool)> = Vec::new();
    for (name, openid) in [("oauth-authorization-server", false), ("openid-configuration", true)] {
        let inserted = format!("{origin}/.well-known/{name}{path}");
        let appended = format!("{origin}{path}/.well-known/{name}");
        let forms = if openid { [appended, inserted] } else { [inserted, appended] };
        for form in forms {
            if !found.iter().any(|(u, _)| *u == form) {
                found.push((form, openid));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_documents_are_looked_for_in_both_forms() {
        let urls: Vec<String> = candidates("https://as.example/tenant/").unwrap().into_iter().map(|(u, _)| u).collect();
        assert_eq!(
            urls,
            [
                "https://as.example/.well-known/oauth-authorization-server/tenant",
                "https://as.example/tenant/.well-known/oauth-authorization-server",
                "https://as.example/tenant/.well-known/openid-configuration",
                "https://as.example/.well-known/openid-configuration/tenant",
            ]
        );
        assert_eq!(candidates("https://as.example").unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_issuer_is_refused_in_a_sentence() {
        for text in ["as.example", "ftp://as.example", "https://as.example/?x=1"] {
            assert!(candidates(text).unwrap_err().contains(text), "{text}");
        }
    }
}
