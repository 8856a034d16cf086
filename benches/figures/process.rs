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
    let mut peaks = Vec::new();
    for wanted in [1e4, 1e6] {
        eprintln!("  {wanted:.0} requests");
        // An input takes 1.23 requests.
        let count = ((wanted / 1.23) as u64).to_string();
        let (exchanges, high, seconds) = peak(&["fuzz", "--reference", "--seed", "12", "--count", &count])?;
        rows.push(vec![number(exchanges), number(high), number(exchanges / seconds)]);
        peaks.push(high);
    }
    let reached = peaks[1] <= 1.2 * peaks[0] && peaks[1] < 100.0;
    Ok(format!(
        "`dcrspec fuzz --reference`: the peak of resident memory of a process that holds fuzzer and reference server, in every \
         configuration. From 10⁴ to 10⁶ requests it grows by a factor of {}.\n\n{}{}",
        number(peaks[1] / peaks[0]),
        table(&["requests", "peak, MiB", "requests/s"], &rows),
        mark("at 10⁶ requests at most 1.2 × that at 10⁴, and under 100 MiB", reached)
    ))
}
