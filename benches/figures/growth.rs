//! How cost grows with cases, findings and requirements, over three decades.

use std::{path::Path, process::Command, process::Stdio, time::Instant};

use super::{
    page,
    rounds::{ROUNDS, in_turns, number, table},
    server::DCRSPEC,
};

const SIZES: [usize; 4] = [10, 100, 1000, 10_000];

/// Cases that register the base client; what they expect is met, or is not.
fn cases(count: usize, failing: bool) -> String {
    let mut text = "suite: growth/cases\ntitle: cases of one kind\ncases:\n".to_owned();
    let expected = if failing { "{ required: [not-there] }" } else { "{ required: [client_id] }" };
    for number in 0..count {
        text.push_str(&format!(
            "  - id: case-{number}\n    title: number {number}\n    requirements: [rfc7591-3.2.1-client-id]\n    steps:\n      \
             - register: {{}}\n        expect: {{ created: {{ body: {expected} }} }}\n"
        ));
    }
    text
}

/// A folder with as many requirements, and one case.
fn requirements(count: usize, folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let spec = "spec: Growth\ntitle: Requirements of one kind\nurl: https://growth.example/\nvendor: true\n";
    std::fs::write(folder.join("spec.yaml"), spec)?;
    let mut text = String::new();
    for number in 0..count {
        text.push_str(&format!(
            "- id: growth-{number}\n  level: INTEROP\n  strength: broken\n  section: \"1\"\n  binds: server\n  says: Number {number} is \
             kept.\n  observe: Register. Broken when the 201 says otherwise.\n  allowed:\n    - anything else\n  needs: []\n  schema: \
             true\n  verified: source\n  source: nobody\n"
        ));
    }
    std::fs::write(folder.join("requirements.yaml"), text)?;
    let case = "suite: growth/one\ntitle: one case\ncases:\n  - id: one\n    title: one\n    requirements: [growth-0]\n    steps:\n      - register: {}\n        expect: { created: {} }\n";
    std::fs::write(folder.join("one.yaml"), case)
}

/// Milliseconds of a run of this suite at the reference server, with both reports written.
fn run(suite: &Path, folder: &Path) -> Result<f64, String> {
    let (json, junit) = (folder.join("growth.json"), folder.join("growth.xml"));
    let clock = Instant::now();
    let status = Command::new(DCRSPEC)
        .args(["run", "--reference", "--fail-on", "security", "--suite"])
        .arg(suite)
        .arg("--json")
        .arg(&json)
        .arg("--junit")
        .arg(&junit)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|e| format!("dcrspec: {e}"))?;
    match status.code() {
        Some(0 | 1) => Ok(clock.elapsed().as_secs_f64() * 1e3),
        _ => Err(format!("dcrspec run --suite {}: {status}", suite.display())),
    }
}

pub fn section() -> Result<String, String> {
    let folder = page::folder()?;
    let say = |e: std::io::Error| format!("{}: {e}", folder.display());
    let mut rows = Vec::new();
    for what in ["cases", "findings", "requirements"] {
        let mut paths = Vec::new();
        for size in SIZES {
            let path = folder.join(format!("growth-{what}-{size}"));
            let path = if what == "requirements" {
                let path = path.join("growth");
                requirements(size, &path).map_err(say)?;
                path
            } else {
                let path = path.with_extension("yaml");
                std::fs::write(&path, cases(size, what == "findings")).map_err(say)?;
                path
            };
            paths.push(path);
        }
        eprintln!("  {what}");
        let [a, b, c, d] = in_turns(
            ROUNDS,
            [
                &mut || run(&paths[0], &folder),
                &mut || run(&paths[1], &folder),
                &mut || run(&paths[2], &folder),
                &mut || run(&paths[3], &folder),
            ],
        )?;
        let medians = [a.median(), b.median(), c.median(), d.median()];
        // What ten of them cost is the start of the process, and not theirs.
        let each = |at: usize| (medians[at] - medians[0]) / (SIZES[at] - SIZES[0]) as f64 * 1e3;
        rows.push(
            std::iter::once(what.to_owned())
                .chain(medians.iter().map(|m| number(*m)))
                .chain([number(each(2)), number(each(3)), number(each(3) / each(2))])
                .collect(),
        );
    }
    Ok(format!(
        "`dcrspec run --reference --suite …` with JSON and JUnit written, from the start of the process to its end; each case runs \
         in each of the configurations. Milliseconds, and what each one more costs. A factor of 1 is cost that grows as its cause \
         does.\n\n{}",
        table(&["", "10", "100", "1,000", "10,000", "µs each, to 1,000", "µs each, to 10,000", "factor"], &rows)
    ))
}
