//! Before the suites: find the endpoint, climb the ladder of base clients, and derive the capabilities.

use serde_json::{Map, Value, json};

use super::harness::Harness;
use crate::{
    judge::blames_credentials,
    report::{CapabilityState, RungRecord},
    spec::Capability,
    suite::BaseKind,
    target::{Base, Discovered, Rung, candidates, confidential_rungs, origin, public_rungs, smallest_rungs},
    wire::{Auth, Exchange, Headers, Kind, Outcome, Request},
};

impl Harness<'_> {
    /// Finds out all that the suites need. Afterwards `ground.untestable` is set when nothing can be tested.
    pub async fn prepare(&mut self) -> Vec<RungRecord> {
        self.ground.content_type = "application/json".into();
        if let Err(why) = self.find_endpoint().await {
            self.ground.untestable = Some(why);
            return Vec::new();
        }
        let ladder = self.climb().await;
        self.set_context();
        self.judge_pending();
        self.offer_bases();
        if self.ground.untestable.is_none() {
            self.probe().await;
        } else if self.context.protected {
            self.probe_refusal().await;
        }
        for capability in &self.target.declared {
            self.ground.capabilities.present(*capability, "declared", None);
        }
        self.judge_pending();
        ladder
    }

    async fn find_endpoint(&mut self) -> Result<(), String> {
        self.ground.issuer = self.target.issuer.clone();
        if let Some(endpoint) = &self.target.endpoint {
            self.ground.endpoint = endpoint.clone();
        }
        // Without an issuer the endpoint's origin is a guess, for what the metadata adds; it decides nothing.
        let guess = self.ground.endpoint.clone();
        let issuer = match (&self.target.issuer, origin(&guess)) {
            (Some(issuer), _) => issuer.clone(),
            (None, Some(origin)) => origin,
            (None, None) => return Err(format!("{guess:?} is no URL")),
        };
        let mut said = Vec::new();
        let mut found: Vec<Discovered> = Vec::new();
        for (url, openid) in candidates(&issuer)? {
            if found.iter().any(|f| f.openid == openid) {
                continue;
            }
            let index = self.get(&url).await;
            let exchange = &self.exchanges[index];
            match &exchange.outcome {
                Outcome::Response(r) if r.status == 200 && r.object().is_some() => {
                    let metadata = r.object().cloned().unwrap_or_default();
                    let id = exchange.id;
                    self.ground.capabilities.present(Capability::Discovery, format!("{url} was answered"), Some(id));
                    if openid {
                        self.ground.capabilities.present(Capability::Oidc, format!("{url} was answered"), Some(id));
                    }
                    found.push(Discovered { url, openid, metadata });
                }
                Outcome::Response(r) => said.push(format!("{url}: {}", r.status)),
                Outcome::Failure(f) => {
                    // Nobody there: the other documents of the same origin cannot be there either.
                    if self.target.endpoint.is_none() {
                        return Err(f.message.clone());
                    }
                    break;
                }
            }
        }
        if found.is_empty() {
            let capabilities = &mut self.ground.capabilities;
            capabilities.absent(Capability::Discovery, "no metadata document was found", None);
            capabilities.absent(Capability::Oidc, "no OpenID document was found", None);
        } else if !found.iter().any(|f| f.openid) {
            self.ground.capabilities.absent(Capability::Oidc, "no OpenID document was found", None);
        }
        self.context.openid_only = !found.is_empty() && found.iter().all(|f| f.openid);
        let named = |f: &Discovered, name: &str| f.metadata.get(name).and_then(Value::as_str).map(str::to_owned);
        self.context.pushed_requests =
            found.iter().any(|f| named(f, "pushed_authorization_request_endpoint").is_some());
        for (capability, name) in [
            (Capability::AuthorizationEndpoint, "authorization_endpoint"),
            (Capability::TokenEndpoint, "token_endpoint"),
        ] {
            if found.iter().any(|f| named(f, name).is_some()) {
                self.ground.capabilities.present(capability, format!("the metadata names {name}"), None);
            } else if !found.is_empty() {
                self.ground.capabilities.absent(capability, format!("the metadata names no {name}"), None);
            }
        }
        if self.ground.endpoint.is_empty() {
            let Some(endpoint) = found.iter().find_map(|f| named(f, "registration_endpoint")) else {
                return Err(if found.is_empty() {
                    format!("no metadata document was found for the issuer {issuer}: {}", said.join("; "))
                } else {
                    format!(
                        "the metadata of {issuer} names no registration_endpoint: this server takes no dynamic registrations, or only at a URL that is given by hand"
                    )
                });
            };
            self.ground.endpoint = endpoint;
            self.ground.issuer = Some(issuer);
        }
        self.ground.metadata = found.into_iter().next().map(|f| f.metadata);
        Ok(())
    }

    async fn get(&mut self, url: &str) -> usize {
        let mut headers = Headers::default();
        headers.push("accept", "application/json");
        let request = Request {
            kind: Kind::Discover,
            method: "GET".into(),
            url: url.to_owned(),
            headers,
            body: bytes::Bytes::new(),
            auth: Auth::None,
        };
        self.send(request, "").await
    }

    /// Tries base clients until one of each kind is accepted.
    async fn climb(&mut self) -> Vec<RungRecord> {
        let scope = self.ground.scope();
        let mut records = Vec::new();
        let own = self.target.client.clone().map(|metadata| Rung { name: "the client that was given", metadata });
        let mut groups = vec![own.into_iter().collect::<Vec<_>>(), confidential_rungs(&scope), public_rungs(&scope)];
        groups.push(smallest_rungs());
        let smallest = groups.len() - 1;
        'groups: for (index, group) in groups.into_iter().enumerate() {
            if index == smallest && !self.ground.bases.is_empty() {
                break;
            }
            for rung in group {
                let kind = wanted_kind(&rung.metadata);
                if self.ground.bases.iter().any(|(k, _)| *k == kind) && index != 0 {
                    break;
                }
                if self.room() == 0 {
                    break 'groups;
                }
                let (accepted, stop) = self.rung(&rung, &mut records).await;
                if stop && self.limited() && !self.ground.bases.is_empty() {
                    return records;
                }
                if stop {
                    let failed = self.exchanges.last().is_some_and(|x| x.response().is_none_or(|r| r.is_unread()));
                    self.ground.untestable = match records.last() {
                        Some(record) if failed => Some(record.answer.clone()),
                        _ => Some(untestable(&records, self.target.token.is_some())),
                    };
                    return records;
                }
                if accepted && index != 0 {
                    break;
                }
            }
        }
        if self.ground.bases.is_empty() && records.iter().any(|r| r.answer.starts_with("415")) {
            self.climb_with_charset(&mut records).await;
        }
        if self.ground.bases.is_empty() {
            self.ground.untestable = Some(untestable(&records, self.target.token.is_some()));
        }
        records
    }

    /// Whether the last exchange came to a limit, of the server's or of the run's.
    fn limited(&self) -> bool {
        self.exchanges.last().is_some_and(|x| !x.was_sent() || x.response().is_some_and(|r| r.status == 429))
    }

    /// Some servers know JSON only with a charset parameter: an accepted client then shows that the plain form is at fault.
    async fn climb_with_charset(&mut self, records: &mut Vec<RungRecord>) {
        self.ground.content_type = "application/json; charset=utf-8".into();
        let scope = self.ground.scope();
        for group in [confidential_rungs(&scope), public_rungs(&scope)] {
            if let Some(rung) = group.into_iter().next() {
                self.rung(&rung, records).await;
            }
        }
        if self.ground.bases.is_empty() {
            self.ground.content_type = "application/json".into();
        }
    }

    /// Tries one rung; says whether it was accepted, and whether going on is pointless.
    async fn rung(&mut self, rung: &Rung, records: &mut Vec<RungRecord>) -> (bool, bool) {
        let marker = format!("dcrspec-{}", self.fresh());
        let mut metadata = rung.metadata.clone();
        metadata.entry("software_id").or_insert_with(|| json!(marker));
        let request = self.register_request(&metadata);
        let index = self.send(request, &marker).await;
        let exchange = &self.exchanges[index];
        let accepted = exchange.created().is_some_and(|r| !r.is_unread());
        let (answer, hint, stop) = said(exchange, self.target.token.is_some());
        records.push(RungRecord {
            rung: rung.name.into(),
            accepted,
            answer,
            hint: if accepted { None } else { hint },
            exchange: format!("x{}", exchange.id),
        });
        if accepted {
            let kind = kind_of(exchange);
            let base = Base { metadata: rung.metadata.clone(), exchange: exchange.id };
            if !self.ground.bases.iter().any(|(k, _)| *k == kind) {
                self.ground.bases.push((kind, base));
            }
        }
        (accepted, stop)
    }

    fn set_context(&mut self) {
        let registrations: Vec<&Exchange> =
            self.exchanges.iter().filter(|x| x.request.kind == Kind::Register).collect();
        let accepted = !self.ground.bases.is_empty();
        let answered_as_one = registrations
            .iter()
            .filter_map(|x| x.response())
            .any(|r| r.is_created() || (r.status == 400 && r.member("error").is_some()));
        let refused = registrations
            .iter()
            .any(|x| x.request.auth == Auth::None && x.response().is_some_and(|r| matches!(r.status, 401 | 403)));
        self.context.accepted = accepted;
        self.context.established = accepted || answered_as_one || self.target.issuer.is_some();
        self.context.protected = refused;
    }

    /// Derives the capabilities from what the ladder showed, and asks for the rest.
    async fn probe(&mut self) {
        self.probe_clients();
        self.probe_token().await;
        let base = self.ground.base(BaseKind::Any).map(|b| b.metadata.clone()).unwrap_or_default();
        if self.spare(Capability::Jwks) {
            self.probe_member(&base, Capability::Jwks, "jwks", json!({"keys": [public_key()]})).await;
        }
        if self.spare(Capability::I18n) {
            self.probe_member(&base, Capability::I18n, "client_name#fr", json!("client d'essai")).await;
            self.probe_variants_by_read().await;
        }
        if self.target.statement_key.is_some() {
            self.ground.capabilities.present(
                Capability::SoftwareStatement,
                "a key was given that the target trusts",
                None,
            );
        }
        self.probe_configuration().await;
        if !self.target.transport.has_tls() {
            self.ground.capabilities.absent(Capability::Tls, "a service in this process, without TLS", None);
        } else if self.ground.endpoint.starts_with("https:") {
            self.ground.capabilities.present(Capability::Tls, "the endpoint is https", None);
        } else {
            self.ground.capabilities.absent(Capability::Tls, "the endpoint is http", None);
        }
    }

    /// Without an accepted client: how the endpoint answers a token that nobody issued can be judged all the same.
    async fn probe_refusal(&mut self) {
        self.ground.capabilities.present(
            Capability::InitialAccessToken,
            "a registration without a token is refused",
            None,
        );
        self.ground.capabilities.absent(
            Capability::OpenRegistration,
            "a registration without a token is refused",
            None,
        );
        let Some(rung) = confidential_rungs(&self.ground.scope()).into_iter().next() else { return };
        let marker = format!("dcrspec-{}", self.fresh());
        let mut metadata = rung.metadata;
        metadata.insert("software_id".into(), json!(marker));
        let mut request = self.register_request(&metadata);
        request.headers.0.retain(|(name, _)| name != "authorization");
        self.authorize(&mut request, Auth::Random);
        self.send(request, &marker).await;
    }

    fn probe_clients(&mut self) {
        let created: Vec<&Exchange> = self.exchanges.iter().filter(|x| x.created().is_some()).collect();
        let capabilities = &mut self.ground.capabilities;
        let method =
            |x: &Exchange| x.response().and_then(|r| r.member("token_endpoint_auth_method")).map(str::to_owned);
        match created.iter().find(|x| method(x).as_deref() == Some("none")) {
            Some(x) => capabilities.present(Capability::PublicClient, "a public client was created", Some(x.id)),
            None => {
                capabilities.absent(Capability::PublicClient, "no rung of the ladder created a public client", None)
            }
        }
        let secret =
            |x: &Exchange| x.response().and_then(|r| r.object()?.get("client_secret")).is_some_and(|s| !s.is_null());
        match created.iter().find(|x| secret(x) && method(x).as_deref() != Some("none")) {
            Some(x) => {
                capabilities.present(
                    Capability::ConfidentialClient,
                    "a client was created with a client_secret",
                    Some(x.id),
                );
            }
            None => {
                capabilities.absent(
                    Capability::ConfidentialClient,
                    "no rung of the ladder was given a client_secret",
                    None,
                );
            }
        }
        let loopback = |x: &&&Exchange| {
            x.response()
                .and_then(|r| r.object()?.get("redirect_uris")?.as_array())
                .is_some_and(|uris| uris.iter().filter_map(Value::as_str).any(|u| u.starts_with("http://127.0.0.1")))
        };
        if let Some(x) = created.iter().find(loopback) {
            capabilities.present(Capability::NativeRedirect, "a loopback redirect URI was kept", Some(x.id));
        }
        let ids: Vec<&str> = created.iter().filter_map(|x| x.response()?.member("client_id")).collect();
        if ids.len() > 1 {
            if ids.iter().any(|id| *id != ids[0]) {
                capabilities.present(Capability::SecondClient, "two registrations got two identifiers", None);
            } else {
                capabilities.absent(Capability::SecondClient, "every registration got the same identifier", None);
            }
        }
    }

    /// Whether the endpoint wants a token: with one, a registration without it is the question.
    async fn probe_token(&mut self) {
        if self.target.token.is_none() {
            let capabilities = &mut self.ground.capabilities;
            capabilities.present(Capability::OpenRegistration, "a client was created without credentials", None);
            capabilities.absent(Capability::InitialAccessToken, "registration is open", None);
            return;
        }
        let Some(base) = self.ground.base(BaseKind::Any).map(|b| b.metadata.clone()) else { return };
        let marker = format!("dcrspec-{}", self.fresh());
        let mut metadata = base;
        metadata.entry("software_id").or_insert_with(|| json!(marker));
        let mut request = self.register_request(&metadata);
        request.headers.0.retain(|(name, _)| name != "authorization");
        request.auth = Auth::None;
        let index = self.send(request, &marker).await;
        let exchange = &self.exchanges[index];
        let id = Some(exchange.id);
        let capabilities = &mut self.ground.capabilities;
        match exchange.response().map(|r| if blames_credentials(r) { 401 } else { r.status }) {
            Some(401 | 403) => {
                self.context.protected = true;
                capabilities.present(Capability::InitialAccessToken, "a registration without a token is refused", id);
                capabilities.absent(Capability::OpenRegistration, "a registration without a token is refused", id);
            }
            Some(201) => {
                capabilities.present(Capability::OpenRegistration, "a client was created without a token", id);
                capabilities.set(
                    Capability::InitialAccessToken,
                    CapabilityState::Unknown,
                    "a token was given, and registrations without one are accepted too",
                    id,
                );
            }
            _ => capabilities.present(Capability::InitialAccessToken, "a token was given", id),
        }
    }

    /// Whether a member that is sent comes back.
    async fn probe_member(&mut self, base: &Map<String, Value>, capability: Capability, name: &str, value: Value) {
        let marker = format!("dcrspec-{}", self.fresh());
        let mut metadata = base.clone();
        metadata.entry("software_id").or_insert_with(|| json!(marker));
        metadata.insert(name.to_owned(), value);
        let request = self.register_request(&metadata);
        let index = self.send(request, &marker).await;
        let exchange = &self.exchanges[index];
        let id = Some(exchange.id);
        let kept = exchange
            .created()
            .and_then(|r| r.object())
            .map(|o| o.get(name).is_some_and(|v| !v.is_null()) || o.keys().any(|k| k.eq_ignore_ascii_case(name)));
        let refused = exchange.response().is_some_and(|r| r.status == 400);
        let capabilities = &mut self.ground.capabilities;
        match kept {
            Some(true) => capabilities.present(capability, format!("{name} came back"), id),
            Some(false) => capabilities.absent(capability, format!("{name} did not come back"), id),
            None if refused => capabilities.absent(capability, format!("{name} was refused"), id),
            None => {}
        }
    }

    /// A server may keep language variants and leave them out of the 201: that is what a read brings to light.
    async fn probe_variants_by_read(&mut self) {
        let absent = self.ground.capabilities.state(Capability::I18n) == CapabilityState::Absent;
        let Some(client) = self.clients.last().cloned().filter(|_| absent) else { return };
        let sent = self.exchanges.last().and_then(|x| x.created()?.member("client_id")) == Some(&client.client_id);
        let Ok(request) = self.configuration_request(&client, Kind::Read) else { return };
        if !sent {
            return;
        }
        let index = self.send(request, "").await;
        self.rotated(&client, index);
        let exchange = &self.exchanges[index];
        let shown = exchange.response().filter(|r| r.status == 200).and_then(|r| r.object());
        if shown.is_some_and(|o| o.keys().any(|k| k.eq_ignore_ascii_case("client_name#fr"))) {
            let id = Some(exchange.id);
            self.ground.capabilities.present(Capability::I18n, "a read shows client_name#fr", id);
        }
    }

    /// RFC 7592: whether there is a configuration endpoint, and what it takes.
    async fn probe_configuration(&mut self) {
        // The newest one: an older one may be gone where registrations replace each other.
        let offered = self.clients.iter().rev().find(|c| c.uri.is_some() || c.token.is_some()).cloned();
        let capabilities = &mut self.ground.capabilities;
        let Some(client) = offered else {
            for capability in
                [Capability::Rfc7592, Capability::Rfc7592Read, Capability::Rfc7592Update, Capability::Rfc7592Delete]
            {
                capabilities.absent(
                    capability,
                    "no answer held registration_client_uri or registration_access_token",
                    None,
                );
            }
            return;
        };
        capabilities.present(Capability::Rfc7592, "an answer held a client configuration endpoint", None);
        let Ok(request) = self.configuration_request(&client, Kind::Read) else { return };
        let index = self.send(request, "").await;
        self.rotated(&client, index);
        let exchange = &self.exchanges[index];
        let id = Some(exchange.id);
        let capabilities = &mut self.ground.capabilities;
        match exchange.response().map(|r| r.status) {
            Some(200) => capabilities.present(Capability::Rfc7592Read, "a read of a fresh client was answered 200", id),
            Some(405) => capabilities.absent(Capability::Rfc7592Read, "a read was answered 405", id),
            Some(status) => {
                let reason = format!("a read of a fresh client was answered {status}");
                capabilities.set(Capability::Rfc7592Read, CapabilityState::Unknown, reason, id);
            }
            None => {}
        }
        self.probe_update(client.exchange).await;
        // The newest client, so that the accepted base clients outlive the probe.
        let Some(throw_away) = self.clients.last().cloned().filter(|_| self.options.clean_up) else { return };
        if throw_away.token.is_none() {
            return;
        }
        let before = self.clients.len();
        self.clean_up(before - 1).await;
        let capabilities = &mut self.ground.capabilities;
        if let Some(deleted) = self.exchanges.iter().rev().find(|x| x.request.kind == Kind::Delete) {
            match deleted.response().map(|r| r.status) {
                Some(204) => {
                    capabilities.present(Capability::Rfc7592Delete, "a DELETE was answered 204", Some(deleted.id))
                }
                Some(405) => {
                    capabilities.absent(Capability::Rfc7592Delete, "a DELETE was answered 405", Some(deleted.id))
                }
                Some(status) => capabilities.set(
                    Capability::Rfc7592Delete,
                    CapabilityState::Unknown,
                    format!("a DELETE was answered {status}"),
                    Some(deleted.id),
                ),
                None => {}
            }
        }
    }
}

