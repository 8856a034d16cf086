//! `dcrspec cleanup LEDGER`: finishes what an interrupted run could not.

use std::path::PathBuf;

use serde_json::json;

use super::{
    Done, Stop,
    config::{Choice, InForce, Layer, Origin, administration},
    print,
    run::target::{headers, transport},
    runtime, usage,
};
use crate::{
    report::{Exit, text::harmless},
    run::{Administration, Gone},
    target::origin,
    wire::{Auth, Headers, Kind, Ledger, Outcome, Registered, Request, Transport, Unknown},
};

#[derive(clap::Args)]
pub struct Args {
    /// The ledger of the run
    #[arg(value_name = "LEDGER")]
    ledger: PathBuf,
    /// Send registration access tokens to this origin too
    #[arg(long, value_name = "URL")]
    allow_origin: Vec<String>,
    /// Read the initial access token of the target from this environment variable, for a [cleanup] with target-token
    #[arg(long, value_name = "VAR")]
    token_env: Option<String>,
    #[command(flatten)]
    choice: Choice,
}

pub fn main(args: Args) -> Done {
    let mut given = Layer::new();
    if !args.allow_origin.is_empty() {
        let origin = Origin::Flag("--allow-origin".into());
        given.insert("allow-origin".into(), (json!(args.allow_origin), origin));
    }
    if let Some(name) = args.token_env {
        given.insert("token-env".into(), (json!(name), Origin::Flag("--token-env".into())));
    }
    let force = args.choice.in_force(given)?;
    let mut ledger = Ledger::load(&args.ledger).map_err(|why| {
        usage(if args.ledger.exists() {
            why
        } else {
            format!("{why}; a run that left nothing behind has removed it, unless --ledger gave it its name")
        })
    })?;
    let cleaner = Cleaner::new(&force, &ledger)?;
    let nothing = ledger.open_clients().is_empty() && ledger.unknowns().is_empty();
    let left = runtime()?.block_on(cleaner.clean(&mut ledger))?;
    if nothing {
        print("nothing is left to delete\n");
    }
    ledger.close_if_clean().map_err(usage)?;
    Ok(if left == 0 { Exit::Clean } else { Exit::Findings })
}

/// What deletes clients: their registration access tokens first, then `[cleanup]`.
struct Cleaner {
    transport: Transport,
    administration: Option<Administration>,
    /// Header fields for the target that the settings name, and nobody else.
    headers: Vec<(String, String)>,
    /// The origins that the settings name.
    known: Vec<String>,
    allowed: Vec<String>,
}

impl Cleaner {
    fn new(force: &InForce, ledger: &Ledger) -> Result<Cleaner, Stop> {
        let settings = &force.settings;
        // Where the settings name no target, the ledger does: it is ours, and the only one that the run was about.
        let mut endpoints: Vec<String> = ledger.open_clients().into_iter().map(|c| c.endpoint).collect();
        endpoints.extend(ledger.unknown_details().into_iter().map(|u| u.endpoint));
        let place = settings.url.clone().or(settings.issuer.clone()).or(endpoints.into_iter().next());
        let administration = administration(force, place.as_deref())?;
        let own = administration.as_ref().and_then(Administration::origin);
        let places = settings.url.iter().chain(&settings.issuer).chain(&settings.allow_origin);
        Ok(Cleaner {
            transport: transport(force)?,
            headers: headers(&settings.headers).map_err(|why| force.blame("header", why))?,
            known: places.filter_map(|url| origin(url)).chain(own).collect(),
            allowed: settings.allow_origin.clone(),
            administration,
        })
    }

    /// Whether the settings are about the server that this endpoint belongs to.
    fn is_ours(&self, endpoint: &str) -> bool {
        origin(endpoint).is_some_and(|o| self.known.contains(&o))
    }

