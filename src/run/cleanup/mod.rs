//! Clean-up through the server's own administration interface, where it has no RFC 7592 or a client cannot be deleted
//! by it: one request or one command a client.
//!
//! These exchanges are the owner's, not the target's: no rule judges them, and no report holds them.

mod command;
mod find;
mod template;
#[cfg(test)]
mod tests;

use std::time::Duration;

use self::template::{CLIENT_ID, Template};
use crate::{
    target::origin,
    wire::{Auth, Headers, Kind, Ledger, Outcome, Pacer, Registered, Request, Response, Transport, WaitBudget},
};

/// How clients are deleted, and found, at the administration interface.
pub struct Administration {
    transport: Transport,
    headers: Vec<(String, String)>,
    way: Way,
    find: Option<Template>,
    pacer: Pacer,
    budget: WaitBudget,
}

enum Way {
    Request { method: String, url: Template },
    Command(Vec<String>),
}

/// What became of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// The interface says that it is deleted.
    Deleted,
    /// The interface does not know it (404, 410).
    NotKnown,
}

impl Administration {
    /// By a request to `url`, in which `${client_id}` stands for the client.
    pub fn request(transport: Transport, method: &str, url: &str) -> Result<Administration, String> {
        if http::Method::from_bytes(method.as_bytes()).is_err() {
            return Err(format!("{method:?} is no method of HTTP"));
        }
        let url = Template::new(url, &[CLIENT_ID])?;
        if !url.has(CLIENT_ID) {
            return Err("the URL does not hold ${client_id}, so it would be the same for each client".into());
        }
        Ok(Administration::new(transport, Way::Request { method: method.to_owned(), url }))
    }

    /// By a program: its path or name, and its arguments. No shell reads them. `${client_id}` stands for the client, and
    /// the environment variable `DCRSPEC_CLIENT_ID` holds it, too.
    pub fn command(transport: Transport, command: &[String]) -> Result<Administration, String> {
        match command.first() {
            None => return Err("the command is empty".into()),
            Some(program) if program.is_empty() || program.contains("${") => {
                return Err("the program comes first, and is the same for each client".into());
            }
            Some(_) => {}
        }
        Ok(Administration::new(transport, Way::Command(command.to_vec())))
    }

    fn new(transport: Transport, way: Way) -> Administration {
        let (pacer, budget) = (Pacer::new(Some(10.0)), WaitBudget::new(Duration::from_secs(60)));
        Administration { transport, headers: Vec::new(), way, find: None, pacer, budget }
    }

    /// Header fields of every request, the credentials among them.
    pub fn with_headers(self, headers: Vec<(String, String)>) -> Administration {
        Administration { headers, ..self }
    }

    /// A URL that lists clients as JSON; `${software_id}` in it stands for the mark of the client that is looked for.
    pub fn with_find(self, url: &str) -> Result<Administration, String> {
        Ok(Administration { find: Some(Template::new(url, &[template::SOFTWARE_ID])?), ..self })
    }

    /// The most requests a second, and how long rate limits are waited out in all.
    pub fn with_pace(self, rate: Option<f64>, wait: Duration) -> Administration {
        Administration { pacer: Pacer::new(rate.or(Some(10.0))), budget: WaitBudget::new(wait), ..self }
    }

    /// The origin of the requests that delete.
    pub fn origin(&self) -> Option<String> {
        match &self.way {
            Way::Request { url, .. } => url.origin(),
            Way::Command(_) => None,
        }
    }

    /// Whether clients can be looked for.
    pub fn finds(&self) -> bool {
        self.find.is_some()
    }

    /// Deletes a client of the ledger.
    pub async fn delete(&self, ledger: &Ledger, client_id: &str) -> Result<Gone, String> {
        if ledger.is_shared(client_id) {
            return Err("the server gave this client_id to several registrations, so it may be in use elsewhere: \
                        delete it by hand"
                .into());
        }
        self.pacer.wait().await;
        match &self.way {
            Way::Command(command) => command::run(command, client_id).await.map(|()| Gone::Deleted),
            Way::Request { method, url } => {
                let url = url.fill(client_id)?;
                match self.send(method, url).await? {
                    r if (200..300).contains(&r.status) => Ok(Gone::Deleted),
                    r if matches!(r.status, 404 | 410) => Ok(Gone::NotKnown),
                    r => Err(format!("the administration interface answered {method} with {}{}", r.status, hint(&r))),
                }
            }
        }
    }