impl Harness<'_> {
    /// Whether the unchanged document of a fresh client is taken back: without its secret, and where that is refused with
    /// it, since both are right (RFC 7592, 2.2).
    async fn probe_update(&mut self, registration: usize) {
        for with_secret in [false, true] {
            let Some(client) = self.clients.iter().find(|c| c.exchange == registration).cloned() else { return };
            let mut document = client.document.clone();
            document.retain(|name, _| {
                !super::manage::EXCLUDED.contains(&name.as_str()) && (with_secret || name != "client_secret")
            });
            let Ok(request) = self.update_request(&client, &document) else { return };
            let index = self.send(request, "").await;
            self.rotated(&client, index);
            let exchange = &self.exchanges[index];
            let id = Some(exchange.id);
            let capabilities = &mut self.ground.capabilities;
            let capability = Capability::Rfc7592Update;
            match exchange.response().map(|r| r.status) {
                Some(200) => {
                    return capabilities.present(capability, "an update that changes nothing was answered 200", id);
                }
                Some(405) => return capabilities.absent(capability, "an update was answered 405", id),
                Some(status) => {
                    let reason = format!("an update that changes nothing was answered {status}");
                    capabilities.set(capability, CapabilityState::Unknown, reason, id);
                    if status != 400 {
                        return;
                    }
                }
                None => return,
            }
        }
    }
}

