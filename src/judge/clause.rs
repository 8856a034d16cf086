//! Rules that are data: the entries of `allOf` in `schemas/*.schema.json`, each a guard and a demand.

use std::sync::LazyLock;

use jsonschema::{Validator, error::ValidationErrorKind};
use serde_json::{Map, Value};
use smallvec::smallvec;

use super::rule::{Claim, Claims, Context, Evidence, Objection, Rule, shorten};
use crate::{
    spec::{Catalogue, Level, Strength},
    wire::Exchange,
};

/// The schemas of messages, by file name.
pub const SCHEMAS: &[(&str, &str)] = &[
    ("registration-request.schema.json", include_str!("../../schemas/registration-request.schema.json")),
    ("registration-response.schema.json", include_str!("../../schemas/registration-response.schema.json")),
    ("registration-error.schema.json", include_str!("../../schemas/registration-error.schema.json")),
    ("client-configuration.schema.json", include_str!("../../schemas/client-configuration.schema.json")),
];

/// The message that a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message {
    /// The answer to a registration that created a client (RFC 7591, 3.2.1).
    Created,
    /// A refused registration (RFC 7591, 3.2.2).
    Error,
    /// The answer to a read or an update (RFC 7592, 3).
    Managed,
}

/// One entry of `allOf`.
struct Clause {
    message: Message,
    requirement: String,
    rule: String,
    evidence: Evidence,
    level: Option<Level>,
    strength: Option<Strength>,
    says: String,
    /// `registration-response.schema.json#/allOf/3`
    place: String,
    guard: Option<Validator>,
    demand: Validator,
}

const MESSAGES: [(&str, Message); 3] = [
    ("registration-response.schema.json", Message::Created),
    ("registration-error.schema.json", Message::Error),
    ("client-configuration.schema.json", Message::Managed),
];

static CLAUSES: LazyLock<Vec<Clause>> = LazyLock::new(|| {
    let mut clauses = Vec::new();
    for (file, message) in MESSAGES {
        let text = SCHEMAS.iter().find(|(name, _)| *name == file).expect("the schemas are embedded").1;
        clauses.extend(read(file, text, message).expect("a unit test reads the embedded schemas"));
    }
    clauses
});

/// The rules that the embedded schemas hold.
pub fn rules() -> Vec<Box<dyn Rule>> {
    CLAUSES.iter().map(|clause| Box::new(clause) as Box<dyn Rule>).collect()
}

/// The rules of a vendor's folder. They live for as long as the process, so they are made once for each folder.
pub fn rules_of(catalogue: &Catalogue, family: &str) -> Result<Vec<Box<dyn Rule>>, String> {
    let Some(folder) = catalogue.folder(family) else { return Ok(Vec::new()) };
    let mut clauses = Vec::new();
    for (name, message) in MESSAGES {
        if let Some(file) = folder.file(name) {
            clauses.extend(read(&file.shown, &file.text, message)?);
        }
    }
    for clause in &clauses {
        if catalogue.get(&clause.requirement).is_none() {
            return Err(format!("{}: no requirement has the id {:?}", clause.place, clause.requirement));
        }
        if !clause.rule.starts_with(&format!("{family}-")) {
            return Err(format!("{}: x-rule {:?} has to begin with {family}-", clause.place, clause.rule));
        }
    }
    let clauses: &'static [Clause] = Vec::leak(clauses);
    Ok(clauses.iter().map(|clause| Box::new(clause) as Box<dyn Rule>).collect())
}

fn read(file: &str, text: &str, message: Message) -> Result<Vec<Clause>, String> {
    let schema: Value = serde_json::from_str(text).map_err(|e| format!("{file}: {e}"))?;
    let entries = schema["allOf"].as_array().ok_or_else(|| format!("{file}: no allOf"))?;
    let compile = |part: &Value| {
        let mut whole = part.as_object().cloned().unwrap_or_default();
        if let Some(defs) = schema.get("$defs") {
            whole.insert("$defs".into(), defs.clone());
        }
        compile(&Value::Object(whole))
    };
    let mut clauses = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let place = format!("{file}#/allOf/{index}");
        let word = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
        let needed = |key: &str| word(key).ok_or_else(|| format!("{place}: {key} is missing"));
        let typed = |key: &str| entry.get(key).cloned();
        for part in ["if", "then"] {
            let mut faults = Vec::new();
            unknown_keywords(entry.get(part).unwrap_or(&Value::Null), "", &mut faults);
            if let Some((_, fault)) = faults.into_iter().next() {
                return Err(format!("{place}/{part}{fault}"));
            }
        }
        clauses.push(Clause {
            message,
            requirement: needed("x-requirement")?,
            rule: needed("x-rule")?,
            evidence: match needed("x-evidence")?.as_str() {
                "passive" => Evidence::Passive,
                "provoked" => Evidence::Provoked,
                other => return Err(format!("{place}: x-evidence is passive or provoked, not {other}")),
            },
            level: typed("x-level").map(serde_json::from_value).transpose().map_err(|e| format!("{place}: {e}"))?,
            strength: typed("x-strength")
                .map(serde_json::from_value)
                .transpose()
                .map_err(|e| format!("{place}: {e}"))?,
            says: needed("x-says")?,
            guard: entry.get("if").map(compile).transpose().map_err(|e| format!("{place}/if: {e}"))?,
            demand: compile(entry.get("then").ok_or_else(|| format!("{place}: then is missing"))?)
                .map_err(|e| format!("{place}/then: {e}"))?,
            place,
        });
    }
    Ok(clauses)
}

