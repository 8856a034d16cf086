//! Clean-up through the server's own administration interface, where it has no RFC 7592 or a client cannot be deleted
//! by it: one request or one command a client.
//!
//! These exchanges are the owner's, not the target's: no rule judges them, and no report holds them.

mod command;
mod find;
mod ledger;
mod template;
#[cfg(test)]
mod tests;

use std::time::Duration;

use self::template::{CLIENT_ID, Template};
use crate::wire::{Auth, Headers, Kind, Ledger, Outcome, Pacer, Request, Response, Transport, WaitBudget};

/// How clients are deleted, and found, at the administration interface.
pub struct Administration {
    transport: Transport,
    headers: Vec<(String, String)>,
    /// Prints the bearer token; run when the first request is due, since such tokens live for minutes.
    token_command: Vec<String>,
    token: tokio::sync::OnceCell<String>,
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
        let (headers, token_command, token) = (Vec::new(), Vec::new(), tokio::sync::OnceCell::new());
        Administration { transport, headers, token_command, token, way, find: None, pacer, budget }
    }

    /// Header fields of every request, the credentials among them.
    pub fn with_headers(self, headers: Vec<(String, String)>) -> Administration {
        Administration { headers, ..self }
    }

    /// A command that prints the bearer token of the requests. It is run when one is due.
    pub fn with_token_command(self, command: &[String]) -> Administration {
        Administration { token_command: command.to_vec(), ..self }
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
            Way::Command(command) => command::delete(command, client_id).await.map(|()| Gone::Deleted),
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

    async fn fetch_token(&self) -> Result<String, String> {
        let token = command::output(&self.token_command).await.map_err(|why| format!("token-command: {why}"))?;
        if token.is_empty() || !token.bytes().all(|b| (0x21..=0x7e).contains(&b)) {
            return Err("token-command: it prints no token that an Authorization header can carry".into());
        }
        Ok(token)
    }

    async fn send(&self, method: &str, url: String) -> Result<Response, String> {
        let mut headers = Headers::default();
        headers.push("accept", "application/json");
        for (name, value) in &self.headers {
            headers.push(name.clone(), value.as_bytes().to_vec());
        }
        if !self.token_command.is_empty() {
            let token = self.token.get_or_try_init(|| self.fetch_token()).await?;
            headers.push("authorization", format!("Bearer {token}"));
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
            let held = self.pacer.held(Kind::Other);
            if !held.is_zero() && self.budget.take(held) {
                tokio::time::sleep(held).await;
            }
            match self.transport.send(&request).await.0 {
                Outcome::Failure(failure) => return Err(format!("the administration interface: {}", failure.message)),
                Outcome::Response(response) => match self.pacer.learn(Kind::Other, &response) {
                    Some(delay) if self.budget.take(delay) => tokio::time::sleep(delay).await,
                    _ => return Ok(response),
                },
            }
        }
    }
}

fn hint(response: &Response) -> &'static str {
    match response.status {
        401 | 403 => ": does it take the token of [cleanup]?",
        405 => ": is the method of [cleanup] right?",
        _ => "",
    }
}
