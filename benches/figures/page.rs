//! The page, put together from sections that are kept between runs.

use std::{fs, path::PathBuf};

use super::{SECTIONS, schemathesis::VERSION, server::first_line};

/// Where what is made stays: sections, corpora, tools.
pub fn folder() -> Result<PathBuf, String> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/figures"));
    fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    Ok(folder)
}

/// What bounds a figure next, by a profile; kept by hand beside the page's sections.
const BOUNDS: &str = include_str!("bounds.md");

fn bound(key: &str) -> Option<&'static str> {
    BOUNDS.split("\n## ").find_map(|part| part.strip_prefix(key)?.strip_prefix('\n')).map(str::trim)
}

/// Measures the named sections, or all, and writes `docs/performance.md`.
pub fn write(words: &[&str]) -> Result<(), String> {
    if let Some(unknown) = words.iter().find(|w| SECTIONS.iter().all(|(key, ..)| key != *w)) {
        let known: Vec<&str> = SECTIONS.iter().map(|(key, ..)| *key).collect();
        return Err(format!("{unknown:?} is no section; there are {}", known.join(", ")));
    }
    let folder = folder()?;
    for (key, title, section) in SECTIONS.iter().filter(|(key, ..)| words.is_empty() || words.contains(key)) {
        eprintln!("{title}");
        let text =
            section().unwrap_or_else(|why| format!("Not measured: {}\n", why.lines().next().unwrap_or_default()));
        eprintln!("{text}");
        fs::write(folder.join(format!("{key}.md")), text).map_err(|e| format!("{key}: {e}"))?;
    }
    let mut page = head();
    for (key, title, _) in SECTIONS {
        let text =
            fs::read_to_string(folder.join(format!("{key}.md"))).unwrap_or_else(|_| "Not measured yet.\n".into());
        page.push_str(&format!("\n## {title}\n\n{}\n", text.trim_end()));
        if let Some(bound) = bound(key) {
            page.push_str(&format!("\n{bound}\n"));
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/performance.md");
    fs::write(path, page).map_err(|e| format!("{path}: {e}"))
}

fn head() -> String {
    let version = |program: &str, args: &[&str]| first_line(program, args).unwrap_or_else(|| "not there".to_owned());
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|l| l.strip_prefix("model name")?.split_once(": ")).map_or("unknown", |(_, m)| m);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory =
        memory.lines().find_map(|l| l.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let rows = [
        ("processor", format!("{model}, {cores} cores")),
        ("memory", format!("{:.0} GiB", memory.unwrap_or_default() / 1024.0 / 1024.0)),
        ("system", version("uname", &["-srm"])),
        ("compiler", version("rustc", &["--version"])),
        ("dcrspec", env!("CARGO_PKG_VERSION").to_owned()),
        ("wrk", version("wrk", &["-v"]).chars().take_while(|c| *c != '[').collect::<String>().trim().to_owned()),
        ("schemathesis", VERSION.to_owned()),
        (
            "cargo-fuzz",
            format!(
                "{}, {}",
                super::cargo_fuzz::installed().unwrap_or_else(|| "not there".to_owned()),
                version("rustc", &["+nightly", "--version"])
            ),
        ),
        ("valgrind", version("valgrind", &["--version"])),
    ];
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(what, which)| vec![what.to_owned(), which]).collect();
    format!(
        "# Performance\n\nMade by `cargo bench --bench figures` on {today}; not written by hand, but for the paragraphs on what bounds a \
         figure. It takes {}wrk, valgrind, Python with venv, and cargo-fuzz with nightly Rust; a section whose tool is missing says so. \
         `-- judge loopback` measures these sections alone and takes the others from the last time. What stands beside each other \
         was measured in turns, round by round; a figure is the median, with the lowest and the highest behind it, and a ratio is the \
         median of the rounds' ratios.\n\n{}",
        "three quarters of an hour, ",
        super::rounds::table(&["machine and versions", ""], &rows)
    )
}
