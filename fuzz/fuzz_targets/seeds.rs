//! Not a target: `seeds FOLDER` writes dictionaries and seeds for the others and ends. It is built as they are, so that nothing has to
//! be built besides.
#![no_main]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use dcrspec::{
    fuzz::{generate, seeds},
    report::Report,
    run::{self, Options},
    selftest::reference_target,
    server::{Configuration, Defect, defects},
    wire::Ledger,
};
use serde_json::Value;

libfuzzer_sys::fuzz_target!(init: write_and_end(), |_data: &[u8]| ());

fn write_and_end() {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("seeds: name the folder for dictionaries/ and seeds/, as in: seeds fuzz");
        std::process::exit(2);
    };
    if let Err(why) = write(Path::new(&folder)) {
        eprintln!("seeds: cannot write below {folder}: {why}");
        std::process::exit(1);
    }
    std::process::exit(0);
}

/// Files of one target, by name.
type Files = BTreeMap<String, Vec<u8>>;

/// The longest seed made of a text.
const LONGEST: usize = 64 * 1024;

fn write(folder: &Path) -> io::Result<()> {
    let (reports, answers) = recorded();
    let bytes = bytes_for_the_generator();
    let texts = texts();
    for (target, files) in
        bytes.iter().chain([("response", answers), ("report_file", reports), ("suite_file", texts)].iter())
    {
        let seeds = folder.join("seeds").join(target);
        // What an earlier version wrote would stay for ever.
        if seeds.exists() {
            fs::remove_dir_all(&seeds)?;
        }
        fs::create_dir_all(&seeds)?;
        for (name, content) in files {
            fs::write(seeds.join(name), content)?;
        }
        println!("{}: {} files", seeds.display(), files.len());
    }
    let dictionaries = folder.join("dictionaries");
    fs::create_dir_all(&dictionaries)?;
    for (target, words) in dictionaries_of_all() {
        let lines: BTreeSet<String> = words.iter().filter_map(|word| seeds::entry(word)).collect();
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let file = dictionaries.join(format!("{target}.dict"));
        fs::write(&file, text)?;
        println!("{}: {} words", file.display(), lines.len());
    }
    Ok(())
}

/// Seeds of the targets whose bytes go to the generator, each with what chooses the server before them.
fn bytes_for_the_generator() -> Vec<(&'static str, Files)> {
    let (single, lives) = (seeds::cover(generate::input), seeds::cover(generate::sequence));
    let numbered = |all: &[[u8; seeds::LENGTH]], before: &dyn Fn(usize) -> Vec<u8>| -> Files {
        let seed = |(number, bytes): (usize, &[u8; seeds::LENGTH])| {
            let before = before(number);
            let kept = seeds::LENGTH - before.len();
            (format!("{number:04}"), [&before, &bytes[..kept]].concat())
        };
        all.iter().enumerate().map(seed).collect()
    };
    let configuration = |number: usize| vec![(number % Configuration::ALL.len()) as u8];
    // Each defect with several inputs, every other one a sequence.
    let count = defects().len();
    let pairs: Vec<_> = (0..2 * count.max(single.len()))
        .map(|n| if n % 2 == 0 { single[n / 2 % single.len()] } else { lives[n / 2 % lives.len()] })
        .collect();
    let defect = |number: usize| {
        let [low, high] = ((number / 2 % count) as u16).to_le_bytes();
        vec![low, high, (number % 2) as u8]
    };
    vec![
        ("registration", numbered(&single, &configuration)),
        ("life", numbered(&lives, &configuration)),
        ("own_server", numbered(&single, &|_| Vec::new())),
        ("differential", numbered(&pairs, &defect)),
    ]
}

