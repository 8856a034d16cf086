//! Expectations: pass, fail, or inconclusive with a reason.

use serde_json::Value;

use crate::{
    judge::{Objection, compile, relation, shorten},
    suite::{CreatedExpect, Expect, RejectedExpect, StatusExpect, variables},
    wire::{Exchange, Response},
};

/// What an expectation says of an exchange.
#[derive(Clone, Debug)]
pub enum Outcome {
    Pass,
    /// A client was created where a refusal would have done as well: no fault, and what the answer shows is for the
    /// rules to say.
    Open,
    Fail(Box<Objection>),
    /// Nothing can be said, and why.
    Inconclusive(String),
}

/// What an expectation can refer to.
pub struct Scope<'a> {
    /// The value of a variable.
    pub lookup: &'a dyn Fn(&str) -> Option<Value>,
    /// The exchange of an earlier step, or of the control.
    pub exchange: &'a dyn Fn(&str) -> Option<&'a Exchange>,
}

/// Statuses that say nothing about what a case asks for, unless it names them: credentials, size, rate, redirects,
/// gateways, load.
pub fn says_nothing(status: u16) -> bool {
    matches!(status, 300..=399 | 401 | 403 | 407 | 408 | 413 | 414 | 421 | 425 | 426 | 429 | 431 | 451 | 502..=504)
}

/// Evaluates an expectation against the answer to its step.
pub fn evaluate(expect: &Expect, exchange: &Exchange, scope: &Scope) -> Outcome {
    let Some(response) = exchange.response() else {
        return Outcome::Inconclusive("there was no answer".into());
    };
    if let Some(given) = &expect.given {
        match evaluate(given, exchange, scope) {
            Outcome::Pass | Outcome::Open => {}
            Outcome::Fail(objection) => return Outcome::Inconclusive(objection.message),
            inconclusive => return inconclusive,
        }
    }
    let outcome = outcome(expect, exchange, response, scope);
    match (outcome, &expect.message) {
        (Outcome::Fail(mut objection), Some(message)) => {
            objection.message = format!("{message}; {}", objection.message);
            Outcome::Fail(objection)
        }
        (outcome, _) => outcome,
    }
}

fn outcome(expect: &Expect, exchange: &Exchange, response: &Response, scope: &Scope) -> Outcome {
    if let Some(status) = &expect.status {
        return status_is(status, response, scope);
    }
    if says_nothing(response.status) {
        return Outcome::Inconclusive(format!("answered {}, which says nothing about this", response.status));
    }
    if let Some(any) = &expect.any_of {
        any_of(any, exchange, scope)
    } else if let Some(created) = &expect.created {
        is_created(created, response, scope)
    } else if let Some(rejected) = &expect.rejected {
        is_rejected(rejected, response, scope)
    } else if let Some(name) = &expect.equivalent {
        match (scope.exchange)(&name.value) {
            Some(plain) => is_equivalent(plain, exchange),
            None => Outcome::Inconclusive(format!("{} was not answered", name.value)),
        }
    } else {
        Outcome::Inconclusive("the expectation is empty".into())
    }
}

fn fail(objection: Objection) -> Outcome {
    Outcome::Fail(Box::new(objection))
}

fn any_of(options: &[Expect], exchange: &Exchange, scope: &Scope) -> Outcome {
    let mut first_failure = None;
    let mut inconclusive = None;
    let refusable = options.iter().any(|o| o.rejected.is_some());
    for option in options {
        let bare = option.created.as_ref().is_some_and(|c| c.body.is_none());
        match evaluate(option, exchange, scope) {
            Outcome::Pass if bare && refusable => return Outcome::Open,
            Outcome::Pass | Outcome::Open => return Outcome::Pass,
            Outcome::Fail(objection) => first_failure = first_failure.or(Some(objection)),
            Outcome::Inconclusive(why) => inconclusive = inconclusive.or(Some(why)),
        }
    }
    // A branch that was looked into and failed outweighs one that did not apply.
    match (first_failure, inconclusive) {
        (Some(objection), _) => Outcome::Fail(objection),
        (None, Some(why)) => Outcome::Inconclusive(why),
        (None, None) => Outcome::Inconclusive("no alternative is given".into()),
    }
}

/// A server may refuse what it likes, so a refusal is never a failure here: it only says that nothing was created.
fn is_created(expect: &CreatedExpect, response: &Response, scope: &Scope) -> Outcome {
    if !response.is_created() {
        return Outcome::Inconclusive(refusal(response));
    }
    if response.client().is_none() {
        return Outcome::Inconclusive(format!("answered {} without a client that can be read", response.status));
    }
    body_keeps(expect.body.as_ref(), response, scope)
}