    async fn send(&self, method: &str, url: String) -> Result<Response, String> {
        let mut headers = Headers::default();
        headers.push("accept", "application/json");
        for (name, value) in &self.headers {
            headers.push(name.clone(), value.as_bytes().to_vec());
        }
        let request = Request {
            kind: Kind::Other,
            method: method.to_owned(),
            url,
            headers,
            body: bytes::Bytes::new(),
            auth: Auth::None,
        };
        loop {
            match self.transport.send(&request).await.0 {
                Outcome::Failure(failure) => return Err(format!("the administration interface: {}", failure.message)),
                Outcome::Response(response) => match crate::wire::retry_delay(&response) {
                    Some(delay) if self.budget.take(delay) => tokio::time::sleep(delay).await,
                    _ => return Ok(response),
                },
            }
        }
    }

    /// Enters into the ledger the clients that carry the mark of a registration whose answer was never read. Says of
    /// each mark what was found.
    pub async fn find_unknown(&self, ledger: &mut Ledger, at: &dyn Fn(&str) -> bool) -> Vec<(String, String)> {
        let Some(find) = &self.find else { return Vec::new() };
        let mut said = Vec::new();
        let mut list = None;
        for unknown in ledger.unknown_details().into_iter().filter(|u| at(&u.endpoint)) {
            let marker = unknown.marker;
            let each = find.has(template::SOFTWARE_ID);
            if list.is_none() || each {
                let url = if each { find.fill(&marker) } else { Ok(find.as_is()) };
                list = Some(match url {
                    Ok(url) => self.list(url).await,
                    Err(why) => Err(why),
                });
            }
            let found = match list.as_ref() {
                Some(Ok(list)) => find::marked(list, &marker),
                Some(Err(why)) => {
                    said.push((marker, format!("the clients cannot be listed: {why}")));
                    continue;
                }
                None => continue,
            };
            let mut entered = 0;
            for client_id in found {
                // What the ledger knows was answered, and is another registration's.
                if ledger.knows(&client_id) {
                    continue;
                }
                let entry = Registered {
                    marker: marker.clone(),
                    endpoint: unknown.endpoint.clone(),
                    client_id: client_id.clone(),
                    registration_client_uri: None,
                    registration_access_token: None,
                };
                match ledger.registered(entry) {
                    Ok(()) => entered += 1,
                    Err(why) => said.push((marker.clone(), why)),
                }
            }
            said.push((
                marker,
                match entered {
                    0 => "no client in the list carries this software_id".to_owned(),
                    1 => "found in the list of clients".to_owned(),
                    n => format!("{n} clients in the list carry this software_id"),
                },
            ));
        }
        said
    }

    async fn list(&self, url: String) -> Result<serde_json::Value, String> {
        self.pacer.wait().await;
        let response = self.send("GET", url).await?;
        if response.status != 200 {
            return Err(format!("GET was answered {}{}", response.status, hint(&response)));
        }
        serde_json::from_slice(&response.body).map_err(|_| "the answer is no JSON".to_owned())
    }

    /// Deletes what this run has left in the ledger at the target whose endpoint this is. Returns what went wrong.
    pub(super) async fn finish(&self, ledger: &mut Ledger, endpoint: &str) -> Vec<String> {
        let here = origin(endpoint);
        let at = |other: &str| here.is_some() && origin(other) == here;
        let mut complaints = Vec::new();
        self.find_unknown(ledger, &at).await;
        let (mut worked, mut not_known) = (false, Vec::new());
        for client in ledger.open_clients().into_iter().filter(|c| at(&c.endpoint)) {
            let noted = match self.delete(ledger, &client.client_id).await {
                Ok(Gone::Deleted) => {
                    worked = true;
                    ledger.deleted(&client.client_id)
                }
                Ok(Gone::NotKnown) => {
                    not_known.push(client.client_id);
                    Ok(())
                }
                Err(why) => ledger.kept(&client.client_id, &why),
            };
            complaints.extend(noted.err());
        }
        // The server has just registered them. Where the interface knows none of them, its URL is more likely wrong than
        // the server empty.
        for id in not_known {
            let noted = match worked {
                true => ledger.deleted(&id),
                false => ledger.kept(
                    &id,
                    "the administration interface answered 404 to every client: is the url of [cleanup] right?",
                ),
            };
            complaints.extend(noted.err());
        }
        let left = ledger.open_clients();
        if let Some(client) = left.iter().find(|c| at(&c.endpoint))
            && let Some(why) = ledger.why_kept(&client.client_id)
        {
            complaints.push(format!("{} could not be deleted: {why}", client.client_id));
        }
        complaints
    }
}

fn hint(response: &Response) -> &'static str {
    match response.status {
        401 | 403 => ": does it take the token of [cleanup]?",
        405 => ": is the method of [cleanup] right?",
        _ => "",
    }
}
