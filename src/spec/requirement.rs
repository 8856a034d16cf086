//! One normative statement, as it stands in a `requirements.yaml`.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The word of the specification for a requirement, or for how a finding of it is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum Level {
    /// An absolute demand (RFC 2119).
    Must,
    /// An absolute prohibition.
    MustNot,
    /// A best current practice or a known attack.
    Security,
    /// Valid reasons to do otherwise may exist.
    Should,
    /// Valid reasons to do it may exist.
    ShouldNot,
    /// No specification demands it, but named clients fail without it.
    Interop,
    /// An allowance: never broken.
    May,
}

impl Level {
    /// Every level, the strongest first.
    pub const ALL: [Level; 7] =
        [Level::Must, Level::MustNot, Level::Security, Level::Should, Level::ShouldNot, Level::Interop, Level::May];

    /// The rank for comparisons: 0 is the strongest. MUST and MUST-NOT are equal, and so are SHOULD and SHOULD-NOT.
    pub fn rank(self) -> u8 {
        match self {
            Level::Must | Level::MustNot => 0,
            Level::Security => 1,
            Level::Should | Level::ShouldNot => 2,
            Level::Interop => 3,
            Level::May => 4,
        }
    }

    /// The word as the specifications write it, in upper case.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Must => "MUST",
            Level::MustNot => "MUST-NOT",
            Level::Security => "SECURITY",
            Level::Should => "SHOULD",
            Level::ShouldNot => "SHOULD-NOT",
            Level::Interop => "INTEROP",
            Level::May => "MAY",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The levels at which a finding of strength `broken` fails a build (`--fail-on`).
///
/// `must` takes MUST-NOT with it and `should` takes SHOULD-NOT; a MAY can never be broken and is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailOn(Vec<Level>);

impl FailOn {
    /// Whether a broken finding at this level fails the build.
    pub fn includes(&self, level: Level) -> bool {
        self.0.iter().any(|l| l.rank() == level.rank())
    }

    /// The levels as they were asked for, without the ones that come along.
    pub fn levels(&self) -> &[Level] {
        &self.0
    }
}

impl Default for FailOn {
    fn default() -> Self {
        FailOn(vec![Level::Must, Level::Security])
    }
}

impl FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut levels = Vec::new();
        for word in text.split(',').map(str::trim).filter(|w| !w.is_empty()) {
            let level = match word.to_ascii_lowercase().as_str() {
                "must" => Level::Must,
                "should" => Level::Should,
                "security" => Level::Security,
                "interop" => Level::Interop,
                "may" => return Err("a MAY can never be broken; choose from must, should, security, interop".into()),
                _ => return Err(format!("{word:?} is no level; choose from must, should, security, interop")),
            };
            if !levels.contains(&level) {
                levels.push(level);
            }
        }
        if levels.is_empty() {
            return Err("no level was given; choose from must, should, security, interop".into());
        }
        Ok(FailOn(levels))
    }
}

/// The words, separated by commas, as `--fail-on` takes them.
impl fmt::Display for FailOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.0.iter().map(|l| l.as_str().to_ascii_lowercase()).collect();
        f.pad(&words.join(","))
    }
}

impl Serialize for FailOn {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// From the words in one text, or from a list of them.
impl<'de> Deserialize<'de> for FailOn {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<FailOn, D::Error> {
        use serde::de::Error;
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Words {
            Text(String),
            List(Vec<String>),
        }
        let words = match Words::deserialize(d).map_err(|_| D::Error::custom("write \"must,security\""))? {
            Words::Text(text) => text,
            Words::List(list) => list.join(","),
        };
        words.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for FailOn {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FailOn".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "examples": ["must,security"],
            "anyOf": [
                { "type": "string" },
                { "type": "array", "minItems": 1, "items": { "enum": ["must", "should", "security", "interop"] } },
            ],
        })
    }
}

/// How much a finding weighs. Only `Broken` makes a verdict broken and can fail a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// An observation: it informs and does nothing else.
    Note,
    /// Shown; never fails a build.
    Warning,
    /// The requirement is broken.
    Broken,
}

impl fmt::Display for Strength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Strength::Note => "note",
            Strength::Warning => "warning",
            Strength::Broken => "broken",
        })
    }
}

/// Whom the sentence obliges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Binds {
    /// The authorization server.
    Server,
    /// The client; at a server it is not applicable.
    Client,
}

/// What the statement rests on in its specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// An RFC 2119 word stands in that section.
    Keyword,
    /// Stated as fact, definition or format, without a key word.
    Prose,
    /// Shown only in a non-normative example.
    Example,
    /// Follows from another specification that this one builds on.
    Derived,
}

/// How well the statement was checked against its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verified {
    /// Read in the text that `source` names.
    Source,
    /// A part from memory.
    Mixed,
    /// Unchecked.
    Memory,
    /// One report, not confirmed.
    Unproven,
}

/// Whether a JSON Schema decides a break, or code has to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecidedBy {
    /// A JSON Schema over the response, or over request and response together.
    Schema,
    /// Code: `why` says what else is needed.
    Code,
}

impl<'de> Deserialize<'de> for DecidedBy {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl serde::de::Visitor<'_> for V {
            type Value = DecidedBy;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("`true` or `coded`")
            }
            fn visit_bool<E: serde::de::Error>(self, v: bool) -> Result<DecidedBy, E> {
                if v { Ok(DecidedBy::Schema) } else { Err(E::custom("expected `true` or `coded`")) }
            }
            fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<DecidedBy, E> {
                match v {
                    "true" => Ok(DecidedBy::Schema),
                    "coded" => Ok(DecidedBy::Code),
                    _ => Err(E::custom("expected `true` or `coded`")),
                }
            }
        }
        d.deserialize_any(V)
    }
}

