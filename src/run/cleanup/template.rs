//! URLs with one place for a value that the server chose.

/// The place of a client's identifier.
pub const CLIENT_ID: &str = "${client_id}";
/// The place of the software_id that marks a registration as ours.
pub const SOFTWARE_ID: &str = "${software_id}";

/// A URL in which one placeholder may stand.
#[derive(Clone, Debug)]
pub struct Template(String);

impl Template {
    /// An http or https URL that holds no other placeholders than these.
    pub fn new(url: &str, allowed: &[&str]) -> Result<Template, String> {
        let mut filled = url.to_owned();
        for placeholder in allowed {
            filled = filled.replace(placeholder, "x");
        }
        if filled.contains("${") {
            return Err(format!("{url:?} holds a placeholder that is not known; {} is", allowed.join(" or ")));
        }
        let parsed =
            url::Url::parse(&filled).map_err(|e| format!("{url:?} is no URL ({e}); write https://host/path"))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(format!("{url:?} is no http or https URL"));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err("the URL holds a user name or password; give credentials with header or token-env".into());
        }
        // Whoever answers registrations would otherwise choose where the administration's credentials go.
        let origin = |value: &str| {
            let url = allowed.iter().fold(url.to_owned(), |url, p| url.replace(p, value));
            url::Url::parse(&url).ok().map(|u| u.origin().ascii_serialization())
        };
        if origin("x") != origin("y") {
            return Err(format!("{url:?} holds a placeholder in its host; it can stand in the path and in the query"));
        }
        Ok(Template(url.to_owned()))
    }

    /// Whether the placeholder stands in it.
    pub fn has(&self, placeholder: &str) -> bool {
        self.0.contains(placeholder)
    }

    /// As it is, where no placeholder stands in it.
    pub fn as_is(&self) -> String {
        self.0.clone()
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> Option<String> {
        crate::target::origin(&self.0.replace(CLIENT_ID, "x").replace(SOFTWARE_ID, "x"))
    }

    /// With the value, percent-encoded so that it stays one segment of the path or one value of the query.
    pub fn fill(&self, value: &str) -> Result<String, String> {
        // Encoded or not, these two are folded away by whoever reads the URL, and the request would go to the parent.
        if matches!(value, "" | "." | "..") {
            return Err(format!("{value:?} cannot stand in a URL: delete the client by hand"));
        }
        let mut encoded = String::with_capacity(value.len());
        for byte in value.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(byte.into()),
                _ => encoded.push_str(&format!("%{byte:02X}")),
            }
        }
        Ok(self.0.replace(CLIENT_ID, &encoded).replace(SOFTWARE_ID, &encoded))
    }
}