/// The embedded suites, requirements and descriptions, and those of the examples.
fn texts() -> Files {
    let mut files = Files::new();
    let mut add = |name: String, text: &[u8]| {
        if name.ends_with(".yaml") && text.len() <= LONGEST {
            files.insert(name.replace('/', "-"), text.to_owned());
        }
    };
    for folder in dcrspec::suite::SUITES.dirs() {
        for file in folder.files() {
            add(file.path().display().to_string(), file.contents());
        }
    }
    add("names.yaml".into(), include_bytes!("../../examples/suites/names.yaml"));
    add("papermill.yaml".into(), include_bytes!("../../examples/papermill/suites/papermill/registration.yaml"));
    files
}

/// Real reports of the reference server, cut to what shows each of their parts, and real answers of it.
fn recorded() -> (Files, Files) {
    let (mut reports, mut answers) = (Files::new(), Files::new());
    let mut shapes = BTreeSet::new();
    let everything =
        ["rfc7591/response/*", "rfc7591/errors/*", "rfc7591/members/*", "rfc7592/read/*", "rfc7592/update/*"];
    for configuration in [Configuration::Open, Configuration::Rotating, Configuration::Statement, Configuration::Awork]
    {
        let report = report(configuration, &[], &everything);
        take_answers(&report, &mut shapes, &mut answers);
        reports.insert(format!("clean-{}", configuration.name()), cut(report));
    }
    for (number, defect) in defects().iter().enumerate() {
        let report = report(defect.configuration, &[defect], &["rfc7591/errors/*"]);
        take_answers(&report, &mut shapes, &mut answers);
        if number % 12 == 0 {
            reports.insert(defect.id.to_owned(), cut(report));
        }
    }
    (reports, answers)
}

