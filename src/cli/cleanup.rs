//! `dcrspec cleanup LEDGER`: finishes what an interrupted run could not.

use std::{path::PathBuf, time::Duration};

use super::{Done, Stop, print, runtime, usage};
use crate::{
    report::{Exit, text::harmless},
    target::origin,
    wire::{Auth, Headers, HttpSettings, Kind, Ledger, Outcome, Registered, Request, Transport, Unknown},
};

#[derive(clap::Args)]
pub struct Args {
    /// The ledger of the run
    #[arg(value_name = "LEDGER")]
    ledger: PathBuf,
    /// Send registration access tokens to this origin too
    #[arg(long, value_name = "URL")]
    allow_origin: Vec<String>,
}

pub fn main(args: Args) -> Done {
    let mut ledger = Ledger::load(&args.ledger).map_err(usage)?;
    let transport = Transport::http(HttpSettings::default().with_timeout(Duration::from_secs(10))).map_err(usage)?;
    let clients = ledger.open_clients();
    runtime()?.block_on(async {
        for client in &clients {
            let said = match delete(&transport, client, &args.allow_origin).await {
                Ok(how) => {
                    ledger.deleted(&client.client_id).map_err(usage)?;
                    how
                }
                Err(why) => format!("still there: {why}"),
            };
            print(&format!("{}: {}\n", harmless(&client.client_id), harmless(&said)));
        }
        Ok::<(), Stop>(())
    })?;
    for unknown in ledger.unknown_details() {
        print(&format!("unknown: {}\n", harmless(&told(&unknown))));
    }
    let left = ledger.open_clients().len();
    if clients.is_empty() && ledger.unknowns().is_empty() {
        print("nothing is left to delete\n");
    }
    ledger.remove_if_clean().map_err(usage)?;
    Ok(if left == 0 { Exit::Clean } else { Exit::Findings })
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

async fn delete(transport: &Transport, client: &Registered, allowed: &[String]) -> Result<String, String> {
    let (Some(uri), Some(token)) = (&client.registration_client_uri, &client.registration_access_token) else {
        return Err("the server gave no registration_client_uri and registration_access_token".into());
    };
    let here = origin(uri);
    let known = std::iter::once(&client.endpoint).chain(allowed).any(|u| here.is_some() && origin(u) == here);
    if !known {
        return Err(format!(
            "registration_client_uri {uri} is on another origin than the endpoint; --allow-origin permits it"
        ));
    }
    let mut headers = Headers::default();
    headers.push("accept", "application/json");
    headers.push("authorization", format!("Bearer {}", token.expose()));
    let request = Request {
        kind: Kind::Delete,
        method: "DELETE".into(),
        url: uri.clone(),
        headers,
        body: bytes::Bytes::new(),
        auth: Auth::Registration,
    };
    match transport.send(&request).await.0 {
        Outcome::Response(r) if matches!(r.status, 200 | 204) => Ok("deleted".into()),
        // RFC 7592, 2.3: the token of a client that is gone is no longer known.
        Outcome::Response(r) if matches!(r.status, 401 | 404) => Ok(format!("gone already (answered {})", r.status)),
        Outcome::Response(r) => Err(format!("DELETE was answered {}", r.status)),
        Outcome::Failure(failure) => Err(failure.message),
    }
}
