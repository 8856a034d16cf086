use std::path::PathBuf;

use super::*;

/// A path in the system's folder for temporary files, and the file removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("dcrspec-ledger-{}-{name}.ndjson", std::process::id()));
        let _ = std::fs::remove_file(&path);
        Scratch(path)
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.0).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

const ENDPOINT: &str = "https://as.example/register";

fn client(id: &str) -> Registered {
    Registered {
        marker: format!("marker-{id}"),
        endpoint: ENDPOINT.into(),
        client_id: id.into(),
        registration_client_uri: Some(format!("{ENDPOINT}/{id}")),
        registration_access_token: Some(format!("token-of-{id}").into()),
    }
}

fn register(ledger: &mut Ledger, id: &str) {
    ledger.intent(&format!("marker-{id}"), ENDPOINT, None).unwrap();
    ledger.registered(client(id)).unwrap();
}

#[test]
fn from_intent_to_deletion() {
    let mut l = Ledger::memory();
    register(&mut l, "a");
    register(&mut l, "b");
    l.intent("refused", ENDPOINT, None).unwrap();
    l.rejected("refused").unwrap();
    l.intent("lost", ENDPOINT, None).unwrap();
    l.unknown("lost", "reset").unwrap();
    l.intent("waiting", ENDPOINT, None).unwrap();
    l.deleted("a").unwrap();
    l.kept("b", "the server has no DELETE").unwrap();
    l.deleted("not ours").unwrap();
    assert_eq!(l.unknowns(), ["lost", "waiting"]);
    let unknown = &l.unknown_details()[0];
    assert_eq!((unknown.marker.as_str(), unknown.endpoint.as_str(), unknown.why.as_str()), ("lost", ENDPOINT, "reset"));
    assert_eq!(l.open_clients(), [client("b")]);
    assert_eq!(l.why_kept("b"), Some("the server has no DELETE"));
    assert_eq!(l.clients(), Clients { registered: 2, deleted: 1, left: vec!["b".into()], unknown: 2 });
}

#[test]
fn a_marker_may_serve_many_registrations() {
    let mut l = Ledger::memory();
    for _ in 0..3 {
        l.intent("m", ENDPOINT, None).unwrap();
    }
    l.unknown("m", "reset").unwrap();
    l.rejected("m").unwrap();
    l.registered(Registered { marker: "m".into(), ..client("a") }).unwrap();
    assert_eq!(l.unknown_details().len(), 1);
    assert_eq!(l.unknown_details()[0].why, "reset");
}

#[test]
fn a_client_that_comes_back_is_one_client() {
    let mut l = Ledger::memory();
    register(&mut l, "a");
    let again =
        Registered { registration_access_token: Some("newer".into()), registration_client_uri: None, ..client("a") };
    l.registered(again).unwrap();
    assert_eq!(l.clients().registered, 1);
    let open = l.open_client("a").unwrap();
    assert_eq!(open.registration_access_token, Some("newer".into()));
    assert!(open.registration_client_uri.is_some());
    l.deleted("a").unwrap();
    assert!(l.open_client("a").is_none());
    register(&mut l, "a");
    assert_eq!(l.clients(), Clients { registered: 1, deleted: 0, left: vec!["a".into()], unknown: 0 });
}

#[test]
fn a_file_can_be_gone_on_with() {
    let scratch = Scratch::new("go-on");
    let mut l = Ledger::file(&scratch.0).unwrap();
    register(&mut l, "a");
    register(&mut l, "b");
    l.rotated("a", None, Some("second".into())).unwrap();
    l.intent("lost", ENDPOINT, None).unwrap();
    drop(l);
    let mut l = Ledger::load(&scratch.0).unwrap();
    assert_eq!(l.open_clients()[0].registration_access_token, Some("second".into()));
    assert_eq!(l.open_clients()[0].registration_client_uri, client("a").registration_client_uri);
    assert_eq!(l.unknowns(), ["lost"]);
    assert_eq!(l.clients().registered, 2);
    l.deleted("a").unwrap();
    l.deleted("b").unwrap();
    assert_eq!(l.remove_if_clean(), Ok(false));
    l.rejected("lost").unwrap();
    assert_eq!(l.remove_if_clean(), Ok(true));
    assert!(!scratch.0.exists());
}

#[test]
fn a_second_run_counts_its_own_and_cleans_up_all() {
    let scratch = Scratch::new("second");
    register(&mut Ledger::file(&scratch.0).unwrap(), "a");
    let mut l = Ledger::file(&scratch.0).unwrap();
    register(&mut l, "b");
    assert_eq!(l.clients(), Clients { registered: 1, deleted: 0, left: vec!["b".into()], unknown: 0 });
    assert_eq!(l.open_clients().len(), 2);
    l.deleted("b").unwrap();
    assert_eq!(l.remove_if_clean(), Ok(false));
}

