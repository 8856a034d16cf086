//! Requests that use a registered client: at the token endpoint and at the authorization endpoint (RFC 6749).

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use url::form_urlencoded::{Serializer, byte_serialize};

use super::{execute::End, harness::Harness};
use crate::{
    suite::TokenAction,
    wire::{Auth, Headers, Kind, Request},
};

/// A code that no server has issued.
const NONSENSE_CODE: &str = "dcrspec-nonsense-code";

/// A PKCE verifier; its challenge is sent in the plain form of neither, only as S256 (RFC 7636, 4.2).
const CODE_VERIFIER: &str = "dcrspec-code-verifier-that-is-long-enough-0123456789";

impl Harness<'_> {
    fn endpoint(&self, name: &str) -> Result<String, End> {
        let named = self.ground.metadata.as_ref().and_then(|m| m.get(name)).and_then(Value::as_str);
        let url = named.ok_or_else(|| End::Skip(format!("the metadata names no {name}")))?;
        // Credentials go nowhere but to the server under test.
        let known = [Some(self.ground.endpoint.as_str()), self.ground.issuer.as_deref()];
        let allowed = self.target.allowed_origins.iter().map(String::as_str);
        let here = crate::target::origin(url);
        if here.is_none() || !known.into_iter().flatten().chain(allowed).any(|u| crate::target::origin(u) == here) {
            return Err(End::Skip(format!("{name} is on another origin; --allow-origin permits it")));
        }
        Ok(url.to_owned())
    }

    /// A token request by the method that the client was registered for.
    pub(super) fn token_request(&self, action: &TokenAction, client: &Map<String, Value>) -> Result<Request, End> {
        let mut form = vec![("grant_type", action.grant.as_str())];
        let uri = client.get("redirect_uris").and_then(|u| u.get(0)).and_then(Value::as_str).unwrap_or_default();
        match action.grant.as_str() {
            "authorization_code" => {
                form.extend([("code", NONSENSE_CODE), ("redirect_uri", uri), ("code_verifier", CODE_VERIFIER)]);
            }
            "refresh_token" => form.push(("refresh_token", "dcrspec-nonsense-refresh-token")),
            _ => {}
        }
        self.as_client("token_endpoint", client, action.method.as_deref(), &form)
    }

    /// A question about an access token (RFC 7662, 2.1), asked with the credentials of a client. A token that looks
    /// self-contained may outlive what it stands for, so nothing is asked about it.
    pub(super) fn introspection_request(&self, token: &str, client: &Map<String, Value>) -> Result<Request, End> {
        if token.split('.').count() == 3 {
            return Err(End::Skip("the access token is self-contained and may live on to its expiry".into()));
        }
        self.as_client("introspection_endpoint", client, None, &[("token", token)])
    }

    /// A form for an endpoint that the metadata names, with a client's own credentials (RFC 6749, 2.3).
    fn as_client(
        &self,
        endpoint: &str,
        client: &Map<String, Value>,
        method: Option<&str>,
        parameters: &[(&str, &str)],
    ) -> Result<Request, End> {
        let word = |name: &str| client.get(name).and_then(Value::as_str);
        let method = method.or(word("token_endpoint_auth_method")).unwrap_or("client_secret_basic");
        let client_id = word("client_id").ok_or_else(|| End::Skip("the client_id is not a string".into()))?;
        let secret = word("client_secret");
        let mut form = Serializer::new(String::new());
        form.extend_pairs(parameters);
        let mut headers = Headers::default();
        headers.push("accept", "application/json");
        headers.push("content-type", "application/x-www-form-urlencoded");
        match (method, secret) {
            ("none", _) => {
                form.append_pair("client_id", client_id);
            }
            ("client_secret_basic", Some(secret)) => {
                // RFC 6749, 2.3.1: both are form-encoded before they are joined.
                let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let pair = STANDARD.encode(format!("{}:{}", encode(client_id), encode(secret)));
                headers.push("authorization", format!("Basic {pair}"));
            }
            ("client_secret_post", Some(secret)) => {
                form.append_pair("client_id", client_id).append_pair("client_secret", secret);
            }
            (method, _) => return Err(End::Skip(format!("a client of the method {method} cannot be played here"))),
        }
        Ok(Request {
            kind: Kind::Token,
            method: "POST".into(),
            url: self.endpoint(endpoint)?,
            headers,
            body: form.finish().into(),
            auth: Auth::Client,
        })
    }

    /// An authorization request for a code.
    pub(super) fn authorization_request(
        &self,
        client: &Map<String, Value>,
        redirect_uri: Option<String>,
    ) -> Result<Request, End> {
        use sha2::{Digest, Sha256};
        let client_id = client.get("client_id").and_then(Value::as_str);
        let client_id = client_id.ok_or_else(|| End::Skip("the client_id is not a string".into()))?;
        let first = || client.get("redirect_uris")?.get(0)?.as_str().map(str::to_owned);
        let uri = redirect_uri.or_else(first).ok_or_else(|| End::Skip("no redirection URI was registered".into()))?;
        let challenge = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(CODE_VERIFIER));
        let query = Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", client_id)
            .append_pair("redirect_uri", &uri)
            .append_pair("state", "dcrspec-state")
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .finish();
        let endpoint = self.endpoint("authorization_endpoint")?;
        let mut headers = Headers::default();
        headers.push("accept", "text/html");
        Ok(Request {
            kind: Kind::Authorize,
            method: "GET".into(),
            url: format!("{endpoint}{}{query}", if endpoint.contains('?') { '&' } else { '?' }),
            headers,
            body: bytes::Bytes::new(),
            auth: Auth::None,
        })
    }
}
