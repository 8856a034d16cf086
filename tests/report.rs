//! `dcrspec report` through the binary: reports of shards and of several targets, added up.

mod support;

use quick_xml::{Reader, events::Event};
use serde_json::Value;
use support::{Home, Ran, Served, schema_faults, verdicts};

/// A shard of a campaign against the reference server with a defect that every seed finds.
#[track_caller]
fn shard(home: &Home, seed: &str) -> Value {
    let file = format!("shard{seed}.json");
    let fuzz = ["fuzz", "--reference", "--defect", "redirect-uris-omitted", "--count", "300", "--seed", seed];
    home.run(fuzz.iter().copied().chain(["--json", &file, "--corpus", &format!("corpus{seed}")])).exits(1);
    read(home, &file)
}

#[track_caller]
fn read(home: &Home, file: &str) -> Value {
    let text = std::fs::read_to_string(home.path().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// The ids of the findings, each with its count, in the order of the ids.
fn findings(report: &Value) -> Vec<(String, u64)> {
    let findings = report["findings"].as_array().unwrap().iter();
    let mut found: Vec<_> =
        findings.map(|f| (f["id"].as_str().unwrap().to_owned(), f["count"].as_u64().unwrap())).collect();
    found.sort();
    found
}

/// Class and name of each test case in error or failed, and the number of all.
fn failed(xml: &str) -> (Vec<String>, usize) {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().enable_all_checks(true);
    let (mut failed, mut count, mut case) = (Vec::new(), 0, String::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) | Event::Empty(tag) => match AsRef::<str>::as_ref(&tag.name().as_ref()) {
                "testcase" => {
                    count += 1;
                    let value = |name| tag.try_get_attribute(name).unwrap().unwrap().value.into_owned();
                    case = format!("{} {}", value("classname"), value("name"));
                }
                "failure" | "error" => failed.push(case.clone()),
                _ => {}
            },
            Event::Eof => return (failed, count),
            _ => {}
        }
    }
}

/// A usage mistake: what is said on stderr, with nothing on stdout.
#[track_caller]
fn mistake(ran: &Ran) -> &str {
    assert_eq!(ran.exits(2).stdout, "");
    ran.stderr.trim_end().strip_prefix("dcrspec: ").unwrap_or_else(|| panic!("{}", ran.stderr))
}

