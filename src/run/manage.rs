//! Requests to client configuration endpoints: read, update, delete and others, with the right token or a wrong one
//! (RFC 7592, 2).

use serde_json::{Map, Value, json};

use super::{
    execute::{End, Progress},
    harness::{Client, Harness},
};
use crate::{
    suite::{Case, ManageAction, Together, TokenWord, UpdateAction, variables},
    wire::{Auth, Headers, Kind, Request, Secret},
};

/// Members that an update must not hold (RFC 7592, 2.2).
pub const EXCLUDED: [&str; 4] =
    ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"];

impl Harness<'_> {
    /// The client of ours that an earlier step registered.
    pub(super) fn client_of(&self, step: &str, progress: &Progress) -> Result<Client, End> {
        let index = progress.steps.get(step);
        index
            .and_then(|index| self.clients.iter().find(|c| c.exchange == *index))
            .cloned()
            .ok_or_else(|| End::Skip(format!("the step {step} created no client")))
    }

    /// Sends a request to the configuration endpoint of a step's client, and takes over what is rotated.
    pub(super) async fn manage(
        &mut self,
        kind: Kind,
        method: Option<&str>,
        action: &ManageAction,
        progress: &Progress,
    ) -> Result<usize, End> {
        let (client, request) = self.managing(kind, method, action, progress)?;
        let index = self.send(request, "").await;
        self.rotated(&client, index);
        Ok(index)
    }

    /// The client that an action is about, and the request.
    fn managing(
        &mut self,
        kind: Kind,
        method: Option<&str>,
        action: &ManageAction,
        progress: &Progress,
    ) -> Result<(Client, Request), End> {
        let (client, token) = (action.client.value.as_str(), action.token);
        let another = action.another.as_ref().map(|a| a.value.as_str());
        let client = self.client_of(client, progress)?;
        let other = another.map(|step| self.client_of(step, progress)).transpose()?;
        if other.as_ref().is_some_and(|o| o.uri == client.uri) {
            return Err(End::Skip(
                "both clients have one configuration URL, where each token rightly reaches its own client".into(),
            ));
        }
        let mut request = self.configuration_request(&client, kind).map_err(End::Skip)?;
        if let Some(method) = method {
            request.method = method.to_owned();
        }
        self.present(&mut request, token, &client, other.as_ref())?;
        Ok((client, request))
    }

    /// Two requests at once; the index of the second exchange.
    pub(super) async fn together(
        &mut self,
        case: &Case,
        both: &[Together],
        progress: &mut Progress,
    ) -> Result<usize, End> {
        let mut made = Vec::new();
        for one in both {
            made.push(match (&one.update, &one.read, &one.delete) {
                (Some(action), _, _) => self.update_of(case, action, progress)?,
                (None, Some(action), _) => self.managing(Kind::Read, None, action, progress)?,
                (None, None, Some(action)) => self.managing(Kind::Delete, None, action, progress)?,
                (None, None, None) => return Err(End::Skip("a part of the step has no action".into())),
            });
        }
        let (Some((other, second)), Some((client, first))) = (made.pop(), made.pop()) else {
            return Err(End::Skip("the step does not hold two requests".into()));
        };
        let (one, two) = self.send_together(first, second).await;
        progress.exchanges.push(one);
        self.rotated(&client, one);
        self.rotated(&other, two);
        Ok(two)
    }

    /// Puts the wanted token into a request to the configuration endpoint.
    fn present(
        &mut self,
        request: &mut Request,
        token: Option<TokenWord>,
        client: &Client,
        other: Option<&Client>,
    ) -> Result<(), End> {
        let Some(word) = token else { return Ok(()) };
        let initial = self.target.token.as_ref();
        let mut random = || format!("{}{}", self.fresh(), self.fresh());
        present(request, word, client, other, initial, &mut random).map_err(End::Skip)
    }

    pub(super) async fn update(
        &mut self,
        case: &Case,
        action: &UpdateAction,
        progress: &mut Progress,
    ) -> Result<usize, End> {
        let (client, request) = self.update_of(case, action, progress)?;
        let index = self.send(request, "").await;
        self.rotated(&client, index);
        Ok(index)
    }

    /// The client that an update is about, and the request.
    fn update_of(
        &mut self,
        case: &Case,
        action: &UpdateAction,
        progress: &mut Progress,
    ) -> Result<(Client, Request), End> {
        let client = self.client_of(&action.client.value, progress)?;
        let text = serde_json::to_string(&action.with).unwrap_or_default();
        self.freshen(&text, progress);
        let mut document = client.to_send_back(action.with_secret).map_err(End::Skip)?;
        let with = {
            let lookup = |name: &str| self.variable(name, case.base, progress);
            variables::fill_value(&Value::Object(action.with.clone()), &lookup).map_err(End::Skip)?
        };
        document.extend(with.as_object().cloned().unwrap_or_default());
        for name in &action.omit {
            document.shift_remove(name);
        }
        let other = match &action.another {
            Some(step) => Some(self.client_of(&step.value, progress)?),
            None => None,
        };
        if other.as_ref().is_some_and(|o| o.uri == client.uri) {
            return Err(End::Skip("both clients have one configuration URL".into()));
        }
        let mut request = self.update_request(&client, &document).map_err(End::Skip)?;
        self.present(&mut request, action.token, &client, other.as_ref())?;
        Ok((client, request))
    }

    /// PUT of a whole document (RFC 7592, 2.2).
    pub fn update_request(&self, client: &Client, document: &Map<String, Value>) -> Result<Request, String> {
        let mut request = self.configuration_request(client, Kind::Update)?;
        request.headers.push("content-type", self.ground.content_type.as_bytes().to_vec());
        request.body = json!(document).to_string().into_bytes().into();
        Ok(request)
    }

    /// A request to the configuration endpoint of a client of ours, unless its URI lies elsewhere.
    pub fn configuration_request(&self, client: &Client, kind: Kind) -> Result<Request, String> {
        let (Some(uri), Some(token)) = (&client.uri, &client.token) else {
            return Err("the answer held no registration_client_uri and registration_access_token".into());
        };
        let origin = crate::target::origin(uri);
        let expected = [Some(self.ground.endpoint.as_str()), self.ground.issuer.as_deref()];
        let allowed = self.target.allowed_origins.iter().map(String::as_str);
        let known = expected
            .into_iter()
            .flatten()
            .chain(allowed)
            .any(|u| origin.is_some() && crate::target::origin(u) == origin);
        if !known {
            return Err(format!(
                "registration_client_uri {uri:?} is on another origin than the endpoint; no token is sent there (--allow-origin permits it)"
            ));
        }
        let method = match kind {
            Kind::Read => "GET",
            Kind::Update => "PUT",
            Kind::Delete => "DELETE",
            _ => "PATCH",
        };
        let mut headers = Headers::default();
        headers.push("accept", "application/json");
        headers.push("authorization", format!("Bearer {}", token.expose()));
        Ok(Request {
            kind,
            method: method.into(),
            url: uri.clone(),
            headers,
            body: bytes::Bytes::new(),
            auth: Auth::Registration,
        })
    }

    /// Takes over the document, and a rotated token or URI, from the answer to a read or an update. Every response that
    /// shows the client counts, or the server would be blamed for the 401 to an old token.
    pub fn rotated(&mut self, client: &Client, exchange: usize) {
        let asked = self.exchanges[exchange].request.kind;
        let Some(response) = self.exchanges[exchange].response().filter(|r| r.status == 200) else { return };
        let Some(document) = response.object().filter(|_| matches!(asked, Kind::Read | Kind::Update)).cloned() else {
            return;
        };
        let Some(client) = self.clients.iter_mut().find(|c| c.exchange == client.exchange) else { return };
        if client.take_over(document) {
            let (id, uri, token) = (client.client_id.clone(), client.uri.clone(), client.token.clone());
            let noted = self.ledger.rotated(&id, uri, token);
            self.note(noted);
        }
    }
}

