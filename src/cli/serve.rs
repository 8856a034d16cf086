//! `dcrspec serve`: the reference server on a loopback port.

use super::{Done, find_defects, print, runtime, usage};
use crate::{
    report::Exit,
    server::{ReferenceServer, ServerConfig},
};

/// Outside of what the specifications name, and only here: a server that others may reach tells nobody what it holds.
const COUNT_PATH: &str = "/_clients";

#[derive(clap::Args)]
#[command(
    after_help = "GET /_clients answers with the number of clients that are registered now, as a bare number: so a \
test of a clean-up can ask the server itself."
)]
pub struct Args {
    /// The port on 127.0.0.1; a free one unless given
    #[arg(long, value_name = "P", default_value_t = 0)]
    port: u16,
    /// Misbehave in this way
    #[arg(long, value_name = "ID")]
    defect: Vec<String>,
    /// Ask for this initial access token
    #[arg(long, value_name = "T")]
    initial_access_token: Option<String>,
    /// Be like this vendor's server, as its public documentation describes it
    #[arg(long, value_name = "VENDOR")]
    like: Option<Vendor>,
    /// For a vendor with limits: how many requests a minute are taken
    #[arg(long, value_name = "N", requires = "like", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Makes identifiers and secrets the same in every run
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Vendor {
    /// Path, token, members, limits and administration of awork's client applications
    Awork,
}

/// The token of a server whose user has named none: it has to be told to whoever calls, so it need not be secret.
const TOKEN: &str = "reference-initial-access-token";

pub fn main(args: Args) -> Done {
    let defects = find_defects(&args.defect)?;
    runtime()?.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", args.port))
            .await
            .map_err(|e| usage(format!("cannot listen on 127.0.0.1:{}: {e}; --port chooses another", args.port)))?;
        let address = listener.local_addr().map_err(|e| usage(e.to_string()))?;
        let issuer = format!("http://{address}");
        let token = args.initial_access_token.clone().or(args.like.map(|_| TOKEN.to_owned()));
        let mut config = match (&token, args.like) {
            (Some(token), Some(Vendor::Awork)) => ServerConfig::awork(&issuer, token.as_str()),
            (Some(token), None) => ServerConfig::protected(&issuer, token.as_str()),
            (None, _) => ServerConfig::open(&issuer),
        };
        config.limit = args.limit.unwrap_or(config.limit);
        config.seed = args.seed;
        config.defects = defects;
        let path = config.configuration.registration_path();
        let server = ReferenceServer::new(config);
        let mut lines = format!("REGISTRATION_ENDPOINT={issuer}{path}\nISSUER={issuer}\n");
        if let Some(token) = &token {
            lines.push_str(&format!("INITIAL_ACCESS_TOKEN={token}\n"));
        }
        print(&lines);
        let counted = server.clone();
        let count = axum::routing::get(async move || counted.client_count().to_string());
        axum::serve(listener, server.router().route(COUNT_PATH, count))
            .with_graceful_shutdown(async {
                // Without a handler the default of the signal ends the process all the same.
                if tokio::signal::ctrl_c().await.is_err() {
                    std::future::pending::<()>().await;
                }
            })
            .await
            .map_err(|e| usage(format!("the server stopped: {e}")))?;
        Ok(Exit::Clean)
    })
}