    /// Works off the ledger, says of each client what became of it, and returns how many are left.
    async fn clean(&self, ledger: &mut Ledger) -> Result<usize, Stop> {
        if let Some(administration) = &self.administration {
            for (marker, said) in administration.find_unknown(ledger, &|endpoint| self.is_ours(endpoint)).await {
                print(&format!("software_id {}: {}\n", harmless(&marker), harmless(&said)));
            }
        }
        for client in ledger.open_clients() {
            let said = match self.delete(ledger, &client).await {
                Ok(how) => {
                    ledger.deleted(&client.client_id).map_err(usage)?;
                    how
                }
                Err(why) => format!("still there: {why}"),
            };
            print(&format!("{}: {}\n", harmless(&client.client_id), harmless(&said)));
        }
        for unknown in ledger.unknown_details() {
            print(&format!("unknown: {}\n", harmless(&told(&unknown))));
        }
        Ok(ledger.open_clients().len())
    }

    async fn delete(&self, ledger: &Ledger, client: &Registered) -> Result<String, String> {
        let first = self.by_its_token(client).await;
        let ours = self.administration.as_ref().filter(|_| self.is_ours(&client.endpoint));
        let (why, administration) = match (first, ours) {
            (Ok(How { said, certain: true }), _) | (Ok(How { said, .. }), None) => return Ok(said),
            // The token is no longer known; the client may be.
            (Ok(How { said, .. }), Some(administration)) => (said, administration),
            (Err(why), Some(administration)) => (why, administration),
            (Err(why), None) if self.administration.is_none() => return Err(why),
            (Err(why), None) => {
                return Err(format!(
                    "{why}; and it was registered at {}, which the settings do not name: is another --profile meant?",
                    client.endpoint
                ));
            }
        };
        match administration.delete(ledger, &client.client_id).await {
            Ok(Gone::Deleted) => Ok("deleted through the administration interface".into()),
            Ok(Gone::NotKnown) => Ok("gone already (the administration interface does not know it)".into()),
            Err(also) => Err(format!("{why}; {also}")),
        }
    }

    async fn by_its_token(&self, client: &Registered) -> Result<How, String> {
        let (Some(uri), Some(token)) = (&client.registration_client_uri, &client.registration_access_token) else {
            return Err("the server gave no registration_client_uri and registration_access_token".into());
        };
        let here = origin(uri);
        let same = std::iter::once(&client.endpoint).chain(&self.allowed).any(|u| here.is_some() && origin(u) == here);
        if !same {
            return Err(format!(
                "registration_client_uri {uri} is on another origin than the endpoint; --allow-origin permits it"
            ));
        }
        let mut headers = Headers::default();
        headers.push("accept", "application/json");
        headers.push("authorization", format!("Bearer {}", token.expose()));
        if self.is_ours(uri) {
            for (name, value) in &self.headers {
                headers.push(name.clone(), value.as_bytes().to_vec());
            }
        }
        let request = Request {
            kind: Kind::Delete,
            method: "DELETE".into(),
            url: uri.clone(),
            headers,
            body: bytes::Bytes::new(),
            auth: Auth::Registration,
        };
        match self.transport.send(&request).await.0 {
            Outcome::Response(r) if matches!(r.status, 200 | 204) => Ok(How { said: "deleted".into(), certain: true }),
            // RFC 7592, 2.3: the token of a client that is gone is no longer known.
            Outcome::Response(r) if matches!(r.status, 401 | 404) => {
                Ok(How { said: format!("gone already (answered {})", r.status), certain: false })
            }
            Outcome::Response(r) => Err(format!("DELETE was answered {}", r.status)),
            Outcome::Failure(failure) => Err(failure.message),
        }
    }
}

/// What a person needs to find the client at the server, if it is there.
fn told(unknown: &Unknown) -> String {
    let by = match &unknown.software_id {
        Some(id) => format!("with software_id {id}"),
        None => "without a software_id of ours".to_owned(),
    };
    format!(
        "a registration {by} was sent to {} at {}, and its answer never read ({}): look there for such a client",
        unknown.endpoint, unknown.at, unknown.why
    )
}

/// How a client came to be gone.
struct How {
    said: String,
    certain: bool,
}