impl Client {
    /// The document as an update sends it back: what the server last returned, without what an update must not hold.
    pub fn to_send_back(&self, with_secret: bool) -> Result<Map<String, Value>, String> {
        let mut document = self.document.clone();
        let secret = document.remove("client_secret").filter(|s| !s.is_null());
        document.retain(|name, _| !EXCLUDED.contains(&name.as_str()));
        if with_secret {
            let secret = secret.ok_or("the client was issued no client_secret")?;
            document.insert("client_secret".into(), secret);
        }
        Ok(document)
    }

    /// Takes over a document that the server shows of the client, with a new token or URI in it. Says whether it holds one; a
    /// document of another client is none of its business.
    pub fn take_over(&mut self, mut document: Map<String, Value>) -> bool {
        let word = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
        let (token, uri) = (word("registration_access_token").map(Secret::from), word("registration_client_uri"));
        if word("client_id").is_none_or(|id| id != self.client_id) {
            return false;
        }
        // Servers that store a hash of them leave credentials out; the former ones hold then.
        for name in EXCLUDED.iter().chain(&["client_secret"]) {
            if let Some(held) = self.document.get(*name).filter(|_| !document.contains_key(*name)) {
                document.insert((*name).to_owned(), held.clone());
            }
        }
        self.document = document;
        let changed = token.is_some() && token != self.token || uri.is_some() && uri != self.uri;
        if changed {
            if token.is_some() && token != self.token {
                self.former.extend(self.token.take());
            }
            self.token = token.or(self.token.take());
            self.uri = uri.or(self.uri.take());
        }
        changed
    }
}

