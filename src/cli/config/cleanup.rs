//! `[cleanup]`: how a client is deleted at a server that gives no registration access token for it.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A request to the server's own administration interface, or a command, that deletes one client. `${client_id}` stands
/// for its identifier.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct CleanupSettings {
    /// Where the request goes; `${client_id}` is percent-encoded
    pub url: Option<String>,
    /// The method of that request; DELETE unless given
    pub method: Option<String>,
    /// Header fields of the request, as "Name: value"
    #[schemars(extend("writeOnly" = true))]
    pub header: Vec<String>,
    /// The bearer token of the request; token-env or token-file keeps it out of this file
    #[schemars(extend("writeOnly" = true))]
    pub token: Option<String>,
    /// Read that token from this environment variable
    pub token_env: Option<String>,
    /// Read that token from this file
    pub token_file: Option<PathBuf>,
    /// A program and its arguments, run without a shell for each client; DCRSPEC_CLIENT_ID holds its identifier, too
    pub command: Vec<String>,
    /// A URL that lists clients as JSON, to find those whose registration was never answered, by their software_id
    pub find: Option<String>,
}

impl CleanupSettings {
    /// Takes the paths as relative to the folder of the file that they stand in. A program without a slash is looked up.
    pub fn relative_to(&mut self, folder: &Path) {
        if let Some(file) = &mut self.token_file {
            *file = folder.join(&*file);
        }
        if let Some(program) = self.command.first_mut().filter(|p| p.contains('/')) {
            *program = folder.join(&*program).display().to_string();
        }
    }
}
