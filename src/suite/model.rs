//! What stands in a suite file. The JSON Schema for editors is generated from these types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use crate::{
    spec::{Capability, Level, Strength},
    wire::{Framing, TlsVersion},
};

/// A suite: cases that belong together.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SuiteFile {
    /// `folder/name`, unique.
    #[schemars(with = "String")]
    pub suite: Spanned<String>,
    /// What the suite is about, with the section.
    pub title: String,
    #[schemars(length(min = 1))]
    /// At least one.
    pub cases: Vec<Case>,
}

/// A case steers the server somewhere and says what must happen there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Case {
    /// Unique within its suite, kebab-case; never changed once published.
    #[schemars(with = "String", extend("pattern" = "^[a-z0-9-]+$"))]
    pub id: Spanned<String>,
    /// One sentence that says what the server has to do.
    pub title: String,
    /// Ids of the requirements that this case exercises.
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub requirements: Vec<Spanned<String>>,
    /// Capabilities without which the case is skipped.
    #[serde(default)]
    #[schemars(with = "Vec<Capability>")]
    pub needs: Vec<Spanned<Capability>>,
    /// Runs only with --unsafe, or at a server that dcrspec holds itself.
    #[serde(default, rename = "unsafe")]
    pub is_unsafe: bool,
    /// Runs only where clients can be deleted afterwards (or with --unsafe): the client would stay behind with a payload.
    #[serde(default)]
    pub needs_clean_up: bool,
    /// The case may cost a client its token, at servers that revoke one which is presented at the wrong place, so that
    /// nobody can delete the client any more: runs where a `[cleanup]` can, at a server that dcrspec holds itself, or with
    /// --unsafe.
    #[serde(default)]
    pub may_strand: bool,
    /// The kind of base client that the case varies; `any` takes the first that the target accepts.
    #[serde(default)]
    pub base: BaseKind,
    /// The same payload with the fault mended: has to be accepted, or the case is inconclusive.
    #[serde(default)]
    pub control: Option<Control>,
    #[schemars(with = "Vec<Step>", length(min = 1))]
    /// At least one; they run in order, and one that cannot be judged ends the case.
    pub steps: Vec<Spanned<Step>>,
}

/// A kind of base client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BaseKind {
    /// The first that the target accepts: confidential, then public.
    #[default]
    Any,
    /// `token_endpoint_auth_method: none`.
    Public,
    /// A secret-based method.
    Confidential,
}

/// What shows that the payload without its fault is accepted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Control {
    /// The base client itself, as it was accepted earlier in this run.
    Base {},
    /// A registration of its own.
    Register(Box<RegisterAction>),
}

/// One request and what is expected of the answer. Exactly one action stands in a step.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(extend("oneOf" = one_of(&["register", "read", "update", "delete", "token", "introspect", "authorize", "request", "together"])))]
pub struct Step {
    /// Name under which later steps and variables refer to the answer: `${steps.NAME.response.client_id}`.
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    /// POST to the registration endpoint (RFC 7591, 3.1).
    pub register: Option<Box<RegisterAction>>,
    /// Reads a registered client (RFC 7592, 2.1).
    #[serde(default)]
    pub read: Option<ManageAction>,
    /// Updates a registered client (RFC 7592, 2.2).
    #[serde(default)]
    pub update: Option<Box<UpdateAction>>,
    /// Deletes a registered client (RFC 7592, 2.3).
    #[serde(default)]
    pub delete: Option<ManageAction>,
    /// Asks the token endpoint for a token with a registered client's own credentials (RFC 6749, 3.2).
    #[serde(default)]
    pub token: Option<TokenAction>,
    /// Asks the introspection endpoint about the access token of an earlier step (RFC 7662, 2.1).
    #[serde(default)]
    pub introspect: Option<IntrospectAction>,
    /// Sends a user agent of ours to the authorization endpoint (RFC 6749, 3.1). No redirect is followed.
    #[serde(default)]
    pub authorize: Option<AuthorizeAction>,
    /// Anything else, sent to the registration endpoint.
    #[serde(default)]
    pub request: Option<RequestAction>,
    /// Two requests to the configuration endpoint of one client at once (`read`, `update`, `delete`): which of them the server
    /// takes first is not known.
    #[serde(default)]
    #[schemars(length(min = 2, max = 2))]
    pub together: Option<Vec<Together>>,
    /// Repeats the request for some seconds while its expectation fails: a new client may not be known everywhere at once.
    #[serde(default)]
    pub patient: bool,
    /// Left out: the answer is watched by the rules alone.
    #[serde(default)]
    pub expect: Option<Expect>,
}