#[test]
fn runs_that_share_a_file_lose_nothing() {
    let scratch = Scratch::new("shared");
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let path = scratch.0.clone();
            std::thread::spawn(move || {
                let mut l = Ledger::file(path).unwrap();
                for n in 0..100 {
                    register(&mut l, &format!("{writer}-{n}"));
                    if n % 2 == 0 {
                        l.deleted(&format!("{writer}-{n}")).unwrap();
                    }
                }
                assert_eq!(l.clients().registered, 100);
            })
        })
        .collect();
    writers.into_iter().for_each(|w| w.join().unwrap());
    let l = Ledger::load(&scratch.0).unwrap();
    assert_eq!(l.open_clients().len(), 200);
    assert_eq!(l.unknowns(), [""; 0]);
    assert_eq!(scratch.text().lines().count(), 4 * 250);
}

#[test]
fn a_line_right_behind_one_that_was_cut_short_is_read() {
    let scratch = Scratch::new("glued");
    let mut first = Ledger::file(&scratch.0).unwrap();
    register(&mut first, "a");
    drop(first);
    let whole = scratch.text();
    let line = whole.lines().next().unwrap();
    let lost = line.replace("marker-a", "marker-lost");
    for length in 1..lost.len() {
        // The disk was full for one run, and had room again when another wrote.
        std::fs::write(&scratch.0, format!("{}{whole}", &lost[..length])).unwrap();
        let l = Ledger::load(&scratch.0).unwrap();
        assert_eq!(l.open_clients(), [client("a")], "cut at {length}");
    }
}

#[cfg(unix)]
#[test]
fn a_clean_up_and_a_run_keep_out_of_each_others_way() {
    let scratch = Scratch::new("locks");
    let mut one = Ledger::file(&scratch.0).unwrap();
    let mut two = Ledger::file(&scratch.0).unwrap();
    register(&mut two, "a");
    let error = Ledger::load(&scratch.0).unwrap_err();
    assert!(error.contains("is in use") && error.contains("locks.ndjson"), "{error}");
    // The first knows of nothing, and the second may go on.
    assert_eq!(one.remove_if_clean(), Ok(false));
    drop(two);
    // Even alone it looks at what the other has left.
    assert_eq!(one.remove_if_clean(), Ok(false));
    drop(one);
    let mut cleanup = Ledger::load(&scratch.0).unwrap();
    assert!(Ledger::file(&scratch.0).unwrap_err().contains("a clean-up is working on"));
    cleanup.deleted("a").unwrap();
    assert_eq!(cleanup.remove_if_clean(), Ok(true));
    assert!(!scratch.0.exists());
}

#[test]
fn what_the_payload_said_leads_to_a_client_that_nobody_knows() {
    let scratch = Scratch::new("software");
    let mut l = Ledger::file(&scratch.0).unwrap();
    l.intent("m", ENDPOINT, Some("the deployment's own")).unwrap();
    l.intent("n", ENDPOINT, None).unwrap();
    drop(l);
    let unknown = Ledger::load(&scratch.0).unwrap().unknown_details();
    assert_eq!(unknown[0].software_id.as_deref(), Some("the deployment's own"));
    assert_eq!(unknown[1].software_id, None);
    assert!(unknown.iter().all(|u| u.at.parse::<jiff::Timestamp>().is_ok()));
}

#[test]
fn a_finished_ledger_is_emptied_and_can_be_come_back_to() {
    let scratch = Scratch::new("finished");
    let mut l = Ledger::file(&scratch.0).unwrap();
    register(&mut l, "a");
    assert_eq!(l.close_if_clean(), Ok(false));
    l.deleted("a").unwrap();
    // Another process has come in between, and what it registered stays on record.
    let mut other = Ledger::file(&scratch.0).unwrap();
    register(&mut other, "b");
    assert_eq!((l.close_if_clean(), l.remove_if_clean()), (Ok(false), Ok(false)));
    other.deleted("b").unwrap();
    assert_eq!(l.close_if_clean(), Ok(false), "it is still there");
    drop(other);
    assert_eq!(l.close_if_clean(), Ok(true));
    drop(l);
    assert!(scratch.text().lines().count() == 1 && !scratch.text().contains("token-of"), "{}", scratch.text());
    let mut again = Ledger::load(&scratch.0).unwrap();
    assert_eq!((again.open_clients(), again.unknowns()), (vec![], vec![]));
    register(&mut again, "c");
    drop(again);
    assert_eq!(Ledger::load(&scratch.0).unwrap().open_clients(), [client("c")]);
}

