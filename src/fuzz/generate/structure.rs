//! A request as a structure: what the generator makes, findings store, and shrinking, replay and promotion work on.
//!
//! It says how a registration differs from the base client that a target accepts, so it means something at every
//! target. Texts may hold slots, `${client_id#3}`, which are filled in with what this target has issued.

use serde::{Deserialize, Serialize};

use crate::{model::Move, suite::BaseKind, wire::Framing};

/// The number of the format of [`Input`]: it counts up when a structure may hold what an older version of this tool does not
/// know. The formats below it are read as they are. 2 brought the steps of a client's life,
/// framings, and what is asked besides.
pub const FORMAT: u32 = 2;

/// One request to a registration endpoint, and what is looked at besides its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Input {
    /// The accepted client that is varied.
    pub base: Base,
    /// Members of the base client that are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub omit: Vec<String>,
    /// Members set on top of the base client. A name that stands here twice is written twice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<Member>,
    #[serde(skip_serializing_if = "is_default")]
    pub writing: Writing,
    #[serde(skip_serializing_if = "is_default")]
    pub envelope: Envelope,
    /// Sends the same meaning in another form as well, and compares the answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare: Option<Variant>,
    /// What is sent after a client was created.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub follow: Vec<Follow>,
    /// The life of the client that was created, and of a second one where a step is about it (RFC 7592).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<Move>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The base client that an input varies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Base {
    /// The first that the target accepts.
    #[default]
    Any,
    Public,
    Confidential,
    /// Nothing but what is set.
    Nothing,
}

impl Base {
    /// The kind of base client; none for [`Base::Nothing`].
    pub fn kind(self) -> Option<BaseKind> {
        match self {
            Base::Any => Some(BaseKind::Any),
            Base::Public => Some(BaseKind::Public),
            Base::Confidential => Some(BaseKind::Confidential),
            Base::Nothing => None,
        }
    }
}

/// A member and its value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Member {
    pub name: String,
    /// What was done to it, for the table of a campaign.
    pub mutation: Mutation,
    pub value: Node,
}

/// Families of things that are done to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mutation {
    /// A lawful value.
    Valid,
    /// Another JSON type.
    Type,
    /// null, an empty text, array or object.
    Empty,
    /// Long texts, arrays with many items.
    Long,
    /// Characters that trip readers up.
    Unicode,
    /// Bytes and escapes that are no text at all.
    Bytes,
    Uri,
    /// Values that contradict each other or that nobody knows.
    Combination,
    /// Numbers at the edges.
    Number,
    Key,
    Statement,
    /// Language tags.
    Language,
    /// Depth.
    Nested,
    /// A value that the server assigns.
    Chosen,
    /// A defined name in another spelling.
    Spelling,
    /// A name that no server can know.
    Unknown,
    /// The same name twice.
    Twice,
}

/// Every family, in the order of the table.
pub const MUTATIONS: [(Mutation, &str); 17] = [
    (Mutation::Valid, "valid"),
    (Mutation::Type, "type"),
    (Mutation::Empty, "empty"),
    (Mutation::Long, "long"),
    (Mutation::Unicode, "unicode"),
    (Mutation::Bytes, "bytes"),
    (Mutation::Uri, "uri"),
    (Mutation::Combination, "combination"),
    (Mutation::Number, "number"),
    (Mutation::Key, "key"),
    (Mutation::Statement, "statement"),
    (Mutation::Language, "language"),
    (Mutation::Nested, "nested"),
    (Mutation::Chosen, "chosen"),
    (Mutation::Spelling, "spelling"),
    (Mutation::Unknown, "unknown"),
    (Mutation::Twice, "twice"),
];

/// A JSON value, and what JSON texts can hold beyond the values of most libraries.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Node {
    Null,
    Bool(bool),
    /// Digits as they are written: `1e400`, `-0`.
    Number(String),
    /// Characters, with slots.
    Text(String),
    /// A short text, many times.
    Long {
        text: String,
        times: u32,
    },
    /// What stands between the quotation marks, unchecked: `\ud800`.
    Escaped(String),
    /// Bytes of a string, in hexadecimal digits, such as are not UTF-8.
    Bytes(String),
    Array(Vec<Node>),
    /// Members in order; a name may occur twice.
    Object(Vec<(String, Node)>),
    /// Arrays or objects inside each other.
    Deep {
        objects: bool,
        depth: u32,
    },
}

