//! The client configuration endpoint: read, update and delete (RFC 7592, section 2).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value, json};

use super::defects::Fault;
use super::issue::{Client, needs_secret};
use super::respond::{self, Cause, Refusal};
use super::{BODY_LIMIT, Configuration, Mutable, ReferenceServer, bearer_token, body, not_allowed};

/// Members that an update must not hold (RFC 7592, section 2.2).
const EXCLUDED: [&str; 4] =
    ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"];

pub(super) async fn configuration(State(server): State<ReferenceServer>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let handle = parts.uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    server.manage(&parts.method, Some(&handle), &parts.headers, body).await
}

impl ReferenceServer {
    /// A request to the configuration endpoint. Without a handle the token alone names the client (RFC 7592, appendix B).
    pub(super) async fn manage(
        &self,
        method: &Method,
        handle: Option<&str>,
        headers: &HeaderMap,
        body: Body,
    ) -> Response {
        let faults = self.faults();
        let kind = self.0.config.configuration;
        if *method == Method::PATCH && faults.has(Fault::PatchCrash) {
            return respond::empty(StatusCode::INTERNAL_SERVER_ERROR);
        }
        let allowed = match kind {
            Configuration::NoUpdate => "GET, HEAD, DELETE",
            Configuration::NoDelete => "GET, HEAD, PUT",
            _ => "GET, HEAD, PUT, DELETE",
        };
        if !allowed.split(", ").any(|known| known == method.as_str()) {
            let hidden = *method == Method::DELETE && faults.has(Fault::NoDelete404);
            return if hidden { respond::empty(StatusCode::NOT_FOUND) } else { not_allowed(allowed) };
        }
        let client = match self.whose(method, handle, headers) {
            Ok(client) => client,
            Err(response) => return *response,
        };
        if let Some(response) = self.forbids(method, &client) {
            return response;
        }
        match *method {
            Method::DELETE => self.delete(&client),
            Method::PUT => match axum::body::to_bytes(body, BODY_LIMIT).await {
                Ok(bytes) => self.update(&client, headers, &bytes),
                Err(_) => self.refuse(&Refusal::new(Cause::TooLarge, "The body is too long."), None),
            },
            _ => self.read(&client),
        }
    }

    /// The client that a request may manage: the one of the URL, whose newest token is presented.
    fn whose(&self, method: &Method, handle: Option<&str>, headers: &HeaderMap) -> Result<Arc<Client>, Box<Response>> {
        let faults = self.faults();
        let presented = headers.contains_key(AUTHORIZATION);
        // RFC 7592, section 2: an unknown client and a wrong token are answered alike.
        let refused = || Box::new(respond::unauthorized(presented, true, true));
        let token = bearer_token(headers);
        let state = self.lock();
        let here = match handle {
            Some(handle) => state.store.by_handle(handle),
            None => token.and_then(|token| state.store.by_token(token)).into_iter().collect(),
        };
        if here.is_empty() {
            let gone = handle.and_then(|handle| state.gone.get(handle)).filter(|_| presented);
            return Err(match gone {
                Some(client) if faults.has(Fault::TokenOutlivesClient) => return Ok(Arc::clone(client)),
                Some(client)
                    if faults.has(Fault::FormerOutlivesClient)
                        && token.is_some_and(|token| client.former_tokens.iter().any(|former| former == token)) =>
                {
                    return Ok(Arc::clone(client));
                }
                Some(_) if faults.has(Fault::Gone404) => Box::new(respond::empty(StatusCode::NOT_FOUND)),
                _ => refused(),
            });
        }
        if faults.has(Fault::TokenRefused) {
            return Err(refused());
        }
        let takes = |client: &Arc<Client>| {
            let Some(token) = token else { return *method == Method::GET && faults.has(Fault::ConfigurationOpen) };
            let own = client.access_token.as_str();
            let old = client.former_tokens.iter().any(|former| former == token);
            if faults.has(Fault::NewTokenDead) && !client.former_tokens.is_empty() {
                return client.former_tokens.first().is_some_and(|first| first == token);
            }
            token == own
                || (old && faults.has(Fault::OldTokenLives))
                || (faults.has(Fault::TokenPrefixTaken) && token.len() > 8 && own.starts_with(token))
                || (faults.has(Fault::UpdateWithAnyToken) && *method == Method::PUT)
                || (faults.has(Fault::DeleteWithAnyToken) && *method == Method::DELETE)
                || (faults.has(Fault::InitialTokenManages)
                    && self.0.config.initial_access_token.as_ref().map(crate::wire::Secret::expose) == Some(token))
                || (faults.has(Fault::TokenOfAnyClient) && state.store.by_token(token).is_some())
        };
        here.into_iter().find(takes).ok_or_else(refused)
    }