/// POST to the registration endpoint. Without `body` or `raw` the base client is sent, varied by `with` and `omit`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RegisterAction {
    /// Members set on top of the base client; null is sent as null.
    #[serde(default)]
    pub with: Map<String, Value>,
    /// Members of the base client that are left out.
    #[serde(default)]
    pub omit: Vec<String>,
    /// A whole body as JSON, in place of the base client.
    #[serde(default)]
    pub body: Option<Map<String, Value>>,
    /// The exact text of the body; variables are filled in. For what JSON in YAML cannot say.
    #[serde(default)]
    pub raw: Option<String>,
    /// Rewrites the body without changing what it means.
    #[serde(default)]
    pub transform: Option<Transform>,
    /// The kind of base client, where it is not the case's.
    #[serde(default)]
    pub base: Option<BaseKind>,
    /// `application/json` unless given.
    #[serde(default)]
    pub content_type: Option<String>,
    /// Further header fields.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The credentials to send; the target's own unless given.
    #[serde(default)]
    pub auth: Option<AuthWord>,
    /// Frames the HTTP message by hand, on a connection of its own. What is no valid HTTP goes to loopback and to services in
    /// this process alone.
    #[serde(default)]
    pub framing: Option<Framing>,
    /// Offers this version of TLS alone.
    #[serde(default)]
    pub tls: Option<TlsVersion>,
    /// Goes to the http form of the endpoint's URL, without any credentials; no rule takes the answer for a registration's.
    #[serde(default)]
    pub plaintext: bool,
}

/// A rewriting that keeps the meaning of a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transform {
    /// Members in reverse order.
    ReverseMembers,
    /// White space around every token, line ends and tabs included.
    WhiteSpace,
    /// Every character of every string and name as a backslash-u escape.
    Escape,
}

/// Which credentials a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AuthWord {
    /// No Authorization header.
    None,
    /// A Bearer token that no server issued.
    Random,
    /// The initial access token with its end cut off.
    Truncated,
}

/// A request to the configuration endpoint of a client that an earlier step registered (RFC 7592, 2).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ManageAction {
    /// The id of the step that registered it.
    #[schemars(with = "String")]
    pub client: Spanned<String>,
    /// The token to present; the client's newest registration access token unless given.
    #[serde(default)]
    pub token: Option<TokenWord>,
    /// For `token: another`: the id of the step that registered the other client.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub another: Option<Spanned<String>>,
}

/// One of two requests that are sent at once. Exactly one action stands in it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(extend("oneOf" = one_of(&["read", "update", "delete"])))]
pub struct Together {
    /// As in a step.
    #[serde(default)]
    pub read: Option<ManageAction>,
    /// As in a step.
    #[serde(default)]
    pub update: Option<Box<UpdateAction>>,
    /// As in a step.
    #[serde(default)]
    pub delete: Option<ManageAction>,
}

/// An update. The document is what the server last returned of the client, without `client_secret` and the four members
/// that an update must not hold (RFC 7592, 2.2), varied by `with` and `omit`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UpdateAction {
    /// The id of the step that registered it.
    #[schemars(with = "String")]
    pub client: Spanned<String>,
    /// The token to present; the client's newest registration access token unless given.
    #[serde(default)]
    pub token: Option<TokenWord>,
    /// For `token: another`: the id of the step that registered the other client.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub another: Option<Spanned<String>>,
    /// Members set on top of the document; null is sent as null.
    #[serde(default)]
    pub with: Map<String, Value>,
    /// Members of the document that are left out.
    #[serde(default)]
    pub omit: Vec<String>,
    /// Sends the client_secret that was last issued.
    #[serde(default)]
    pub with_secret: bool,
}

/// Which token a request to a configuration endpoint presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TokenWord {
    /// No Authorization header.
    None,
    /// A Bearer token that no server issued.
    Random,
    /// The client's own with its end cut off.
    Truncated,
    /// The client's own with one character changed.
    Altered,
    /// The one that a rotation replaced last.
    Former,
    /// That of another client.
    Another,
    /// The initial access token.
    Initial,
}

impl TokenWord {
    /// The word in a suite.
    pub const fn as_str(self) -> &'static str {
        match self {
            TokenWord::None => "none",
            TokenWord::Random => "random",
            TokenWord::Truncated => "truncated",
            TokenWord::Altered => "altered",
            TokenWord::Former => "former",
            TokenWord::Another => "another",
            TokenWord::Initial => "initial",
        }
    }
}

