//! The ways in which the reference server can be told to misbehave. Each breaks one requirement and as little else as can be.

mod awork;
mod configuration;
mod endpoint;
mod errors;
mod members;
mod redirects;
mod statements;
mod success;
mod usage;

use std::sync::LazyLock;

use super::Configuration;

/// One way in which the reference server can be told to misbehave.
#[derive(Clone, Copy, Debug)]
pub struct Defect {
    /// A short name, unique among the defects.
    pub id: &'static str,
    /// The requirement that it breaks.
    pub requirement: &'static str,
    /// The configuration in which it shows.
    pub configuration: Configuration,
    /// What the server does.
    pub says: &'static str,
    /// Requirements that cannot but break with it, each with the reason.
    pub also: &'static [(&'static str, &'static str)],
    /// The switch in the server.
    pub which: Fault,
}

impl Defect {
    const fn open(id: &'static str, requirement: &'static str, which: Fault, says: &'static str) -> Self {
        Self { id, requirement, configuration: Configuration::Open, says, also: &[], which }
    }

    const fn protected(id: &'static str, requirement: &'static str, which: Fault, says: &'static str) -> Self {
        Self { configuration: Configuration::Protected, ..Self::open(id, requirement, which, says) }
    }

    const fn within(self, configuration: Configuration) -> Self {
        Self { configuration, ..self }
    }

    const fn also(self, also: &'static [(&'static str, &'static str)]) -> Self {
        Self { also, ..self }
    }
}