    /// 403, where a client may not do this to itself. Public clients may not read, and confidential ones neither update nor
    /// delete.
    fn forbids(&self, method: &Method, client: &Client) -> Option<Response> {
        if self.0.config.configuration != Configuration::Forbidding {
            return None;
        }
        let faults = self.faults();
        let public = client.metadata.get("token_endpoint_auth_method").and_then(Value::as_str) == Some("none");
        let (forbidden, fault) = match *method {
            Method::PUT => (!public, Fault::ForbiddenUpdate404),
            Method::DELETE => (!public, Fault::ForbiddenDelete409),
            _ => (public, Fault::ForbiddenRead404),
        };
        let instead = if *method == Method::DELETE { StatusCode::CONFLICT } else { StatusCode::NOT_FOUND };
        forbidden.then(|| respond::empty(if faults.has(fault) { instead } else { StatusCode::FORBIDDEN }))
    }

    fn read(&self, client: &Arc<Client>) -> Response {
        let faults = self.faults();
        let client = self.rotate(client);
        let mut document = respond::client_information(&client, &self.configuration_base(), faults);
        document.extend(client.first_metadata.clone().unwrap_or_default());
        if faults.has(Fault::ReadWithoutScope) {
            document.shift_remove("scope");
        }
        if faults.has(Fault::ReadOtherId) {
            document.insert("client_id".into(), json!(format!("{}-1", client.id_text())));
        }
        let status = if faults.has(Fault::Read202) { StatusCode::ACCEPTED } else { StatusCode::OK };
        respond::managed(status, document, faults)
    }

    /// Hands out a new token and a new secret, where the server rotates them (RFC 7592, section 5).
    fn rotate(&self, client: &Arc<Client>) -> Arc<Client> {
        if self.0.config.configuration != Configuration::Rotating {
            return Arc::clone(client);
        }
        let mut state = self.lock();
        let Mutable { store, mint, .. } = &mut *state;
        let mut next = Client::clone(client);
        next.former_tokens.push(std::mem::replace(&mut next.access_token, mint.secret()));
        if next.secret.is_some() {
            let new = mint.secret();
            // What the token endpoint takes is `secret`, what answers show is `shown_secret`.
            if self.faults().has(Fault::NewSecretDead) {
                next.shown_secret = Some(json!(new));
            } else {
                next.secret = Some(json!(new));
            }
        }
        store.replace(client, next)
    }

    fn update(&self, client: &Arc<Client>, headers: &HeaderMap, bytes: &[u8]) -> Response {
        let faults = self.faults();
        let document = body::check_media_type(headers, faults).and_then(|()| body::parse(bytes, faults));
        let request = match document {
            Ok(request) => request,
            Err(refusal) => return self.refuse(&refusal, None),
        };
        let client = self.addressed(client, &request);
        match self.updated(&client, request.clone()) {
            Ok(next) => {
                let next = self.lock().store.replace(&client, next);
                let next = self.rotate(&next);
                let mut document = respond::client_information(&next, &self.configuration_base(), faults);
                if faults.has(Fault::ExcludedAdopted)
                    && let Some(chosen) = request.get("client_id_issued_at")
                {
                    document.insert("client_id_issued_at".into(), chosen.clone());
                }
                if faults.has(Fault::Update204) {
                    return respond::empty(StatusCode::NO_CONTENT);
                }
                respond::managed(StatusCode::OK, document, faults)
            }
            Err(refusal) => {
                let mut half = Client::clone(&client);
                if faults.has(Fault::UpdateHalfApplied)
                    && let Some(name) = request.get("client_name").filter(|name| name.is_string())
                {
                    half.metadata.insert("client_name".into(), name.clone());
                    self.lock().store.replace(&client, half);
                } else if faults.has(Fault::RefusedUpdateKillsToken) {
                    half.access_token = self.lock().mint.secret();
                    self.lock().store.replace(&client, half);
                }
                if faults.has(Fault::Update422) {
                    return respond::response(
                        StatusCode::UNPROCESSABLE_ENTITY,
                        respond::JSON,
                        "{\"error\":\"invalid_client_metadata\"}",
                    );
                }
                self.refuse(&refusal, None)
            }
        }
    }