/// How the JSON text is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Writing {
    #[serde(skip_serializing_if = "is_default")]
    pub style: Style,
    #[serde(skip_serializing_if = "is_default")]
    pub shape: Shape,
    /// Begins with a byte order mark.
    #[serde(skip_serializing_if = "is_default")]
    pub mark: bool,
    /// Text after the JSON text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tail: String,
    /// In UTF-16, little-endian.
    #[serde(skip_serializing_if = "is_default")]
    pub utf16: bool,
}

/// Ways to write one JSON text that mean the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Style {
    #[default]
    Plain,
    /// Members in reverse order.
    Reverse,
    /// White space around every token.
    Spaced,
    /// Every character of every string as a backslash-u escape.
    Escaped,
}

/// What the body is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// The metadata as one JSON object.
    #[default]
    Object,
    /// The object inside an array.
    InArray,
    /// The object as the text of a JSON string.
    InText,
    /// Two objects, one after the other.
    Two,
    /// The first part of the object: so many thousandths of its bytes.
    Cut(u32),
    /// Nothing but this value.
    Only(Node),
    /// No bytes.
    Nothing,
    /// application/x-www-form-urlencoded.
    Form,
}

/// What is around the body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Envelope {
    /// POST unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The metadata stands in the query.
    #[serde(skip_serializing_if = "is_default")]
    pub in_query: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub label: Label,
    /// Further header fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    #[serde(skip_serializing_if = "is_default")]
    pub credentials: Credentials,
    /// How the message is framed; only where the server is in this process or on loopback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub framing: Option<Framing>,
}

/// The Content-Type of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    /// As the base client was sent.
    #[default]
    Own,
    None,
    Text(String),
}

/// The credentials of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Credentials {
    /// The target's own.
    #[default]
    Own,
    None,
    Random,
    Truncated,
}

/// Another form of the same meaning.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    Style(Style),
    /// One more member, with a name that no server can know.
    Unknown(Node),
    /// Another way to write application/json.
    Label(String),
    /// The body in several chunks; only where the server is in this process or on loopback.
    Chunks,
}

/// A request about a client that was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Follow {
    /// Reads the client that was just created (RFC 7592, 2.1).
    ReadOwn,
    /// Reads a client that was created earlier, to see that it is still there.
    ReadEarlier,
}

impl Node {
    /// A text.
    pub fn text(text: impl Into<String>) -> Node {
        Node::Text(text.into())
    }

    /// An array of texts.
    pub fn texts(texts: &[&str]) -> Node {
        Node::Array(texts.iter().map(|t| Node::text(*t)).collect())
    }

    /// The node of a JSON value.
    pub fn of(value: &serde_json::Value) -> Node {
        use serde_json::Value;
        match value {
            Value::Null => Node::Null,
            Value::Bool(b) => Node::Bool(*b),
            Value::Number(n) => Node::Number(n.to_string()),
            Value::String(s) => Node::Text(s.clone()),
            Value::Array(items) => Node::Array(items.iter().map(Node::of).collect()),
            Value::Object(map) => Node::Object(map.iter().map(|(k, v)| (k.clone(), Node::of(v))).collect()),
        }
    }

    /// Every text in it, for slots.
    pub fn each_text<'n>(&'n self, see: &mut dyn FnMut(&'n str)) {
        match self {
            Node::Text(text) | Node::Long { text, .. } => see(text),
            Node::Array(items) => items.iter().for_each(|i| i.each_text(see)),
            Node::Object(members) => members.iter().for_each(|(_, v)| v.each_text(see)),
            _ => {}
        }
    }
}

impl Input {
    /// Whether it is a plain POST of JSON metadata, with the target's own credentials: what a case of a suite sends.
    pub fn is_plain(&self) -> bool {
        self.writing == Writing::default() && self.envelope == Envelope::default()
    }

    /// The one member that it varies, where that is all it does.
    pub fn only_member(&self) -> Option<&Member> {
        match self.set.as_slice() {
            [member] if self.omit.is_empty() && self.is_plain() && self.base != Base::Nothing => Some(member),
            _ => None,
        }
    }

    /// Whether it sends credentials of another client, which an answer may then quote.
    pub fn sends_credentials(&self) -> bool {
        let mut sent = false;
        for member in &self.set {
            member.value.each_text(&mut |t| sent |= t.contains("${client_secret#") || t.contains("${registration_"));
        }
        sent
    }

    /// How many members differ from the base client.
    pub fn size(&self) -> usize {
        self.set.len() + self.omit.len()
    }
}
