//! The authorization endpoint (RFC 6749, section 3.1), as far as it shows what a registration brought about: nobody can log in here, so
//! that every request of a known client ends with an error that is sent to it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use fluent_uri::Uri;
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use url::form_urlencoded::Serializer;

use super::defects::{Fault, Faults};
use super::issue::Client;
use super::{ReferenceServer, metadata, respond, token};

pub(super) async fn authorization(State(server): State<ReferenceServer>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    answer(&server, query).unwrap_or_else(page)
}

fn answer(server: &ReferenceServer, query: &str) -> Result<Response, &'static str> {
    let form = token::unique(query.as_bytes()).ok_or("A parameter stands twice in the request.")?;
    let client_id = form.get("client_id").ok_or("The request does not name a client.")?;
    let state = server.lock();
    let mut instances = state.store.by_id(client_id);
    if server.faults().has(Fault::DeletedAuthorizes) {
        instances.extend(state.gone.values().filter(|client| client.id_text() == *client_id).cloned());
    }
    drop(state);
    if instances.is_empty() || server.faults().has(Fault::AuthorizeUnknownClient) {
        return Err("The client is unknown.");
    }
    let uri = redirect_uri(&instances, form.get("redirect_uri"), server.faults())?;
    let kind = form.get("response_type").map(String::as_str);
    let registered = |kind: &str| instances.iter().any(|c| metadata::has(&c.metadata, "response_types", kind));
    let error = match kind {
        None => "invalid_request",
        Some(kind) if !metadata::RESPONSE_TYPES.contains(&kind) => "unsupported_response_type",
        Some(kind) if !registered(kind) => "unauthorized_client",
        Some(_) => "access_denied",
    };
    let mut parameters = Serializer::new(String::new());
    parameters.append_pair("error", error);
    if let Some(state) = form.get("state") {
        parameters.append_pair("state", state);
    }
    // RFC 6749, section 4.2.2.1: where a token would have been, there is the error too.
    let joint = match kind {
        Some("token") => '#',
        _ if uri.contains('?') => '&',
        _ => '?',
    };
    let location = HeaderValue::try_from(format!("{uri}{joint}{}", parameters.finish()));
    let mut response = respond::empty(StatusCode::FOUND);
    response.headers_mut().insert(LOCATION, location.map_err(|_| "The redirection URI cannot be written.")?);
    Ok(response)
}

/// Where the user agent is sent: to a registered URI and nowhere else (RFC 6749, sections 3.1.2.3 and 3.1.2.4).
fn redirect_uri(instances: &[Arc<Client>], wanted: Option<&String>, faults: &Faults) -> Result<String, &'static str> {
    let registered: Vec<&str> =
        instances.iter().flat_map(|client| metadata::texts(&client.metadata, "redirect_uris")).collect();
    match wanted {
        Some(wanted) if registered.iter().any(|uri| fits(uri, wanted, faults)) => Ok(wanted.clone()),
        Some(_) => Err("The redirection URI is not registered."),
        None => match registered.first() {
            Some(first) if registered.iter().all(|uri| uri == first) => Ok((*first).to_owned()),
            _ => Err("The request does not name a redirection URI."),
        },
    }
}

fn fits(registered: &str, wanted: &str, faults: &Faults) -> bool {
    let host = || Uri::parse(registered).ok().and_then(|uri| Some(format!("{}://{}", uri.scheme(), uri.authority()?)));
    registered == wanted
        || same_but_port(registered, wanted).unwrap_or(false)
        || faults.has(Fault::RedirectAnywhere)
        || (faults.has(Fault::RedirectPathPrefix) && wanted.starts_with(registered))
        || (faults.has(Fault::RedirectHostPrefix) && host().is_some_and(|host| wanted.starts_with(&host)))
}

/// RFC 8252, section 7.3: a native client on a loopback address takes the port that is free.
fn same_but_port(registered: &str, wanted: &str) -> Option<bool> {
    let (registered, wanted) = (Uri::parse(registered).ok()?, Uri::parse(wanted).ok()?);
    let (a, b) = (registered.authority()?, wanted.authority()?);
    let plain = registered.scheme().as_str() == "http" && wanted.scheme().as_str() == "http";
    let loopback = matches!(a.host(), "127.0.0.1" | "[::1]") && a.host() == b.host();
    let clean = !b.has_userinfo() && b.port_to_u16().is_ok() && !wanted.has_fragment();
    let same = registered.path() == wanted.path() && registered.query() == wanted.query();
    Some(plain && loopback && clean && same)
}

/// An error that is told to the user, since there is nowhere to send it (RFC 6749, section 4.1.2.1). Nothing of the request is quoted.
fn page(why: &'static str) -> Response {
    let body = format!("<!DOCTYPE html><html lang=\"en\"><title>Refused</title><p>{why}</p></html>\n");
    respond::response(StatusCode::BAD_REQUEST, "text/html; charset=utf-8", body)
}