/// A token request. The code of an authorization_code request is nonsense: what is looked at comes before it is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TokenAction {
    /// The id of the step that registered the client.
    #[schemars(with = "String")]
    pub client: Spanned<String>,
    /// The grant_type parameter.
    pub grant: String,
    /// The method of client authentication; the one that the answer to the registration states, unless given.
    #[serde(default)]
    pub method: Option<String>,
}

/// A question about an access token.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct IntrospectAction {
    /// The id of the step whose answer holds the access token.
    #[schemars(with = "String")]
    pub token_of: Spanned<String>,
    /// The id of the step that registered the client whose credentials are sent.
    #[schemars(with = "String")]
    pub client: Spanned<String>,
}

/// An authorization request for a code, with PKCE.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AuthorizeAction {
    /// The id of the step that registered the client.
    #[schemars(with = "String")]
    pub client: Spanned<String>,
    /// The redirect_uri parameter; the first that was registered, unless given.
    #[serde(default)]
    pub redirect_uri: Option<String>,
}

/// A request with another method, to the registration endpoint or to the configuration endpoint of `client`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RequestAction {
    /// The method, as it is sent.
    pub method: String,
    /// The id of the step that registered the client whose configuration endpoint is asked.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub client: Option<Spanned<String>>,
    /// Appended to the endpoint's URL after `?`; variables are filled in.
    #[serde(default)]
    pub query: Option<String>,
    /// Sends the base client as a JSON body.
    #[serde(default)]
    pub with_base_body: bool,
    /// Offers this version of TLS alone.
    #[serde(default)]
    pub tls: Option<TlsVersion>,
}

/// What must be true of an answer. Has three outcomes: pass, fail, and inconclusive with a reason: 401, 403, 413, 429,
/// 3xx and 503 are inconclusive unless `status` names them. Exactly one of `created`, `rejected`, `status`,
/// `equivalent` and `any-of` stands in it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(extend("oneOf" = one_of(&["created", "rejected", "status", "equivalent", "any-of"])))]
pub struct Expect {
    /// The requirement that is broken when this fails; may be left out where the case has only one.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub requirement: Option<Spanned<String>>,
    /// The level and strength of a failure, where it is milder than the requirement's own.
    #[serde(default)]
    pub level: Option<Level>,
    #[serde(default)]
    /// See `level`.
    pub strength: Option<Strength>,
    /// What to say when it fails.
    #[serde(default)]
    pub message: Option<String>,
    /// A client was created.
    #[serde(default)]
    pub created: Option<CreatedExpect>,
    /// The registration was refused with 400.
    #[serde(default)]
    pub rejected: Option<RejectedExpect>,
    /// One of these statuses, whatever they mean elsewhere.
    #[serde(default)]
    pub status: Option<StatusExpect>,
    /// The same outcome as another exchange: `control`, or the id of an earlier step.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub equivalent: Option<Spanned<String>>,
    /// At least one of these.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub any_of: Option<Vec<Expect>>,
    /// When the answer is not even this, nothing can be said: the step is inconclusive.
    #[serde(default)]
    pub given: Option<Box<Expect>>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
/// What a created client has to look like.
pub struct CreatedExpect {
    /// JSON Schema (2020-12) over the body; variables are filled in first.
    #[serde(default)]
    pub body: Option<Value>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
/// What a refusal has to look like.
pub struct RejectedExpect {
    /// Error codes of which one has to be given.
    #[serde(default)]
    pub error: Vec<String>,
    /// JSON Schema (2020-12) over the body.
    #[serde(default)]
    pub body: Option<Value>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
/// What a status has to come with.
pub struct StatusExpect {
    /// Statuses of which one has to be given.
    pub one_of: Vec<u16>,
    /// Statuses that are wrong here, though elsewhere they say nothing.
    #[serde(default)]
    pub none_of: Vec<u16>,
    /// A header field that has to be there.
    #[serde(default)]
    pub header: Option<String>,
    /// Header fields that have to be there, each with a JSON Schema (2020-12) over its value, which is a string.
    #[serde(default)]
    pub headers: BTreeMap<String, Value>,
    /// JSON Schema (2020-12) over the body.
    #[serde(default)]
    pub body: Option<Value>,
}

/// For the JSON Schema: exactly one of these members stands in the object.
fn one_of(names: &[&str]) -> Value {
    names.iter().map(|name| serde_json::json!({ "required": [name] })).collect()
}