/// The switch of a defect; [`Defect::says`] tells what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the entry of each defect says what it does")]
#[allow(clippy::enum_variant_names, reason = "the names follow the members and errors that they are about")]
pub enum Fault {
    MediaTypeNeedsCharset,
    ChunkedCrash,
    MediaTypeMissingCrash,
    PlaintextServed,
    ConfigurationUriPlaintext,
    MediaTypeParametersRefused,
    MediaTypeCaseSensitive,
    EscapesKept,
    OrderMatters,
    GetRegisters,
    NamesIgnoreCase,
    CamelCase,
    ChallengeMissing,
    AnyTokenAccepted,
    TokenError400,
    ChallengeWithoutError,
    Status200,
    SuccessHtml,
    SuccessNested,
    SuccessHal,
    ByteOrderMark,
    ClientIdTwice,
    TrailingText,
    InvalidUtf8,
    ClientIdMissing,
    ClientIdNumber,
    ClientIdNonAscii,
    ClientIdShared,
    ClientIdAdopted,
    NoSecretForPost,
    SecretForNone,
    SecretNumber,
    SecretNonAscii,
    SecretShared,
    SecretHashed,
    SecretShort,
    SecretFromClientId,
    SecretPerClientId,
    ExpiresAtMissing,
    ExpiresAtString,
    ExpiresAtLifetime,
    ExpiresAtMilliseconds,
    ExpiresAtPast,
    ExpiresAtDateTime,
    ExpiresAtNegative,
    IssuedAtString,
    IssuedAtMilliseconds,
    IssuedAtFuture,
    IssuedAtNegative,
    ScopeOmitted,
    CacheAllowed,
    RedirectUrisOmitted,
    RedirectUrisSingle,
    RedirectUrisNotRequired,
    RedirectHttpAnywhere,
    RedirectActiveScheme,
    RedirectRelativeKept,
    RedirectWhitespaceKept,
    RedirectSplitAtSpace,
    RedirectFragmentKept,
    RedirectErrorCode,
    AuthMethodArray,
    AuthMethodSilent,
    GrantTypesText,
    GrantTypesUpperCase,
    ResponseTypesText,
    ResponseTypesUpperCase,
    TypesInconsistent,
    NameArray,
    NameNull,
    NameAnyType,
    ClientUriObject,
    ClientUriNull,
    ClientUriRelative,
    ClientUriUnchecked,
    LogoUriScheme,
    ScopeArray,
    ScopeCommas,
    ContactsText,
    JwksText,
    JwksKeysObject,
    JwksPrivateKept,
    JwksBothKept,
    VersionNumber,
    UnknownRefused,
    UnknownObjectRefused,
    UnknownNullCrash,
    SecretAdopted,
    IssuedAtAdopted,
    VariantsOmitted,
    NameMojibake,
    UnsignedStatementUsed,
    StatementSignatureUnchecked,
    StatementIssuerUnchecked,
    StatementPlainWins,
    StatementRewritten,
    StatementDropped,
    StatementClaimsHidden,
    StatementInvalidCode,
    StatementUnapprovedCode,
    AuthorizeUnknownClient,
    TokenUnknownClient,
    PostAuthRefused,
    GrantDefaultMissing,
    GrantsUnchecked,
    RedirectAnywhere,
    RedirectPathPrefix,
    RedirectHostPrefix,
    Error422,
    NameTypeCrash,
    Error200,
    ErrorText,
    ErrorProblem,
    ErrorMissing,
    ErrorPhrase,
    ErrorCodeUnknown,
    DescriptionQuotes,
    DescriptionArray,
    DescriptionControl,
    ErrorWithClient,
    ArrayUnwrapped,
    NonObjectCrash,
    SameSecondReplaces,
    TokenMissing,
    ConfigurationUriMissing,
    ConfigurationUriRelative,
    ManagedWithoutUri,
    ManagedWithoutToken,
    ManagedWithoutSecret,
    ManagedSecretMasked,
    ManagedWithoutExpiry,
    ManagedHtml,
    ManagedCacheable,
    TokenWithQuote,
    TokenRefused,
    TokenShort,
    TokenShared,
    TokenOfAnyClient,
    ReadWithoutScope,
    ConfigurationOpen,
    TokenPrefixTaken,
    UpdateWithAnyToken,
    DeleteWithAnyToken,
    Gone404,
    TokenOutlivesClient,
    InitialTokenManages,
    PatchCrash,
    NoDelete404,
    ForbiddenRead404,
    ForbiddenUpdate404,
    ForbiddenDelete409,
    Read202,
    ReadOtherId,
    ReadStale,
    Update204,
    RoundTripRefused,
    UpdateAugments,
    UpdateMerges,
    UpdateByBody,
    SecretChosenInUpdate,
    RightSecretRefused,
    ExcludedAdopted,
    Update422,
    UpdateHalfApplied,
    UpdateUnknownRefused,
    UpdateUnchecked,
    NewTokenDead,
    OldTokenLives,
    RefusedUpdateKillsToken,
    NewSecretDead,
    Delete200,
    FormerOutlivesClient,
    DeletedAuthenticates,
    DeletedAuthorizes,
    GrantsOutliveClient,
    AworkTokenOptional,
    AworkNameRequired,
    AworkNullRefused,
    AworkPublicRefused,
    AworkApplicationTypeDropped,
    AworkApplicationTypeList,
    AworkOfflineAccessDropped,
    AworkTimesFraction,
    AworkMembersNull,
    AworkLimitsSilent,
    AworkResetEpoch,
}

/// Every defect, in the order of the requirements that they break.
pub fn defects() -> &'static [Defect] {
    static ALL: LazyLock<Vec<Defect>> = LazyLock::new(|| {
        [
            endpoint::DEFECTS,
            success::DEFECTS,
            redirects::DEFECTS,
            members::DEFECTS,
            statements::DEFECTS,
            usage::DEFECTS,
            errors::DEFECTS,
            configuration::DEFECTS,
            awork::DEFECTS,
        ]
        .concat()
    });
    &ALL
}

/// The defect with this id.
pub fn defect(id: &str) -> Option<&'static Defect> {
    defects().iter().find(|defect| defect.id == id)
}

/// The switches that are on.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn new(defects: &[&Defect]) -> Self {
        Self(defects.iter().map(|defect| defect.which).collect())
    }

    /// Whether a defect needs clients that were deleted.
    pub(super) fn remember_deleted(&self) -> bool {
        use Fault::{DeletedAuthenticates, DeletedAuthorizes, FormerOutlivesClient, Gone404, TokenOutlivesClient};
        [DeletedAuthenticates, DeletedAuthorizes, FormerOutlivesClient, Gone404, TokenOutlivesClient]
            .into_iter()
            .any(|fault| self.has(fault))
    }

    pub(super) fn has(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }
}