    /// The client whose record is changed: that of the token, unless a defect believes the document.
    fn addressed(&self, client: &Arc<Client>, request: &Map<String, Value>) -> Arc<Client> {
        let named = request.get("client_id").and_then(Value::as_str).unwrap_or_default();
        let other = self.lock().store.by_id(named).into_iter().next();
        other.filter(|_| self.faults().has(Fault::UpdateByBody)).unwrap_or_else(|| Arc::clone(client))
    }

    /// The client as the update wants it, checked as a registration is.
    fn updated(&self, client: &Client, mut request: Map<String, Value>) -> Result<Client, Refusal> {
        let faults = self.faults();
        let bad = |description: &str| Refusal::new(Cause::Metadata, description);
        if request.remove("client_id").is_none_or(|id| id != client.client_id) {
            return Err(bad("The client_id of an update is that of the client."));
        }
        let mut secret = client.secret.clone();
        if let Some(sent) = request.remove("client_secret") {
            if faults.has(Fault::SecretChosenInUpdate) {
                secret = Some(sent);
            } else if Some(&sent) != client.secret.as_ref() || faults.has(Fault::RightSecretRefused) {
                return Err(bad("The client_secret of an update is the one that was issued."));
            }
        }
        let excluded = EXCLUDED.iter().find(|name| request.contains_key(**name));
        if let Some(name) = excluded
            && !(faults.has(Fault::ExcludedAdopted) && *name == "client_id_issued_at")
        {
            return Err(bad(&format!("An update does not hold {name}.")));
        }
        request.remove("client_id_issued_at");
        if faults.has(Fault::RoundTripRefused) && request.contains_key("grant_types") {
            return Err(bad("grant_types cannot be changed."));
        }
        if faults.has(Fault::UpdateMerges) {
            for (name, value) in &client.metadata {
                request.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        let mut metadata = if faults.has(Fault::UpdateUnchecked) && request.contains_key("redirect_uris") {
            let uris = request.remove("redirect_uris").unwrap_or_default();
            request.insert("redirect_uris".into(), client.metadata.get("redirect_uris").cloned().unwrap_or_default());
            let mut metadata = self.checked(&request, faults)?;
            metadata.insert("redirect_uris".into(), uris);
            metadata
        } else {
            self.checked(&request, faults)?
        };
        if faults.has(Fault::UpdateUnknownRefused)
            && let Some(name) = request.keys().find(|name| name.starts_with("dcrspec-"))
        {
            return Err(bad(&format!("The member {name} is not known.")));
        }
        if faults.has(Fault::UpdateAugments) {
            for name in ["redirect_uris", "contacts"] {
                augment(&mut metadata, client, name);
            }
        }
        let public = !needs_secret(&metadata);
        if public && !faults.has(Fault::SecretChosenInUpdate) {
            secret = None;
        } else if secret.is_none() && !public {
            secret = Some(json!(self.lock().mint.secret()));
        }
        let expiry = secret.as_ref().map(|_| client.secret_expires_at.clone().unwrap_or(json!(0)));
        Ok(Client { secret, secret_expires_at: expiry, metadata, ..client.clone() })
    }

    fn delete(&self, client: &Arc<Client>) -> Response {
        let faults = self.faults();
        let mut state = self.lock();
        let Mutable { store, gone, .. } = &mut *state;
        store.remove(&client.handle);
        if faults.remember_deleted() {
            gone.insert(client.handle.clone(), Arc::clone(client));
        }
        if faults.has(Fault::Delete200) {
            return respond::document(&json!({ "deleted": true }));
        }
        respond::empty(StatusCode::NO_CONTENT)
    }
}

/// Puts the old values behind the new ones.
fn augment(metadata: &mut Map<String, Value>, client: &Client, name: &str) {
    let old = client.metadata.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    if let Some(Value::Array(new)) = metadata.get_mut(name) {
        for value in old {
            if !new.contains(&value) {
                new.push(value);
            }
        }
    }
}
