//! Running cases: controls, steps, expectations, and what they add to the evidence.

use std::{collections::HashMap, time::Instant};

use serde_json::{Map, Value, json};

use super::{
    expect::{Outcome, Scope, evaluate, says_nothing},
    harness::Harness,
};
use crate::{
    report::{CapabilityState, CaseOutcome, CaseResult},
    spec::Capability,
    suite::{
        AuthWord, BaseKind, Case, Control, Expect, ManageAction, RegisterAction, RequestAction, Step, Suite, Transform,
        variables,
    },
    target::{registration, statement},
    wire::{Auth, Headers, Kind, Manner, Request},
};

/// What a case has seen so far.
#[derive(Default)]
pub(super) struct Progress {
    /// Exchange index by step id; `control` is one of them.
    pub(super) steps: HashMap<String, usize>,
    fresh: HashMap<String, String>,
    pub(super) exchanges: Vec<usize>,
    control: Option<usize>,
    /// Requirements whose expectation passed.
    passed: Vec<String>,
    failed: Vec<String>,
}

/// Why nothing more was asked.
const INTERRUPTED: &str = "the run was interrupted";

/// How a case ended before its last step.
pub(super) enum End {
    Skip(String),
    Error(String),
}

impl Harness<'_> {
    /// Runs one case, cleans up after it, and takes what it showed into the evidence.
    pub async fn run_case(&mut self, suite: &Suite, case: &Case) -> CaseResult {
        let started = Instant::now();
        self.case = format!("{}/{}", suite.name, case.id.value);
        let requirements: Vec<String> = case.requirements.iter().map(|r| r.value.clone()).collect();
        let keep = self.clients.len();
        let mut progress = Progress::default();
        let end = match self.gate(case) {
            Some(reason) => Err(End::Skip(reason)),
            None => self.steps(case, &mut progress).await,
        };
        self.judge_pending();
        // What a case could not ask any more says nothing about the server.
        let end = end.map_err(|end| if self.options.stop.is_requested() { End::Skip(INTERRUPTED.into()) } else { end });
        let (outcome, reason) = match end {
            Ok(()) if !progress.failed.is_empty() => (CaseOutcome::Failed, progress.failed.join("; ")),
            Ok(()) => (CaseOutcome::Passed, String::new()),
            Err(_) if !progress.failed.is_empty() => (CaseOutcome::Failed, progress.failed.join("; ")),
            Err(End::Skip(reason)) => (CaseOutcome::Skipped, reason),
            Err(End::Error(reason)) => (CaseOutcome::Errored, reason),
        };
        self.conclude(&requirements, &progress, outcome, &reason);
        let keep = self.keep_shared(keep);
        self.clean_up(keep).await;
        self.case = String::new();
        CaseResult {
            suite: suite.name.clone(),
            id: case.id.value.clone(),
            title: case.title.clone(),
            outcome,
            reason,
            requirements,
            seconds: started.elapsed().as_secs_f64(),
            exchanges: progress.exchanges.iter().map(|i| format!("x{}", self.exchanges[*i].id)).collect(),
        }
    }

    /// A case that the run did not come to, since it was interrupted.
    pub fn not_reached(&mut self, suite: &Suite, case: &Case) -> CaseResult {
        self.case = format!("{}/{}", suite.name, case.id.value);
        let requirements: Vec<String> = case.requirements.iter().map(|r| r.value.clone()).collect();
        self.planned(&requirements, Some(INTERRUPTED));
        self.case = String::new();
        CaseResult {
            suite: suite.name.clone(),
            id: case.id.value.clone(),
            title: case.title.clone(),
            outcome: CaseOutcome::Skipped,
            reason: INTERRUPTED.into(),
            requirements,
            seconds: 0.0,
            exchanges: Vec::new(),
        }
    }

    /// Why a case is not even tried.
    fn gate(&self, case: &Case) -> Option<String> {
        if case.is_unsafe && !self.options.allow_unsafe && !self.target.own {
            return Some("unsafe: runs with --unsafe, or at a server that dcrspec holds itself".into());
        }
        for need in &case.needs {
            let state = self.ground.capabilities.state(need.value);
            if state != CapabilityState::Present {
                return Some(format!("needs {}: {}", need.value, self.ground.capabilities.reason(need.value)));
            }
        }
        let deletable = self.ground.capabilities.is_present(Capability::Rfc7592Delete) && self.options.clean_up;
        if case.needs_clean_up && !deletable && !self.options.allow_unsafe && !self.target.own {
            return Some(
                "the client would stay behind with its payload: runs where clients can be deleted, or with --unsafe"
                    .into(),
            );
        }
        if let Some(why) = self.dropped(case) {
            return Some(why);
        }
        let removable = self.target.administration.is_some() && self.options.clean_up;
        if case.may_strand && !removable && !self.options.allow_unsafe && !self.target.own {
            return Some(
                "a client could be left without a token to delete it by, at servers that revoke one which is presented at the wrong place: runs with --unsafe, or where [cleanup] says how else clients are deleted"
                    .into(),
            );
        }
        if self.ground.base(case.base).is_none() {
            return Some("no base client of the kind that the case varies was accepted".into());
        }
        None
    }

    /// What the case showed about each requirement that it lists.
    fn conclude(&mut self, requirements: &[String], progress: &Progress, outcome: CaseOutcome, reason: &str) {
        match outcome {
            CaseOutcome::Skipped | CaseOutcome::Errored => self.planned(requirements, Some(reason)),
            CaseOutcome::Passed | CaseOutcome::Failed => self.planned(requirements, None),
        }
        let ids: Vec<u32> = progress.exchanges.iter().map(|i| self.exchanges[*i].id).collect();
        for requirement in requirements {
            for id in &ids {
                self.evidence.bears(requirement, *id);
            }
            // A case that broke off shows nothing; one that failed elsewhere has still shown this.
            if matches!(outcome, CaseOutcome::Skipped | CaseOutcome::Errored)
                || self.evidence.objected(requirement, &ids)
            {
                continue;
            }
            let shown = progress.passed.contains(requirement) || self.evidence.held(requirement, &ids);
            if shown {
                let case = self.case.clone();
                self.evidence.meet(requirement, &format!("shown by {case}"));
            }
        }
    }

    async fn steps(&mut self, case: &Case, progress: &mut Progress) -> Result<(), End> {
        if let Some(control) = &case.control {
            let index = self.control(case, control, progress).await?;
            progress.steps.insert("control".into(), index);
            progress.control = Some(index);
        }
        for (number, step) in case.steps.iter().map(|s| &s.value).enumerate() {
            let index = self.step(case, step, progress).await?;
            progress.exchanges.push(index);
            let name = step.id.clone().unwrap_or_else(|| format!("{}", number + 1));
            progress.steps.insert(name.clone(), index);
            if self.exchanges[index].response().is_none() {
                self.unanswered(index)?;
                self.judge_pending();
                continue;
            }
            let index = if step.patient { self.wait_for(case, step, index, progress).await? } else { index };
            progress.steps.insert(name.clone(), index);
            self.judge_pending();
            self.expectation(case, step.expect.as_ref(), &name, index, progress)?;
        }
        Ok(())
    }

    /// Repeats a step while its expectation fails. The exchanges before the last are not judged.
    async fn wait_for(
        &mut self,
        case: &Case,
        step: &Step,
        first: usize,
        progress: &mut Progress,
    ) -> Result<usize, End> {
        let mut index = first;
        for _ in 0..3 {
            let fails = {
                let lookup = |name: &str| self.variable(name, case.base, progress);
                let find = |name: &str| progress.steps.get(name).map(|i| &self.exchanges[*i]);
                let scope = Scope { lookup: &lookup, exchange: &find };
                step.expect
                    .as_ref()
                    .is_some_and(|e| matches!(evaluate(e, &self.exchanges[index], &scope), Outcome::Fail(_)))
            };
            if !fails || self.target.own {
                break;
            }
            self.leave_unjudged(index);
            self.rest(std::time::Duration::from_secs(2)).await;
            index = self.step(case, step, progress).await?;
            progress.exchanges.push(index);
            if self.exchanges[index].response().is_none() {
                self.unanswered(index)?;
                break;
            }
        }
        Ok(index)
    }

    fn expectation(
        &mut self,
        case: &Case,
        expect: Option<&Expect>,
        step: &str,
        index: usize,
        progress: &mut Progress,
    ) -> Result<(), End> {
        let Some(expect) = expect else {
            let exchange = &self.exchanges[index];
            let status = exchange.response().map_or(0, |r| r.status);
            // A case that leaves the token out, or spoils it, looks for these.
            let looked_for = matches!(status, 401 | 403) && exchange.request.auth != self.own_auth();
            // Without an expectation the rules watch; a refusal for another reason leaves them nothing to see.
            return if says_nothing(status) && !looked_for && exchange.request.kind == Kind::Register {
                Err(End::Skip(format!("answered {status}, which says nothing about this")))
            } else {
                Ok(())
            };
        };
        let requirement =
            expect.requirement.as_ref().or(case.requirements.first()).map(|r| r.value.clone()).unwrap_or_default();
        let lookup = |name: &str| self.variable(name, case.base, progress);
        let find = |name: &str| progress.steps.get(name).map(|i| &self.exchanges[*i]);
        let scope = Scope { lookup: &lookup, exchange: &find };
        match evaluate(expect, &self.exchanges[index], &scope) {
            Outcome::Pass => {
                progress.passed.push(requirement);
                Ok(())
            }
            Outcome::Open => Ok(()),
            Outcome::Inconclusive(reason) => Err(End::Skip(reason)),
            Outcome::Fail(mut objection) => {
                objection.level = expect.level.or(objection.level);
                objection.strength = expect.strength.or(objection.strength);
                progress.failed.push(format!("step {step}: {}", objection.message));
                let rule = format!("{}#{step}", self.case);
                let control = progress.control.map(|i| self.exchanges[i].id);
                let (id, case) = (self.exchanges[index].id, self.case.clone());
                self.evidence.finding(&requirement, &rule, *objection, id, &case, control);
                Ok(())
            }
        }
    }

    async fn control(&mut self, case: &Case, control: &Control, progress: &mut Progress) -> Result<usize, End> {
        let index = match control {
            Control::Base {} => {
                let base = self.ground.base(case.base).map(|b| b.exchange);
                base.and_then(|id| self.exchanges.iter().position(|x| x.id == id))
                    .ok_or_else(|| End::Skip("no base client was accepted".into()))?
            }
            Control::Register(action) => {
                let index = self.register(case, action, progress).await?;
                progress.exchanges.push(index);
                index
            }
        };
        let exchange = &self.exchanges[index];
        match exchange.created().and_then(|r| r.client()) {
            Some(_) => Ok(index),
            None => Err(End::Skip(format!(
                "the control was not accepted ({})",
                match &exchange.outcome {
                    crate::wire::Outcome::Response(response) => response.status.to_string(),
                    crate::wire::Outcome::Failure(failure) => failure.message.clone(),
                }
            ))),
        }
    }

    async fn step(&mut self, case: &Case, step: &Step, progress: &mut Progress) -> Result<usize, End> {
        if let Some(action) = &step.register {
            return self.register(case, action, progress).await;
        }
        if let Some(request) = &step.request {
            return self.request(case, request, progress).await;
        }
        if let Some(action) = &step.token {
            let request = self.token_request(action, &self.client_of(&action.client.value, progress)?.document)?;
            return Ok(self.send(request, "").await);
        }
        if let Some(action) = &step.introspect {
            let asker = self.client_of(&action.client.value, progress)?.document;
            let token = progress
                .steps
                .get(&action.token_of.value)
                .and_then(|i| self.exchanges[*i].response()?.member("access_token").map(str::to_owned));
            let token = token.ok_or_else(|| End::Skip("no access token was given".into()))?;
            let request = self.introspection_request(&token, &asker)?;
            return Ok(self.send(request, "").await);
        }
        if let Some(action) = &step.authorize {
            let lookup = |name: &str| self.variable(name, case.base, progress);
            let wanted = action.redirect_uri.as_ref().map(|uri| variables::fill_text(uri, &lookup)).transpose();
            let request = self.authorization_request(
                &self.client_of(&action.client.value, progress)?.document,
                wanted.map_err(End::Skip)?,
            )?;
            return Ok(self.send(request, "").await);
        }
        if let Some(both) = &step.together {
            return self.together(case, both, progress).await;
        }
        if let Some(action) = &step.update {
            return self.update(case, action, progress).await;
        }
        let (action, kind) = match (&step.read, &step.delete) {
            (Some(action), _) => (action, Kind::Read),
            (None, Some(action)) => (action, Kind::Delete),
            (None, None) => return Err(End::Skip("the step has no action".into())),
        };
        self.manage(kind, None, action, progress).await
    }

    /// The value of a variable where a case stands.
    pub(super) fn variable(&self, name: &str, base: BaseKind, progress: &Progress) -> Option<Value> {
        let parts: Vec<&str> = name.split('.').collect();
        let member = |index: &usize, member: &str| self.exchanges[*index].response()?.object()?.get(member).cloned();
        match parts.as_slice() {
            ["statement", _] => progress.fresh.get(name).map(|s| json!(s)),
            ["fresh", word] => progress.fresh.get(*word).map(|w| json!(w)),
            ["base", name] => self.ground.base(base)?.metadata.get(*name).cloned(),
            ["target", "scope"] => Some(json!(self.ground.scope())),
            ["control", "response", name] => member(progress.steps.get("control")?, name),
            ["steps", id, "response", name] => member(progress.steps.get(*id)?, name),
            _ => None,
        }
    }

    /// Makes up the random words that a payload asks for.
    pub(super) fn freshen(&mut self, text: &str, progress: &mut Progress) {
        let statements: Vec<String> = variables::names(text)
            .filter(|n| n.starts_with("statement.") && !progress.fresh.contains_key(*n))
            .map(str::to_owned)
            .collect();
        for name in statements {
            let (software, word) = (format!("dcrspec-{}", self.fresh()), self.fresh());
            let kind = name.trim_start_matches("statement.");
            // Without a key there is no value, and the variable says so where it stands.
            if let Ok(jwt) = statement(kind, self.target.statement_key.as_ref(), &software, &word) {
                progress.fresh.insert(name, jwt);
            }
        }
        let wanted: Vec<String> = variables::names(text)
            .filter_map(|n| n.strip_prefix("fresh."))
            .filter(|w| !progress.fresh.contains_key(*w))
            .map(str::to_owned)
            .collect();
        for word in wanted {
            let value = self.fresh();
            progress.fresh.insert(word, value);
        }
    }

    async fn register(&mut self, case: &Case, action: &RegisterAction, progress: &mut Progress) -> Result<usize, End> {
        if let Some(known) = self.known(case, action, &progress.exchanges) {
            return Ok(known);
        }
        let kind = action.base.unwrap_or(case.base);
        let base = self.ground.base(kind).map(|b| b.metadata.clone());
        let base = base.ok_or_else(|| End::Skip("no base client of that kind was accepted".into()))?;
        let text = serde_json::to_string(&(&action.with, &action.body, &action.raw)).unwrap_or_default();
        self.freshen(&text, progress);
        let marker = format!("dcrspec-{}", self.fresh());
        let body = {
            let lookup = |name: &str| self.variable(name, kind, progress);
            payload(action, &base, &marker, &lookup).map_err(End::Skip)?
        };
        let content_type = action.content_type.as_deref().unwrap_or(&self.ground.content_type).to_owned();
        let mut request = registration(&self.ground.endpoint, Some(&content_type), body);
        for (name, value) in &action.headers {
            request.headers.push(name.clone(), value.as_bytes().to_vec());
        }
        let auth = match action.auth {
            None => self.own_auth(),
            Some(AuthWord::None) => Auth::None,
            Some(AuthWord::Random) => Auth::Random,
            Some(AuthWord::Truncated) if self.target.token.is_none() => {
                return Err(End::Skip("no initial access token was given".into()));
            }
            Some(AuthWord::Truncated) => Auth::Truncated,
        };
        let manner = Manner { tls: action.tls, framing: action.framing };
        self.sendable(manner)?;
        if !manner.is_valid_http() {
            request.kind = Kind::Malformed;
        }
        if let Some(framing) = action.framing {
            framing.mark(&mut request);
        }
        if action.plaintext {
            request.kind = Kind::Plaintext;
            request.url = self.plaintext_url()?;
        } else {
            self.authorize(&mut request, auth);
        }
        let index = self.send_as(request, manner, &marker).await;
        self.offer(case, action, index);
        Ok(index)
    }

    async fn request(&mut self, case: &Case, action: &RequestAction, progress: &mut Progress) -> Result<usize, End> {
        if let Some(client) = &action.client {
            let plain = ManageAction { client: client.clone(), token: None, another: None };
            return self.manage(Kind::Other, Some(&action.method), &plain, progress).await;
        }
        let base = self.ground.base(case.base).map(|b| b.metadata.clone()).unwrap_or_default();
        let marker = format!("dcrspec-{}", self.fresh());
        let mut url = self.ground.endpoint.clone();
        if let Some(query) = &action.query {
            self.freshen(query, progress);
            let lookup = |name: &str| match self.variable(name, case.base, progress)? {
                Value::String(text) => Some(json!(encoded(&text))),
                other => Some(json!(encoded(&other.to_string()))),
            };
            let filled = variables::fill_text(query, &lookup).map_err(End::Skip)?;
            url = format!("{url}{}{filled}", if url.contains('?') { '&' } else { '?' });
        }
        let mut headers = Headers::default();
        headers.push("accept", "application/json");
        let mut body = Vec::new();
        if action.with_base_body {
            headers.push("content-type", self.ground.content_type.as_bytes().to_vec());
            let mut metadata = base;
            metadata.entry("software_id").or_insert_with(|| json!(marker));
            body = serde_json::to_vec(&metadata).expect("JSON values can be written");
        }
        let method = action.method.clone();
        let mut request = Request { kind: Kind::Probe, method, url, headers, body: body.into(), auth: Auth::None };
        self.authorize(&mut request, self.own_auth());
        let manner = Manner { tls: action.tls, framing: None };
        self.sendable(manner)?;
        Ok(self.send_as(request, manner, &marker).await)
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The bytes of a registration.
pub(super) fn payload(
    action: &RegisterAction,
    base: &Map<String, Value>,
    marker: &str,
    lookup: &dyn Fn(&str) -> Option<Value>,
) -> Result<Vec<u8>, String> {
    if let Some(raw) = &action.raw {
        return Ok(variables::fill_text(raw, lookup)?.into_bytes());
    }
    let fill = |map: &Map<String, Value>| -> Result<Map<String, Value>, String> {
        match variables::fill_value(&Value::Object(map.clone()), lookup)? {
            Value::Object(map) => Ok(map),
            _ => Err("a payload is an object".into()),
        }
    };
    let metadata = match &action.body {
        Some(body) => fill(body)?,
        None => {
            let mut metadata = base.clone();
            metadata.entry("software_id").or_insert_with(|| json!(marker));
            metadata.extend(fill(&action.with)?);
            for name in &action.omit {
                metadata.remove(name);
            }
            metadata
        }
    };
    Ok(match action.transform {
        None => serde_json::to_vec(&metadata).expect("JSON values can be written"),
        Some(transform) => transform_json(&metadata, transform).into_bytes(),
    })
}

/// Writes the same JSON in another way.
pub fn transform_json(metadata: &Map<String, Value>, transform: Transform) -> String {
    match transform {
        Transform::ReverseMembers => {
            let reversed: Map<String, Value> = metadata.iter().rev().map(|(k, v)| (k.clone(), v.clone())).collect();
            Value::Object(reversed).to_string()
        }
        Transform::WhiteSpace => spaced(&Value::Object(metadata.clone())),
        Transform::Escape => escaped(&Value::Object(metadata.clone())),
    }
}

fn spaced(value: &Value) -> String {
    let join = |items: Vec<String>| items.join(" \t,\r\n ");
    match value {
        Value::Array(items) => format!(" [\n {}\t] ", join(items.iter().map(spaced).collect())),
        Value::Object(map) => {
            let members =
                map.iter().map(|(k, v)| format!("{} \n:\t {}", Value::String(k.clone()), spaced(v))).collect();
            format!("\r\n{{ {} \n}}\n", join(members))
        }
        scalar => format!(" {scalar} "),
    }
}

fn escaped(value: &Value) -> String {
    let text = |s: &str| {
        let units: String = s.encode_utf16().map(|u| format!("\\u{u:04x}")).collect();
        format!("\"{units}\"")
    };
    match value {
        Value::String(s) => text(s),
        Value::Array(items) => format!("[{}]", items.iter().map(escaped).collect::<Vec<_>>().join(",")),
        Value::Object(map) => {
            let members: Vec<String> = map.iter().map(|(k, v)| format!("{}:{}", text(k), escaped(v))).collect();
            format!("{{{}}}", members.join(","))
        }
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..4).prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_transform_never_changes_what_the_text_means(map in prop::collection::btree_map(".*", json_value(), 0..5)) {
            let map: Map<String, Value> = map.into_iter().collect();
            for transform in [Transform::ReverseMembers, Transform::WhiteSpace, Transform::Escape] {
                let text = transform_json(&map, transform);
                prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), Value::Object(map.clone()));
            }
        }
    }
}