#[test]
fn a_client_of_several_registrations_is_known_to_be() {
    let mut l = Ledger::memory();
    register(&mut l, "a");
    assert!(l.knows("a") && !l.knows("b") && !l.is_shared("a"));
    l.registered(client("a")).unwrap();
    assert!(l.is_shared("a"));
    register(&mut l, "b");
    l.deleted("b").unwrap();
    l.registered(client("b")).unwrap();
    assert!(!l.is_shared("b"), "it had been deleted in between");
}

#[test]
fn every_length_of_a_torn_file_is_read_and_gone_on_with() {
    let whole = Scratch::new("whole");
    let mut l = Ledger::file(&whole.0).unwrap();
    register(&mut l, "a");
    register(&mut l, "b");
    let text = whole.text();
    let torn = Scratch::new("torn");
    for length in 0..=text.len() {
        std::fs::write(&torn.0, &text[..length]).unwrap();
        let mut l = Ledger::load(&torn.0).unwrap();
        let before = l.open_clients();
        register(&mut l, "c");
        drop(l);
        let after = Ledger::load(&torn.0).unwrap().open_clients();
        assert_eq!(after.len(), before.len() + 1, "cut at {length}");
    }
}

#[test]
fn a_damaged_line_is_named_and_not_shown() {
    let scratch = Scratch::new("damaged");
    register(&mut Ledger::file(&scratch.0).unwrap(), "a");
    std::fs::write(&scratch.0, scratch.text().replacen("token-of-a", "token-of-a\\", 1) + "{}\n").unwrap();
    let error = Ledger::load(&scratch.0).unwrap_err();
    assert!(error.contains("line 2") && !error.contains("token-of"), "{error}");
    assert!(error.contains("damaged.ndjson"), "{error}");
}

#[test]
fn errors_name_the_path() {
    let nowhere = std::env::temp_dir().join("dcrspec-no-such-folder").join("l.ndjson");
    for error in [Ledger::file(&nowhere).unwrap_err(), Ledger::load(&nowhere).unwrap_err()] {
        assert!(error.contains("dcrspec-no-such-folder"), "{error}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_that_names_the_path() {
    let mut l = Ledger::file("/dev/full").unwrap();
    let error = l.intent("m", ENDPOINT, None).unwrap_err();
    assert!(error.contains("/dev/full"), "{error}");
    assert!(l.unknowns().is_empty());
    // What happened at the server counts, written down or not.
    l.registered(client("a")).unwrap_err();
    assert_eq!(l.open_clients(), [client("a")]);
}

#[cfg(unix)]
#[test]
fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new("mode");
    let mode = || std::fs::metadata(&scratch.0).unwrap().permissions().mode() & 0o777;
    drop(Ledger::file(&scratch.0).unwrap());
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(&scratch.0, std::fs::Permissions::from_mode(0o644)).unwrap();
    drop(Ledger::load(&scratch.0).unwrap());
    assert_eq!(mode(), 0o600);
}

#[test]
fn debug_output_has_no_tokens() {
    let mut l = Ledger::memory();
    register(&mut l, "a");
    assert!(!format!("{l:?} {:?}", l.open_clients()).contains("token-of"));
}

#[test]
fn a_compacted_ledger_holds_what_is_open_and_counts_what_was() {
    let file = Scratch::new("compact");
    let mut ledger = Ledger::file(&file.0).unwrap();
    for number in 0..100 {
        let id = format!("c{number}");
        register(&mut ledger, &id);
        if number != 7 {
            ledger.deleted(&id).unwrap();
        }
    }
    ledger.intent("marker-open", ENDPOINT, None).unwrap();
    ledger.compact();
    assert_eq!(ledger.clients.iter().count(), 1);
    register(&mut ledger, "later");
    let counts = ledger.clients();
    assert_eq!((counts.registered, counts.deleted, counts.unknown), (101, 99, 1));
    drop(ledger);
    let read = Ledger::load(&file.0).unwrap();
    let open: Vec<String> = read.open_clients().into_iter().map(|c| c.client_id).collect();
    assert_eq!(open, ["c7", "later"]);
    assert_eq!(read.unknowns(), ["marker-open"]);
}

/// A campaign of a day: what it costs to end does not grow with what is done with.
#[test]
fn a_long_ledger_is_read_line_by_line_and_keeps_what_is_open() {
    let scratch = Scratch::new("long");
    let mut ledger = Ledger::file(&scratch.0).unwrap();
    for n in 0..30_000 {
        register(&mut ledger, &format!("client-{n}"));
        if n != 7 {
            ledger.deleted(&format!("client-{n}")).unwrap();
        }
        ledger.compact();
    }
    assert_eq!(ledger.clients.iter().count(), 1);
    assert!(!ledger.close_if_clean().unwrap());
    ledger.deleted("client-7").unwrap();
    assert!(ledger.close_if_clean().unwrap());
    assert_eq!(ledger.clients(), Clients { registered: 30_000, deleted: 30_000, left: vec![], unknown: 0 });
}