fn is_rejected(expect: &RejectedExpect, response: &Response, scope: &Scope) -> Outcome {
    if response.is_created() {
        return fail(
            Objection::new("status", "a client was created, where a refusal was expected")
                .expected("400")
                .actual_text(&response.status.to_string()),
        );
    }
    if !(400..500).contains(&response.status) {
        return Outcome::Inconclusive(format!("answered {}", response.status));
    }
    if !expect.error.is_empty() {
        let Some(code) = response.member("error") else {
            return Outcome::Inconclusive("the refusal holds no error code".into());
        };
        if !expect.error.iter().any(|e| e == code) {
            return fail(
                Objection::new("/error", format!("the error code is {:?}", shorten(code, 80)))
                    .expected(expect.error.join(" or "))
                    .actual_text(code),
            );
        }
    }
    body_keeps(expect.body.as_ref(), response, scope)
}

fn status_is(expect: &StatusExpect, response: &Response, scope: &Scope) -> Outcome {
    if !expect.one_of.contains(&response.status) {
        if says_nothing(response.status) && !expect.none_of.contains(&response.status) {
            return Outcome::Inconclusive(format!("answered {}, which says nothing about this", response.status));
        }
        let wanted: Vec<String> = expect.one_of.iter().map(u16::to_string).collect();
        return fail(
            Objection::new("status", format!("answered {}", response.status))
                .expected(wanted.join(" or "))
                .actual_text(&response.status.to_string()),
        );
    }
    if let Some(header) = &expect.header
        && response.headers.first(header).is_none()
    {
        return fail(
            Objection::new(format!("header:{header}"), format!("{} without the header {header}", response.status))
                .expected(header.clone()),
        );
    }
    for (name, schema) in &expect.headers {
        match header_keeps(name, schema, response) {
            Outcome::Pass => {}
            other => return other,
        }
    }
    body_keeps(expect.body.as_ref(), response, scope)
}

fn is_equivalent(plain: &Exchange, exchange: &Exchange) -> Outcome {
    match relation::equivalent(plain, exchange) {
        relation::Agreement::Agrees => Outcome::Pass,
        relation::Agreement::Unclear(why) => Outcome::Inconclusive(why),
        relation::Agreement::Differs { message, place } => {
            let mut objection =
                Objection::new(place, message).expected("the same outcome as the plain form").with(plain.id);
            if let Some(response) = exchange.response() {
                objection = objection.actual_text(&refusal(response));
            }
            fail(objection)
        }
    }
}

fn header_keeps(name: &str, schema: &Value, response: &Response) -> Outcome {
    let place = format!("header:{}", name.to_ascii_lowercase());
    let Some(value) = response.headers.first(name) else {
        return fail(Objection::new(place, format!("{} without the header {name}", response.status)).expected(name));
    };
    match compile(schema) {
        Ok(validator) => match validator.validate(&Value::String(value.trim().to_owned())) {
            Ok(()) => Outcome::Pass,
            Err(error) => fail(
                Objection::new(place, format!("{name}: {}", shorten(&error.to_string(), 200)))
                    .expected(schema.to_string())
                    .actual_text(&value),
            ),
        },
        Err(why) => Outcome::Inconclusive(format!("the expectation's schema cannot be used: {why}")),
    }
}

fn body_keeps(schema: Option<&Value>, response: &Response, scope: &Scope) -> Outcome {
    let Some(schema) = schema else { return Outcome::Pass };
    let schema = match variables::fill_value(schema, scope.lookup) {
        Ok(schema) => schema,
        Err(why) => return Outcome::Inconclusive(why),
    };
    let Some(body) = response.parsed().value.as_ref() else {
        return Outcome::Inconclusive("the body is not JSON".into());
    };
    match compile(&schema) {
        Ok(validator) => match validator.validate(body) {
            Ok(()) => Outcome::Pass,
            Err(error) => {
                let place = error.instance_path().to_string();
                let mut objection = Objection::new(
                    if place.is_empty() { "/".to_owned() } else { place },
                    shorten(&error.to_string(), 200),
                )
                .actual(error.instance());
                objection.schema_path = error.schema_path().to_string();
                fail(objection)
            }
        },
        Err(why) => Outcome::Inconclusive(format!("the expectation's schema cannot be used: {why}")),
    }
}

fn refusal(response: &Response) -> String {
    match response.member("error") {
        Some(code) => format!("answered {} {}", response.status, shorten(code, 80)),
        None => format!("answered {}", response.status),
    }
}