/// Compiles a schema as every schema of this tool is compiled: 2020-12, offline, formats on.
pub fn compile(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .with_pattern_options(jsonschema::PatternOptions::regex())
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .build(schema)
        .map_err(|e| e.to_string())
}

impl Rule for &'static Clause {
    fn id(&self) -> &'static str {
        &self.rule
    }
    fn requirement(&self) -> &'static str {
        &self.requirement
    }
    fn evidence(&self) -> Evidence {
        self.evidence
    }

    fn check(&self, exchange: &Exchange, context: &Context) -> Claims {
        let (body, level) = match self.message {
            Message::Created => match exchange.created() {
                Some(response) => (response.object_value(), self.level),
                None => return Claims::new(),
            },
            Message::Managed => match exchange.managed() {
                Some(response) => (response.object_value(), self.level),
                None => return Claims::new(),
            },
            Message::Error => match super::errors::registration_error(exchange, context) {
                Some(error) => (error.response.object_value(), error.mild(&self.requirement, self.level)),
                None => return Claims::new(),
            },
        };
        let Some(body) = body else { return Claims::new() };
        if self.guard.as_ref().is_some_and(|guard| !guard.is_valid(body)) {
            return Claims::new();
        }
        // A hostile answer can hold a million wrong items: the first ones say it all.
        if self.demand.is_valid(body) {
            return smallvec![Claim::Holds];
        }
        let mut seen: Vec<String> = Vec::new();
        let mut claims = Claims::new();
        for error in self.demand.iter_errors(body).take(5) {
            let path = error.instance_path().to_string();
            let (place, what) = describe(&path, error.kind(), error.instance());
            if seen.contains(&place) {
                continue;
            }
            seen.push(place.clone());
            let mut objection = Objection::new(place, format!("{}; {what}", self.says))
                .expected(self.says.clone())
                .actual(error.instance());
            objection.schema_path = format!("{}/then{}", self.place, error.schema_path());
            objection.level = level;
            objection.strength = self.strength;
            claims.push(Claim::objects(objection));
        }
        claims
    }
}

/// The member that is at fault, and what is the matter with it.
fn describe(path: &str, kind: &ValidationErrorKind, instance: &Value) -> (String, String) {
    match kind {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            (format!("{path}/{}", super::parse::pointer_token(name)), format!("{name} is missing"))
        }
        _ if path.is_empty() => ("/".into(), "the answer as a whole does not keep this".into()),
        _ => (
            path.to_owned(),
            format!("{} is {} {}", path.trim_start_matches('/'), type_of(instance), shorten(&instance.to_string(), 80)),
        ),
    }
}

/// The JSON type of a value, with its article.
pub fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "the literal",
        Value::Bool(_) => "the boolean",
        Value::Number(_) => "the number",
        Value::String(_) => "the string",
        Value::Array(_) => "the array",
        Value::Object(_) => "the object",
    }
}

/// The finding level of an entry, made no stronger than SHOULD.
pub(super) fn at_most_should(requirement: &str, level: Option<Level>) -> Option<Level> {
    let (own, _) = Catalogue::known().weigh(requirement, level, None);
    Some(if own.rank() < Level::Should.rank() { Level::Should } else { own })
}

/// Keywords of JSON Schema 2020-12 that suites may use; a misspelt one would silently hold for everything.
const KEYWORDS: &[&str] = &[
    "$ref",
    "$defs",
    "$comment",
    "title",
    "description",
    "type",
    "enum",
    "const",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxContains",
    "minContains",
    "maxProperties",
    "minProperties",
    "required",
    "dependentRequired",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentSchemas",
    "prefixItems",
    "items",
    "contains",
    "properties",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "format",
];

/// What is wrong with a JSON Schema that a suite holds: keywords that do not exist, or values that no schema can have.
/// Each with the word at fault, where there is one.
pub fn schema_faults(schema: &Value) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    unknown_keywords(schema, "", &mut faults);
    if faults.is_empty()
        && let Err(error) = compile(schema)
    {
        faults.push((String::new(), format!("the schema cannot be used: {error}")));
    }
    faults
}

