//! Executions a second of the `registration` target under libFuzzer, with the address sanitizer and without.

use std::process::Command;

use super::{
    rounds::{number, table},
    server::output,
};

/// The version of cargo-fuzz, where it and nightly Rust are there; also where fuzz/run has put it.
pub fn installed() -> Option<String> {
    let line = output(cargo().args(["+nightly", "fuzz", "--version"])).ok()?;
    line.lines().find(|line| line.starts_with("cargo-fuzz")).map(str::to_owned)
}

/// cargo, which finds cargo-fuzz where fuzz/run has put it.
fn cargo() -> Command {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/target/cargo-fuzz/bin");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("cargo");
    command.env("PATH", format!("{own}:{path}"));
    command
}

/// How long one run takes.
const SECONDS: u32 = 10;

pub fn section() -> Result<String, String> {
    installed().ok_or("cargo-fuzz with nightly Rust is missing: fuzz/run gets it")?;
    let mut rows = Vec::new();
    for sanitizer in ["address", "none"] {
        for target in ["registration", "life"] {
            eprintln!("  {target}, sanitizer {sanitizer}");
            let mut best = Vec::new();
            for seed in 1..=3 {
                let mut command = cargo();
                command.current_dir(env!("CARGO_MANIFEST_DIR")).args([
                    "+nightly",
                    "fuzz",
                    "run",
                    "--sanitizer",
                    sanitizer,
                ]);
                if sanitizer == "none" {
                    // What fuzz/ci builds.
                    command.args(["--target-dir", "fuzz/target/ci"]).env("CARGO_PROFILE_RELEASE_DEBUG", "0");
                }
                command.args([target, "--", "-len_control=0", "-max_len=192", "-detect_leaks=0", "-entropic=0"]);
                command.args(["-rss_limit_mb=4096", "-print_final_stats=1", &format!("-seed={seed}")]);
                command.arg(format!("-max_total_time={SECONDS}"));
                let text = output(&mut command)?;
                let rate = text.lines().find_map(|l| l.strip_prefix("stat::average_exec_per_sec:"));
                let rate: f64 = rate
                    .and_then(|r| r.trim().parse().ok())
                    .ok_or_else(|| format!("no rate: {}", text.lines().last().unwrap_or_default()))?;
                best.push(rate);
            }
            best.sort_by(f64::total_cmp);
            rows.push(vec![
                format!("`{target}`"),
                sanitizer.to_owned(),
                number(best[1]),
                format!("{} to {}", number(best[0]), number(best[2])),
            ]);
        }
    }
    Ok(format!(
        "libFuzzer with coverage, {SECONDS} s each, three seeds. One execution is one input: a registration or a sequence with all \
         that follows it, in process, judged.\n\n{}",
        table(&["target", "sanitizer", "executions/s", "range"], &rows)
    ))
}
