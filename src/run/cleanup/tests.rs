use proptest::prelude::*;
use serde_json::json;

use super::{find::marked, template::*, *};
use crate::wire::{HttpSettings, Registered};

fn transport() -> Transport {
    Transport::http(HttpSettings::default()).unwrap()
}

#[test]
fn what_cannot_work_is_refused_before_anything_is_sent() {
    let request = |method: &str, url: &str| Administration::request(transport(), method, url).err().unwrap_or_default();
    assert_eq!(request("DELETE", "https://as.example/clients/${client_id}"), "");
    assert!(request("DELETE", "https://as.example/clients").contains("does not hold ${client_id}"));
    assert!(request("DELETE", "https://as.example/${client}/${client_id}").contains("placeholder that is not known"));
    assert!(request("DELETE", "https://${client_id}.example/").contains("in its host"));
    assert!(request("DELETE", "https://as.example:${client_id}/").contains("is no URL"));
    assert!(request("DELETE", "ftp://as.example/${client_id}").contains("no http or https"));
    assert!(request("DELETE", "https://u:hush@as.example/${client_id}").contains("user name or password"));
    assert!(!request("DELETE", "https://u:hush@as.example/${client_id}").contains("hush"));
    assert!(request("DE LETE", "https://as.example/${client_id}").contains("no method"));
    let command = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        Administration::command(transport(), &words).err().unwrap_or_default()
    };
    assert_eq!(command(&["delete-client", "${client_id}"]), "");
    assert!(command(&[]).contains("empty"));
    assert!(command(&["${client_id}"]).contains("the program comes first"));
}

#[test]
fn clients_are_found_by_their_mark_wherever_they_stand() {
    let list = json!({"total": 3, "items": [
        {"client_id": "a", "id": 7, "software_id": "ours"},
        {"id": "b", "inner": {"software_id": "ours"}, "software_id": "theirs"},
        {"nested": [{"id": "c", "software_id": "ours"}, {"id": "c", "software_id": "ours"}]},
        {"client_id": "", "software_id": "ours"},
    ]});
    assert_eq!(marked(&list, "ours"), ["a", "c"]);
    assert_eq!(marked(&list, "nobody's"), [""; 0]);
}

#[tokio::test]
async fn a_client_id_that_several_registrations_were_given_is_left_alone() {
    let mut ledger = Ledger::memory();
    for marker in ["one", "two"] {
        ledger.intent(marker, "https://as.example/register", Some(marker)).unwrap();
        let entry = Registered {
            marker: marker.into(),
            endpoint: "https://as.example/register".into(),
            client_id: "everybody".into(),
            registration_client_uri: None,
            registration_access_token: None,
        };
        ledger.registered(entry).unwrap();
    }
    let administration = Administration::command(transport(), &["true".to_owned()]).unwrap();
    assert!(administration.delete(&ledger, "everybody").await.unwrap_err().contains("may be in use elsewhere"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_client_id_is_an_argument_and_never_an_option_or_a_program() {
    let words = ["sh", "-c", "test \"$1\" = \"$DCRSPEC_CLIENT_ID\"", "sh", "${client_id}"].map(str::to_owned);
    for id in ["a", "; exit 9", "$(exit 9)", "two words", "é\n'\"", "*"] {
        assert_eq!(command::delete(&words, id).await, Ok(()), "{id:?}");
    }
    assert!(command::delete(&words, "--force").await.unwrap_err().contains("begins with a dash"));
    assert!(command::delete(&words, "a\0b").await.unwrap_err().contains("cannot be started"));
    let failing = ["sh", "-c", "exit 3"].map(str::to_owned);
    assert!(command::delete(&failing, "a").await.unwrap_err().contains("exit status: 3"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_token_command_gives_what_it_prints() {
    let output = async |script: &str| command::output(&["sh", "-c", script].map(str::to_owned)).await;
    assert_eq!(output("echo ' token '").await, Ok("token".to_owned()));
    // More than a pipe holds.
    assert!(output("head -c 300000 /dev/zero | tr '\\0' x").await.is_ok());
    let failed = output("echo hush; exit 2").await.unwrap_err();
    assert!(failed.contains("exit status: 2") && !failed.contains("hush"), "{failed}");
    let silent = Administration::request(transport(), "DELETE", "http://127.0.0.1:1/${client_id}").unwrap();
    let silent = silent.with_token_command(&["true".to_owned()]);
    assert!(silent.delete(&Ledger::memory(), "a").await.unwrap_err().contains("it prints no token"));
}

proptest! {
    #[test]
    fn no_identifier_leaves_its_place_in_the_url(id in ".{0,16}|[./%?#&;\\\\]{0,6}") {
        let template = Template::new("https://as.example/admin/clients/${client_id}/now?q=${client_id}", &[CLIENT_ID]).unwrap();
        let Ok(url) = template.fill(&id) else {
            prop_assert!(matches!(id.as_str(), "" | "." | ".."));
            return Ok(());
        };
        let url = url::Url::parse(&url).unwrap();
        prop_assert_eq!(url.host_str(), Some("as.example"));
        let segments: Vec<&str> = url.path_segments().unwrap().collect();
        prop_assert_eq!((segments.len(), segments[1], segments[3]), (4, "clients", "now"));
        let value = url.query_pairs().next().unwrap().1.into_owned();
        prop_assert_eq!(value, id);
        prop_assert!(url.fragment().is_none());
    }
}
