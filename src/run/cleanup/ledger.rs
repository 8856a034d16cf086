//! Working off a ledger through the administration interface.

use super::{Administration, Gone, find, hint, template::SOFTWARE_ID};
use crate::{
    target::origin,
    wire::{Ledger, Registered},
};

impl Administration {
    /// Enters into the ledger the clients that carry the mark of a registration whose answer was never read. Says of
    /// each mark what was found.
    pub async fn find_unknown(&self, ledger: &mut Ledger, at: &dyn Fn(&str) -> bool) -> Vec<(String, String)> {
        let Some(find) = &self.find else { return Vec::new() };
        let mut said = Vec::new();
        let mut list = None;
        for unknown in ledger.unknown_details().into_iter().filter(|u| at(&u.endpoint)) {
            let marker = unknown.marker;
            let each = find.has(SOFTWARE_ID);
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

    /// The identifiers of the clients in the list that carry a mark; none where nothing is listed.
    pub async fn marked(&self, marker: &str) -> Result<Vec<String>, String> {
        let Some(find) = &self.find else { return Ok(Vec::new()) };
        let url = if find.has(SOFTWARE_ID) { find.fill(marker)? } else { find.as_is() };
        Ok(find::marked(&self.list(url).await?, marker))
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
    pub(crate) async fn finish(&self, ledger: &mut Ledger, endpoint: &str) -> Vec<String> {
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
