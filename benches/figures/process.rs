//! The command as a process: how soon it starts, and how much it holds.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    rounds::{in_turns, mark, number, table},
    server::DCRSPEC,
};

fn timed(program: &str, args: &[&str]) -> Result<f64, String> {
    let clock = Instant::now();
    let status =
        Command::new(program).args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let status = status.map_err(|e| format!("{program}: {e}"))?;
    if !status.success() {
        return Err(format!("{program} {args:?}: {status}"));
    }
    Ok(clock.elapsed().as_secs_f64() * 1e3)
}

pub fn start_up() -> Result<String, String> {
    let one = ["run", "--reference", "--case", "rfc7591/response/confidential-client"];
    let sides = in_turns(
        21,
        [
            &mut || timed("true", &[]),
            &mut || timed(DCRSPEC, &["--help"]),
            &mut || timed(DCRSPEC, &["list", "requirements"]),
            &mut || timed(DCRSPEC, &one),
            &mut || timed(DCRSPEC, &["run", "--reference"]),
        ],
    )?;
    let names = [
        "`true`, which does nothing",
        "`dcrspec --help`",
        "`dcrspec list requirements`: the catalogue read",
        "`dcrspec run --reference --case …`: one case in every configuration",
        "`dcrspec run --reference`: all of it",
    ];
    let rows: Vec<Vec<String>> =
        names.iter().zip(&sides).map(|(name, side)| vec![(*name).to_owned(), side.shown()]).collect();
    Ok(format!("From the start of the process to its end, 21 rounds.\n\n{}", table(&["", "ms"], &rows)))
}

/// Runs the command to its end; its exchanges, the peak of its resident memory in MiB, and the seconds.
fn peak(args: &[&str]) -> Result<(f64, f64, f64), String> {
    let clock = Instant::now();
    let mut child = Command::new(DCRSPEC)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("dcrspec: {e}"))?;
    let status = format!("/proc/{}/status", child.id());
    let mut high = 0.0_f64;
    loop {
        if let Ok(text) = std::fs::read_to_string(&status)
            && let Some(line) = text.lines().find_map(|l| l.strip_prefix("VmHWM:"))
            && let Some(kib) = line.split_whitespace().next().and_then(|n| n.parse::<f64>().ok())
        {
            high = high.max(kib / 1024.0);
        }
        if child.try_wait().map_err(|e| e.to_string())?.is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let seconds = clock.elapsed().as_secs_f64();
    let text = super::server::output_of(child)?;
    let exchanges = text.lines().find_map(|l| {
        let (before, _) = l.split_once(" requests in ")?;
        before.rsplit(' ').next()?.parse::<f64>().ok()
    });
    let exchanges = exchanges.ok_or_else(|| format!("no number of requests in: {text}"))?;
    Ok((exchanges, high, seconds))
}

pub fn memory() -> Result<String, String> {
    if !std::path::Path::new("/proc/self/status").exists() {
        return Err("/proc tells the peak of a process's memory, and there is none here".to_owned());
    }
    let mut rows = Vec::new();
    let mut last = Vec::new();
    for (name, more) in [("single registrations", &[][..]), ("sequences (`--stateful`)", &["--stateful"][..])] {
        let per_input = if more.is_empty() { 1.2 } else { 7.6 };
        let mut peaks = Vec::new();
        for wanted in [1e4, 1e6] {
            let count = ((wanted / per_input) as u64).to_string();
            eprintln!("  {name}, {wanted:.0} requests");
            let args = [&["fuzz", "--reference", "--seed", "12", "--count", &count], more].concat();
            let (exchanges, high, seconds) = peak(&args)?;
            rows.push(vec![name.to_owned(), number(exchanges), number(high), number(exchanges / seconds)]);
            peaks.push(high);
        }
        last.push(peaks);
    }
    let reached = last.iter().all(|p| p[1] <= 1.2 * p[0] && p[1] < 100.0);
    let growth: Vec<String> = last.iter().map(|p| number(p[1] / p[0])).collect();
    Ok(format!(
        "`dcrspec fuzz --reference`: the peak of resident memory of a process that holds fuzzer and reference server, in every \
         configuration. From 10⁴ to 10⁶ requests it grows by a factor of {}.\n\n{}{}",
        growth.join(" and "),
        table(&["", "requests", "peak, MiB", "requests/s"], &rows),
        mark("at 10⁶ requests at most 1.2 × that at 10⁴, and under 100 MiB", reached)
    ))
}
