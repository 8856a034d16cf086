//! Half registered: a registration that is refused, and a client that is there all the same.
//!
//! It is asked for only where an answer can be had that leaves no doubt. A refusal may hold the URL and the token of a client,
//! which is then read; and the administration interface of `[cleanup]` may list clients, where the random mark of a refused
//! request can be looked for.

use super::{
    bench::{Bench, Shot},
    generate::Input,
    oracles::Fault,
};
use crate::{
    judge::Objection,
    run::harness::Client,
    wire::{Exchange, Kind, Registered},
};

/// The catalogue: nothing was registered where an error was answered.
const REQUIREMENT: &str = "rfc7591-3.2.2-no-client-in-error";
const RULE: &str = "fuzz-half-registered";

/// How many refusals are looked for at the end of a campaign.
const LOOKED_FOR: usize = 16;

/// Whether a registration was refused by the server itself, in so many words.
fn is_refused(exchange: &Exchange) -> bool {
    exchange.request.kind == Kind::Register && exchange.response().is_some_and(|r| r.status == 400)
}

/// The mark of a request, where it carries one of ours.
fn mark(exchange: &Exchange) -> Option<String> {
    let mark = exchange.sent_plainly()?.get("software_id")?.as_str()?;
    let word = mark.strip_prefix("dcrspec-")?;
    (word.len() == 24 && word.bytes().all(|b| b.is_ascii_hexdigit())).then(|| mark.to_owned())
}

fn fault(message: &str, exchange: usize) -> Option<Fault> {
    let objection = Objection::new("client", message).expected("no client, or an answer that says there is one");
    Fault::new(REQUIREMENT, RULE, objection, exchange)
}

/// The client whose URL and token a refusal holds, unless the request held them itself.
fn offered(exchange: &Exchange) -> Option<Client> {
    let response = exchange.response().filter(|_| is_refused(exchange))?;
    let sent = |word: &str| memchr::memmem::find(&exchange.request.body, word.as_bytes()).is_some();
    let word = |name: &str| response.member(name).filter(|w| w.len() >= 16 && !sent(w));
    Some(Client {
        exchange: 0,
        client_id: response.member("client_id").filter(|id| !id.is_empty())?.to_owned(),
        uri: Some(word("registration_client_uri")?.to_owned()),
        token: Some(word("registration_access_token")?.into()),
        former: Vec::new(),
        document: Default::default(),
    })
}

impl Bench<'_> {
    /// Reads the client that a refusal names.
    pub(super) async fn read_offered(&self, input: &Input, shot: &mut Shot) {
        let refused = &shot.exchanges[0];
        let Some(client) = offered(refused).filter(|c| !input.sends_credentials() && !self.is_pooled(&c.client_id))
        else {
            return;
        };
        let Ok(request) = self.harness.configuration_request(&client, Kind::Read) else { return };
        let read = self.send(request, "").await;
        let shows = read.response().filter(|r| r.status == 200).and_then(|r| r.member("client_id"));
        if shows == Some(&client.client_id) {
            let index = shot.exchanges.len();
            shot.faults
                .extend(fault("a registration was refused, and the client that the refusal names is there", index));
            self.enter_found(&client, mark(refused).as_deref().unwrap_or_default(), &refused.request.url);
        }
        shot.exchanges.push(read);
    }

    /// Looks for the last exchange of a shot among the clients that the administration lists, where it was refused.
    pub(super) async fn look_for_refused(&self, shot: &mut Shot) {
        let refused = shot.exchanges.iter().rposition(is_refused);
        let Some((index, mark)) = refused.and_then(|at| Some((at, mark(&shot.exchanges[at])?))) else { return };
        if let Some(found) = self.listed(&mark).await {
            shot.faults.extend(fault("a registration was refused, and the list of clients holds its client", index));
            self.enter_found(&found, &mark, &shot.exchanges[index].request.url);
        }
    }

    /// The client with a mark in the list of the administration interface.
    async fn listed(&self, mark: &str) -> Option<Client> {
        let administration = self.harness.target.administration.as_ref().filter(|a| a.finds())?;
        match administration.marked(mark).await {
            Ok(found) => found.into_iter().next().map(|client_id| Client {
                exchange: 0,
                client_id,
                uri: None,
                token: None,
                former: Vec::new(),
                document: Default::default(),
            }),
            Err(why) => {
                self.complain(format!("the clients cannot be listed: {why}"));
                None
            }
        }
    }

    /// Notes a refused input, so that its client can be looked for later.
    pub(super) fn note_refused(&self, input: &Input, exchange: &Exchange) {
        let finds = self.harness.target.administration.as_ref().is_some_and(|a| a.finds());
        if let Some(mark) = mark(exchange).filter(|_| finds && is_refused(exchange)) {
            let mut refused = self.refused.borrow_mut();
            if refused.len() >= LOOKED_FOR {
                refused.pop_front();
            }
            refused.push_back((mark, input.clone()));
        }
    }

    /// The first of the refused inputs whose client the administration lists.
    pub(super) async fn half_registered(&self) -> Option<(Input, Fault)> {
        let refused: Vec<_> = self.refused.borrow_mut().drain(..).collect();
        for (mark, input) in refused {
            if let Some(found) = self.listed(&mark).await {
                self.enter_found(&found, &mark, &self.harness.ground.endpoint);
                let fault = fault("a registration was refused, and the list of clients holds its client", 0)?;
                return Some((input, fault));
            }
        }
        None
    }

    /// A client that nobody announced has to be deleted as well.
    fn enter_found(&self, client: &Client, mark: &str, endpoint: &str) {
        if self.is_own() {
            return;
        }
        self.noted(|ledger| {
            ledger.registered(Registered {
                marker: mark.to_owned(),
                endpoint: endpoint.to_owned(),
                client_id: client.client_id.clone(),
                registration_client_uri: client.uri.clone(),
                registration_access_token: client.token.clone(),
            })
        });
        // Without a token it is the administration's to delete.
        if client.token.is_some() {
            self.await_deletion(client.clone());
        }
    }
}