/// The kind that a request asks for.
fn wanted_kind(metadata: &Map<String, Value>) -> BaseKind {
    match metadata.get("token_endpoint_auth_method").and_then(Value::as_str) {
        Some("none") => BaseKind::Public,
        _ => BaseKind::Confidential,
    }
}

/// The kind that was registered: by the answer, and only where it is silent by the request.
fn kind_of(exchange: &Exchange) -> BaseKind {
    match exchange.response().and_then(|r| r.member("token_endpoint_auth_method")) {
        Some("none") => BaseKind::Public,
        Some(_) => BaseKind::Confidential,
        None => wanted_kind(&exchange.request.object().unwrap_or_default()),
    }
}

/// What the server said to a rung, what to try, and whether going on is pointless.
fn said(exchange: &Exchange, token_given: bool) -> (String, Option<String>, bool) {
    let response = match &exchange.outcome {
        Outcome::Failure(failure) => return (failure.message.clone(), None, true),
        Outcome::Response(response) => response,
    };
    let mut answer = response.status.to_string();
    if let Some(error) = response.member("error") {
        answer.push_str(&format!(" {}", crate::judge::shorten(error, 60)));
    }
    if let Some(description) = response.member("error_description") {
        answer.push_str(&format!(": {}", crate::judge::shorten(description, 160)));
    } else if response.object().is_none() {
        let kind = response.headers.media_type().unwrap_or_else(|| "no media type".into());
        answer.push_str(&format!(", {kind}"));
    }
    if let Some(cut) = &response.cut {
        answer.push_str(&format!("; {cut}"));
    }
    let hint = match response.status {
        401 if token_given => {
            Some("the initial access token was refused: is it spent, expired, or for another server?")
        }
        401 | 403 if !token_given => {
            Some("give an initial access token: --token-env VAR, --token-file FILE or --token TOKEN")
        }
        403 => Some("the token was taken and the registration forbidden: does it carry the right to register clients?"),
        404 | 405 => Some("is this the registration endpoint? --issuer URL finds it from the server's metadata"),
        415 => Some("the endpoint does not take application/json"),
        400 if blames_credentials(response) && !token_given => {
            Some("give an initial access token: --token-env VAR, --token-file FILE or --token TOKEN")
        }
        400 => Some("give metadata that this server accepts: --client FILE"),
        429 => Some("the server limits registrations; wait, or lower --rate"),
        300..=399 => Some("redirects are not followed; give the URL that is meant"),
        500..=599 => Some("the server failed; its log knows why"),
        200..=299 if !response.is_created() => Some("a success without a client: is this the registration endpoint?"),
        _ => None,
    };
    // Without the right credentials every other rung would be refused alike.
    // And where an answer never ends, every further one costs the whole time limit.
    // A limit that was not waited out is still there.
    let stop = matches!(response.status, 401 | 429) || response.is_unread();
    (answer, hint.map(str::to_owned), stop)
}

fn untestable(records: &[RungRecord], token_given: bool) -> String {
    let all = |start: &str| !records.is_empty() && records.iter().all(|r| r.answer.starts_with(start));
    if all("401") || (all("403") && !token_given) {
        return "the endpoint wants an initial access token".into();
    }
    if records.iter().all(|r| r.answer.starts_with("404") || r.answer.starts_with("405")) {
        return "this URL does not take registrations".into();
    }
    "no base client was accepted".into()
}

/// A public key for probes, made once for this purpose; its private part was thrown away.
fn public_key() -> Value {
    json!({
        "kty": "EC",
        "crv": "P-256",
        "kid": "dcrspec-probe",
        "use": "sig",
        "alg": "ES256",
        "x": "JAozW4uYI4bdjCGs5JMpRqmDn3RzecbI4tD1RC-wsSE",
        "y": "2DXe1GWuGGI6jR6B-EipZNZla85-VdF5tbPbjwGkvp8",
    })
}