/// Puts a token that is not the client's newest one into a request to its configuration endpoint. `random` makes one that
/// nobody issued. The error says which token there is none of.
pub fn present(
    request: &mut Request,
    word: TokenWord,
    client: &Client,
    other: Option<&Client>,
    initial: Option<&Secret>,
    random: &mut dyn FnMut() -> String,
) -> Result<(), String> {
    let own = client.token.as_ref().map_or("", Secret::expose);
    let (auth, token) = match word {
        TokenWord::None => (Auth::None, None),
        TokenWord::Random => (Auth::Random, Some(random())),
        TokenWord::Truncated => {
            let keep = own.chars().count().saturating_sub(4).max(1);
            (Auth::Truncated, Some(own.chars().take(keep).collect()))
        }
        TokenWord::Altered => (Auth::Altered, Some(altered(own))),
        TokenWord::Former => {
            let former = client.former.last().ok_or("there is no former token: nothing was rotated")?;
            (Auth::Former, Some(former.expose().to_owned()))
        }
        TokenWord::Another => {
            let token = other.and_then(|o| o.token.as_ref()).ok_or("there is no token of another client")?;
            (Auth::Another, Some(token.expose().to_owned()))
        }
        TokenWord::Initial => {
            let token = initial.ok_or("there is no initial access token")?;
            (Auth::Initial, Some(token.expose().to_owned()))
        }
    };
    request.headers.0.retain(|(name, _)| name != "authorization");
    if let Some(token) = token {
        request.headers.push("authorization", format!("Bearer {token}"));
    }
    request.auth = auth;
    Ok(())
}

/// A token of the same form, and another one: its last letter or digit is exchanged.
fn altered(token: &str) -> String {
    let mut chars: Vec<char> = token.chars().collect();
    // The last character of base64 may carry bits that mean nothing.
    let place = chars.iter().rposition(char::is_ascii_alphanumeric).map_or(0, |last| last.saturating_sub(3));
    if let Some(c) = chars.get_mut(place) {
        *c = if *c == 'A' { 'B' } else { 'A' };
    }
    chars.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::altered;

    #[test]
    fn an_altered_token_is_another_one_of_the_same_length() {
        for token in ["a", "AAAAAAAA", "abcdefgh==", "eyJ.x.y-_"] {
            assert_ne!(altered(token), token);
            assert_eq!(altered(token).len(), token.len());
        }
    }
}