fn report(configuration: Configuration, defects: &[&'static Defect], cases: &[&str]) -> Report {
    let target = reference_target(configuration, defects, 1);
    let cases = cases.iter().map(|case| (*case).to_owned()).collect();
    let options = Options { all_exchanges: true, cases, ..Options::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    runtime.block_on(run::run(&target, dcrspec::suite::embedded(), &options, Ledger::memory())).report
}

/// A report with a few of each of its parts, and without what differs from run to run.
fn cut(mut report: Report) -> Vec<u8> {
    report.requirements.sort_by_key(|r| r.findings.is_empty());
    report.requirements.truncate(12);
    report.cases.sort_by_key(|c| c.outcome == dcrspec::report::CaseOutcome::Passed);
    report.cases.truncate(8);
    report.findings.truncate(4);
    report.exchanges.truncate(4);
    let mut value = serde_json::to_value(&report).expect("a report is JSON");
    still(&mut value);
    serde_json::to_vec_pretty(&value).expect("a report is JSON")
}

/// Takes out what differs from run to run: times, and the salted marks of redacted secrets.
fn still(value: &mut Value) {
    match value {
        Value::Object(map) => map.iter_mut().for_each(|(name, value)| match name.as_str() {
            "seconds" => *value = 0.25.into(),
            "at" | "started" => *value = "2027-01-15T08:00:00Z".into(),
            _ => still(value),
        }),
        Value::Array(items) => items.iter_mut().for_each(still),
        Value::String(text) => *text = settled(text),
        _ => {}
    }
}

/// A text with one instant in place of each number that is about now, and of a date, and one mark in place of that of each secret.
fn settled(text: &str) -> String {
    if text.len() == 29 && text.ends_with(" GMT") {
        return "Fri, 15 Jan 2027 08:00:00 GMT".to_owned();
    }
    let marks = text.split(", #").enumerate().map(|(at, part)| match part.get(..7) {
        Some(mark) if at > 0 && mark.ends_with(']') => format!(", #000000{}", &part[6..]),
        _ if at > 0 => format!(", #{part}"),
        _ => part.to_owned(),
    });
    let text: String = marks.collect();
    let mut out = String::new();
    let mut digits = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let instant = matches!(digits.len(), 10 | 13) && matches!(digits.as_bytes()[0], b'1' | b'2');
        out.push_str(if instant { &"1800000000000"[..digits.len()] } else { &digits });
        digits.clear();
        out.push(c);
    }
    out.pop();
    out
}

/// Answers of shapes that were not seen before, in the form that the target `response` takes: the number of the status, the length of
/// the header fields, these, the body.
fn take_answers(report: &Report, shapes: &mut BTreeSet<String>, answers: &mut Files) {
    const STATUS: [u16; 12] = [200, 201, 204, 301, 400, 401, 403, 404, 429, 500, 503, 599];
    for response in report.exchanges.iter().filter_map(|x| x.response.as_ref()) {
        let Some(status) = STATUS.iter().position(|status| *status == response.status) else { continue };
        let mut fields: Vec<String> = response
            .headers
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "date" | "content-length" | "connection"))
            .map(|(name, value)| format!("{name}: {}", settled(value)))
            .collect();
        fields.sort();
        let body = settled(&response.body);
        let members: Vec<String> = match serde_json::from_str(&body) {
            Ok(Value::Object(map)) => map.iter().map(|(name, value)| format!("{name} {}", kind(value))).collect(),
            _ => vec![body.chars().take(40).collect()],
        };
        if body.len() > 4096 || !shapes.insert(format!("{} {fields:?} {members:?}", response.status)) {
            continue;
        }
        let mut head = fields.join("\n").into_bytes();
        head.truncate(255);
        let seed = [&[status as u8, head.len() as u8], &head[..], body.as_bytes()].concat();
        answers.insert(format!("{:04}", answers.len()), seed);
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn dictionaries_of_all() -> Vec<(&'static str, BTreeSet<Vec<u8>>)> {
    let phrases: BTreeSet<Vec<u8>> = seeds::phrases().into_values().collect();
    let mut words = seeds::words();
    for (_, schema) in dcrspec::judge::SCHEMAS {
        words_of(&serde_json::from_str(schema).expect("the schemas are JSON"), &mut words);
    }
    let fields =
        ["content-type: application/json", "cache-control: no-store", "pragma: no-cache", "www-authenticate: Bearer"];
    words.extend(fields.map(str::to_owned));
    words.extend(["TOKEN".to_owned(), "\u{feff}".to_owned(), "invalid_token".to_owned()]);
    let mut suite = words.clone();
    words_of(&serde_json::from_str(include_str!("../../schemas/suite.schema.json")).expect("JSON"), &mut suite);
    suite.extend(dcrspec::spec::Catalogue::embedded().iter().map(|r| r.id.clone()));
    for text in texts().values() {
        let names = String::from_utf8_lossy(text);
        suite.extend(
            names
                .split(|c: char| c.is_whitespace() || "[]{},\"'".contains(c))
                .filter(|w| is_a_word(w))
                .map(str::to_owned),
        );
    }
    let mut report = BTreeSet::new();
    words_of(&serde_json::from_str(include_str!("../../schemas/report.schema.json")).expect("JSON"), &mut report);
    let quoted = |words: &BTreeSet<String>| -> BTreeSet<Vec<u8>> {
        words.iter().flat_map(|w| [w.clone().into_bytes(), format!("\"{w}\"").into_bytes()]).collect()
    };
    vec![
        ("registration", phrases.clone()),
        ("life", phrases.clone()),
        ("own_server", phrases.clone()),
        ("differential", phrases),
        ("response", quoted(&words)),
        ("suite_file", suite.into_iter().map(String::into_bytes).collect()),
        ("report_file", quoted(&report)),
    ]
}

/// A name, a value or a key of a suite; no word of a sentence.
fn is_a_word(word: &str) -> bool {
    let marks = |c: char| "_-:./${".contains(c);
    (3..=48).contains(&word.len())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || marks(c))
        && word.chars().any(marks)
}

/// The names and values that a schema knows.
fn words_of(schema: &Value, words: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("properties" | "patternProperties", Value::Object(members)) => {
                        words.extend(members.keys().cloned())
                    }
                    ("required" | "enum", Value::Array(names)) => {
                        words.extend(names.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    ("const", Value::String(value)) => drop(words.insert(value.clone())),
                    _ => {}
                }
                words_of(value, words);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| words_of(item, words)),
        _ => {}
    }
}