fn unknown_keywords(schema: &Value, path: &str, faults: &mut Vec<(String, String)>) {
    let Some(map) = schema.as_object() else { return };
    for (key, value) in map {
        let path = format!("{path}/{key}");
        match key.as_str() {
            "properties" | "patternProperties" | "$defs" | "dependentSchemas" => {
                let members: Map<String, Value> = value.as_object().cloned().unwrap_or_default();
                for (name, inner) in &members {
                    unknown_keywords(inner, &format!("{path}/{name}"), faults);
                }
            }
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => {
                for (i, inner) in value.as_array().into_iter().flatten().enumerate() {
                    unknown_keywords(inner, &format!("{path}/{i}"), faults);
                }
            }
            "not"
            | "if"
            | "then"
            | "else"
            | "items"
            | "contains"
            | "additionalProperties"
            | "propertyNames"
            | "unevaluatedItems"
            | "unevaluatedProperties" => unknown_keywords(value, &path, faults),
            key if KEYWORDS.contains(&key) => {}
            key => {
                let near = crate::suite::nearest(key, KEYWORDS.iter().copied());
                let hint = near.first().map(|n| format!("; did you mean {n:?}?")).unwrap_or_default();
                faults.push((key.to_owned(), format!("{path}: {key:?} is no keyword of JSON Schema{hint}")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_embedded_schema_compiles_and_names_requirements_of_the_catalogue() {
        for (file, text) in SCHEMAS {
            let schema: Value = serde_json::from_str(text).unwrap();
            compile(&schema).unwrap_or_else(|e| panic!("{file}: {e}"));
            for entry in schema["allOf"].as_array().unwrap() {
                let id = entry["x-requirement"].as_str().unwrap();
                assert!(Catalogue::known().get(id).is_some(), "{file}: {id}");
            }
        }
        assert!(CLAUSES.len() > 20);
    }

    #[test]
    fn a_misspelt_keyword_is_found_with_the_right_one() {
        let faults = schema_faults(&json!({"properties": {"a": {"requierd": ["b"]}}}));
        assert_eq!(
            faults,
            [(
                "requierd".to_owned(),
                "/properties/a/requierd: \"requierd\" is no keyword of JSON Schema; did you mean \"required\"?"
                    .to_owned()
            )]
        );
        assert!(schema_faults(&json!({"type": "strin"}))[0].1.contains("cannot be used"));
    }

    /// awork's documented example, with the time of issue of 2021 that stands in it.
    #[test]
    fn the_documented_example_of_awork_is_taken() {
        use crate::{
            judge::{Claim, Context, Judge},
            target::registration,
            wire::{Headers, Outcome, Response},
        };
        let metadata = json!({
            "redirect_uris": ["https://client.example.org/oauth/callback"],
            "client_name": "Example application",
            "token_endpoint_auth_method": "client_secret_basic",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "scope": "openid profile email offline_access",
            "application_type": "web",
        });
        let mut answer = metadata.clone();
        answer["client_id"] = json!("dcr_1234567890");
        answer["client_secret"] = json!("kq3v9X2mPz7LrT5wBn8cYd4sHg6jFa1uEo0iRx");
        answer["client_secret_expires_at"] = json!(0);
        // 2021-01-01T00:00:00Z, as in the documentation.
        answer["client_id_issued_at"] = json!(1_609_459_200);
        for name in ["contacts", "logo_uri", "client_uri", "policy_uri", "tos_uri", "software_id", "software_version"] {
            answer[name] = Value::Null;
        }
        let mut headers = Headers::default();
        headers.push("content-type", "application/json");
        headers.push("cache-control", "no-store");
        headers.push("pragma", "no-cache");
        let url = "https://as.example/api/v1/clientapplications/register";
        let request = registration(url, Some("application/json"), metadata.to_string());
        let response = Response::new(201, "HTTP/1.1", headers, answer.to_string().into(), None);
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let exchange = Exchange::new(1, now, request, Outcome::Response(response), Default::default());
        let judge = Judge::of(&["awork".to_owned()]);
        let objections: Vec<(&str, Objection)> = judge
            .judge(&exchange, &Context { accepted: true, established: true, ..Context::default() })
            .into_iter()
            .filter_map(|j| match j.claim {
                Claim::Objects(objection) => Some((j.requirement, *objection)),
                Claim::Holds => None,
            })
            .collect();
        let nulls = ["awork-response-without-null", "rfc7591-2-uri-members-type"];
        let (null, other): (Vec<_>, Vec<_>) = objections.iter().partition(|(r, _)| nulls.contains(r));
        assert!(null.iter().any(|(r, _)| *r == "awork-response-without-null"));
        let other: Vec<(&str, &str)> = other.iter().map(|(r, o)| (*r, o.message.as_str())).collect();
        // An old time of issue is allowed, since a client_id may be shared by instances (RFC 7591, 3.2.1).
        assert_eq!(other, []);
        // The same times in milliseconds are none, and the judge says so.
        answer["client_id_issued_at"] = json!(1_767_225_600_000_u64);
        let response = Response::new(201, "HTTP/1.1", Headers::default(), answer.to_string().into(), None);
        let exchange = Exchange::new(1, now, exchange.request, Outcome::Response(response), Default::default());
        let told = judge.judge(&exchange, &Context::default()).into_iter().any(|j| {
            j.requirement == "rfc7591-3.2.1-client-id-issued-at"
                && matches!(j.claim, Claim::Objects(o) if o.message.contains("milliseconds"))
        });
        assert!(told);
    }
}