macro_rules! capabilities {
    ($($variant:ident = $name:literal,)*) => {
        /// Something the target can do, probed or declared by its owner. The list is closed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Capability { $(#[serde(rename = $name)] $variant,)* }

        impl Capability {
            /// Every capability.
            pub const ALL: &'static [Capability] = &[$(Capability::$variant),*];

            /// The word that suites, flags and reports use.
            pub fn as_str(self) -> &'static str {
                match self { $(Capability::$variant => $name,)* }
            }
        }
    };
}

capabilities! {
    OpenRegistration = "open-registration",
    InitialAccessToken = "initial-access-token",
    PublicClient = "public-client",
    ConfidentialClient = "confidential-client",
    SecondClient = "second-client",
    SecondServer = "second-server",
    Jwks = "jwks",
    I18n = "i18n",
    NativeRedirect = "native-redirect",
    Implicit = "implicit",
    SoftwareStatement = "software-statement",
    Tls = "tls",
    PlaintextProbe = "plaintext-probe",
    Mtls = "mtls",
    AuthorizationEndpoint = "authorization-endpoint",
    TokenEndpoint = "token-endpoint",
    Rfc7592 = "rfc7592",
    Rfc7592Read = "rfc7592-read",
    Rfc7592Update = "rfc7592-update",
    Rfc7592Delete = "rfc7592-delete",
    Discovery = "discovery",
    ProtectedResourceMetadata = "protected-resource-metadata",
    Oidc = "oidc",
    OidcDynamic = "oidc-dynamic",
    Pairwise = "pairwise",
    RequestObject = "request-object",
    RequestUri = "request-uri",
    IdTokenEncryption = "id-token-encryption",
    Mcp = "mcp",
    Cimd = "cimd",
    CallbackListener = "callback-listener",
    BrowserOrigin = "browser-origin",
    UserInteraction = "user-interaction",
    JwtBody = "jwt-body",
    Udap = "udap",
    Fapi2 = "fapi2",
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Capability {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Capability::ALL
            .iter()
            .copied()
            .find(|c| c.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no capability; `dcrspec list capabilities` names them"))
    }
}

/// A normative statement that a server, or a client, has to keep. The keys are explained in `suites/README.md`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Requirement {
    /// Unique over all catalogues; never changed once something refers to it.
    pub id: String,
    /// The word of the specification.
    pub level: Level,
    /// The level that a finding carries, where the text wants another than `level`.
    #[serde(default)]
    pub report_level: Option<Level>,
    /// The most that a finding of this entry can be. Missing only where a client is bound.
    #[serde(default)]
    pub strength: Option<Strength>,
    /// The section of the specification.
    pub section: String,
    /// The specification, where it is not the folder's own.
    #[serde(default)]
    pub spec: Option<String>,
    /// Whom the sentence obliges.
    pub binds: Binds,
    #[serde(default)]
    /// On what kind of words it stands.
    pub basis: Option<Basis>,
    /// The statement, paraphrased.
    pub says: String,
    /// How it is seen, and what "broken" means.
    pub observe: String,
    /// Every behaviour that must not be reported.
    pub allowed: Vec<String>,
    /// Capabilities without which the entry is not tried.
    pub needs: Vec<Capability>,
    #[serde(rename = "schema")]
    /// What decides a break.
    pub decided_by: DecidedBy,
    /// What else than a schema is needed to decide.
    #[serde(default)]
    pub why: Option<String>,
    /// Whether a server can be staged that breaks it.
    #[serde(default = "yes")]
    pub killable: bool,
    #[serde(default)]
    /// Why no server can be staged that breaks it.
    pub why_not: Option<String>,
    /// Why no case tries it and no rule watches it.
    #[serde(default)]
    pub not_tried: Option<String>,
    /// Whether it runs only with `--unsafe`, or at a server that dcrspec holds itself.
    #[serde(default, rename = "unsafe")]
    pub is_unsafe: bool,
    #[serde(default)]
    /// The part, or the condition, that `unsafe` is about.
    pub unsafe_when: Option<String>,
    #[serde(default)]
    /// What to keep away from.
    pub safe: Option<String>,
    /// The doubt, and the reading taken.
    #[serde(default)]
    pub ambiguous: Option<String>,
    /// How sure the entry is.
    pub verified: Verified,
    #[serde(default)]
    /// Where it was read.
    pub source: Option<String>,
    /// The primary entries for the same behaviour.
    #[serde(default)]
    pub same_as: Vec<String>,
    #[serde(default)]
    /// How its scope or level differs from the primary.
    pub differs: Option<String>,
    /// When broken itself, the merged finding takes its level.
    #[serde(default)]
    pub raises: bool,
    /// MCP revisions in which it holds.
    #[serde(default)]
    pub revisions: Vec<String>,
}

fn yes() -> bool {
    true
}

impl Requirement {
    /// The level that a finding of this entry carries, unless its case says otherwise.
    pub fn finding_level(&self) -> Level {
        self.report_level.unwrap_or(self.level)
    }

    /// The most that a finding of this entry can be.
    pub fn max_strength(&self) -> Strength {
        self.strength.unwrap_or(Strength::Warning)
    }
}