#[test]
fn shards_of_a_campaign_are_one_report() {
    let home = Home::new();
    let shards = [shard(&home, "1"), shard(&home, "2"), shard(&home, "3")];
    // Seeds send different inputs: what was new in one campaign is not what was new in the other.
    let corpus = |seed: u8| -> Vec<_> {
        let files = std::fs::read_dir(home.path().join(format!("corpus{seed}"))).unwrap();
        files.map(|e| std::fs::read(e.unwrap().path()).unwrap()).collect()
    };
    let (one, two) = (corpus(1), corpus(2));
    assert!(one.iter().filter(|input| !two.contains(input)).count() * 2 > one.len(), "the same inputs");
    for (seed, shard) in shards.iter().enumerate() {
        assert_eq!(shard["seed"], seed + 1, "a campaign's report says its seed");
        assert_eq!(findings(shard).len(), 1);
    }

    let ran = home.run(["report", "shard1.json", "shard2.json", "--json", "both.json", "--junit", "both.xml"]);
    ran.exits(1);
    assert!(ran.stdout.contains("BROKEN: 1 finding fails the run (MUST, SECURITY)"), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
    let both = read(&home, "both.json");
    assert_eq!(schema_faults(&both), [""; 0]);
    let (id, of_one) = findings(&shards[0]).remove(0);
    let (_, of_two) = findings(&shards[1]).remove(0);
    assert_eq!(findings(&both), [(id.clone(), of_one + of_two)]);
    let sum = |part: &str| shards[..2].iter().map(|s| s.pointer(part).unwrap().as_u64().unwrap()).sum::<u64>();
    assert_eq!(both["totals"]["exchanges"], sum("/totals/exchanges"));
    assert_eq!(both["clients"]["registered"], sum("/clients/registered"));
    // Every exchange stands once, and all that show the finding are there.
    let exchanges: Vec<&str> =
        both["exchanges"].as_array().unwrap().iter().map(|x| x["id"].as_str().unwrap()).collect();
    let unique: std::collections::HashSet<_> = exchanges.iter().collect();
    assert_eq!(unique.len(), exchanges.len(), "{exchanges:?}");
    for evidence in both["findings"][0]["evidence"].as_array().unwrap() {
        assert!(exchanges.contains(&evidence["exchange"].as_str().unwrap()), "{evidence} in {exchanges:?}");
    }
    // A test case for the cause, as in the JUnit file of a shard, and one for its requirement.
    let (failed, count) = failed(&std::fs::read_to_string(home.path().join("both.xml")).unwrap());
    assert_eq!(failed.iter().filter(|f| f.starts_with("dcrspec.fuzz.findings ")).count(), 1, "{failed:?}");
    assert!(failed[0].contains(&id), "{failed:?}");
    assert_eq!(count, 1 + both["requirements"].as_array().unwrap().len());

    // Neither steps nor order change what is found.
    home.run(["report", "shard1.json", "shard2.json", "shard3.json", "--json", "all.json"]).exits(1);
    home.run(["report", "both.json", "shard3.json", "--json", "steps.json"]).exits(1);
    home.run(["report", "shard3.json", "shard2.json", "shard1.json", "--json", "back.json"]).exits(1);
    let all = read(&home, "all.json");
    assert_eq!(all, read(&home, "steps.json"), "in steps");
    let back = read(&home, "back.json");
    assert_eq!(verdicts(&all), verdicts(&back));
    assert_eq!(findings(&all), findings(&back));
    assert_eq!(all["totals"], back["totals"]);
    // The sum can take the place of a part.
    home.run(["report", "shard1.json", "shard2.json", "--json", "shard1.json"]).exits(1);
    assert_eq!(read(&home, "shard1.json"), both);
}

#[test]
fn one_report_stays_as_it_is_and_levels_can_be_given_anew() {
    let home = Home::new();
    let run = ["run", "--reference", "--defect", "challenge-without-error", "--json", "a.json", "--junit", "a.xml"];
    let shown = home.run(run).exits(0).stdout.clone();
    let ran = home.run(["report", "a.json", "--json", "b.json", "--junit", "b.xml"]);
    assert_eq!(ran.exits(0).stdout, shown);
    for (a, b) in [("a.json", "b.json"), ("a.xml", "b.xml")] {
        let text = |name: &str| std::fs::read_to_string(home.path().join(name)).unwrap();
        assert!(text(a) == text(b), "{b} is not {a}");
    }
    home.run(["report", "a.json", "--fail-on", "should"]).exits(1);
    let ran = home.run(["report", "a.json", "-v", "--fail-on", "should", "--json", "-"]);
    assert_eq!(ran.exits(1).json()["fail_on"], serde_json::json!(["SHOULD"]));
    assert!(ran.stderr.contains("not-exercised") && ran.stderr.contains("BROKEN: "), "the text stands aside");
}

#[test]
fn reports_of_several_targets_are_one_that_names_them() {
    let home = Home::new();
    let run = |suite: &str, label: &str, file: &str| {
        home.run(["run", "--reference", "--suite", suite, "--json", file]).exits(0);
        let mut report = read(&home, file);
        report["target"]["label"] = label.into();
        report["fail_on"] = serde_json::json!(["INTEROP"]);
        home.file(file, &report.to_string());
        report
    };
    let (a, b) = (run("rfc7591/response", "a.example", "a.json"), run("rfc7592", "b.example", "b.json"));
    let ran = home.run(["report", "a.json", "b.json", "--json", "-"]);
    let sum = ran.exits(0).json();
    assert_eq!(sum["target"]["label"], "a.example+b.example");
    let verdict = |report: &Value, id: &str| verdicts(report)[id].clone();
    for (id, verdict_of_sum) in verdicts(&sum) {
        let rank = |v: &str| ["not-applicable", "not-exercised", "met", "broken"].iter().position(|x| *x == v);
        assert_eq!(rank(&verdict_of_sum), rank(&verdict(&a, &id)).max(rank(&verdict(&b, &id))), "{id}");
    }
    let cases = |report: &Value| report["cases"].as_array().unwrap().len();
    assert_eq!(cases(&sum), cases(&a) + cases(&b));
}

/// Two deployments that answer alike have no verdict on any requirement, and are yet no untested ones.
#[test]
fn shards_of_a_comparison_are_judged_by_their_differences() {
    let home = Home::new();
    let (first, alike) = (Served::start(&home, &[]), Served::start(&home, &[]));
    let other = Served::start(&home, &["--defect", "redirect-uris-omitted"]);
    let compare = |second: &Served, file: &str, code: i32| {
        let args = ["fuzz", first.endpoint(), "--against", second.endpoint(), "--i-may-test-this-server"];
        let rest = ["--rate", "10000/s", "--seed", "7", "--count", "40", "--json", file];
        home.run(args.iter().chain(&rest)).exits(code);
    };
    compare(&alike, "alike.json", 0);
    compare(&other, "other.json", 1);
    home.run(["report", "alike.json", "--junit", "alike.xml"]).exits(0);
    let (broken, _) = failed(&std::fs::read_to_string(home.path().join("alike.xml")).unwrap());
    assert_eq!(broken, [""; 0]);
    let ran = home.run(["report", "alike.json", "other.json", "--junit", "both.xml"]);
    assert!(ran.exits(1).stdout.contains("NOTE  INTEROP  difference  (fails the run)"), "{}", ran.stdout);
    let (broken, _) = failed(&std::fs::read_to_string(home.path().join("both.xml")).unwrap());
    assert!(broken.iter().any(|f| f.starts_with("dcrspec.fuzz.comparison ")), "{broken:?}");
    assert!(broken.iter().any(|f| f.starts_with("dcrspec.fuzz.findings ")), "{broken:?}");
}

#[test]
fn a_part_in_which_nothing_was_judged_never_passes() {
    let home = Home::new();
    let nowhere = ["run", "http://127.0.0.1:1/register", "--json", "empty.json"];
    home.run(nowhere).exits(3);
    home.run(["run", "--reference", "--json", "clean.json"]).exits(0);
    assert!(home.run(["report", "empty.json"]).exits(3).stdout.contains("NOT TESTED: "));
    for order in [["clean.json", "empty.json"], ["empty.json", "clean.json"]] {
        let ran = home.run(["report"].iter().chain(&order));
        assert!(ran.exits(3).stdout.contains("http://127.0.0.1:1/register: "), "{}", ran.stdout);
    }
}

#[test]
fn what_is_no_report_is_named_with_its_place_and_nothing_is_written() {
    let home = Home::new();
    home.run(["run", "--reference", "--suite", "rfc7591/response", "--json", "good.json"]).exits(0);
    let good = std::fs::read_to_string(home.path().join("good.json")).unwrap();
    home.file("torn.json", &good[..good.len() / 2]);
    home.file("later.json", &good.replacen("\"format\": 1", "\"format\": 2", 1));
    home.file("empty.json", "");
    home.file("odd.json", &good.replacen("\"seed\"", "\"sead\"", 1));
    std::fs::write(home.path().join("bytes.json"), b"\xff\xfe").unwrap();
    let said = |file: &str| {
        let ran = home.run(["report", "good.json", file, "--json", "sum.json"]);
        assert!(!home.path().join("sum.json").exists());
        mistake(&ran).to_owned()
    };
    assert_eq!(
        said("later.json"),
        "later.json: this is no report that can be read: it has format 2, and this version reads format 1 at line 2 \
         column 13"
    );
    assert!(said("torn.json").starts_with("torn.json: this is no report that can be read: EOF while parsing"));
    assert!(said("odd.json").contains("unknown field `sead`") && said("odd.json").contains(" at line "));
    assert_eq!(
        said("empty.json"),
        "empty.json: this is no report that can be read: EOF while parsing a value at line 1 column 0"
    );
    assert_eq!(said("bytes.json"), "cannot read bytes.json: stream did not contain valid UTF-8");
    assert_eq!(said("none.json"), "cannot read none.json: No such file or directory (os error 2)");
    assert_eq!(said("./good.json"), "./good.json is named twice, and would be counted twice");
    let ran = home.run(["report", "torn.json", "none.json"]);
    assert_eq!(mistake(&ran).lines().count(), 2, "each of them is told");
}

#[test]
fn wrong_usage_is_told_before_anything_is_read() {
    let home = Home::new();
    let said = |args: &[&str]| mistake(&home.run(["report", "none.json"].iter().chain(args))).to_owned();
    assert_eq!(said(&["--json", "-", "--junit", "-"]), "only one report can go to stdout (-)");
    assert_eq!(said(&["--json", "."]), ". is a folder; name a file for the report");
    assert!(home.run(["report"]).exits(2).stderr.contains("<REPORT>"));
    assert!(
        home.run(["report", "none.json", "--fail-on", "may"]).exits(2).stderr.contains("a MAY can never be broken")
    );
}
