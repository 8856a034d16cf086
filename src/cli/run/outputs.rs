//! The reports of a run, and where they go.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
};

use crate::{
    cli::{Stop, colored, config::InForce, print, stderr_is_terminal, usage},
    report::{self, Exit, Report, Style},
    spec::Catalogue,
};

/// Where reports go.
pub struct Outputs {
    json: Option<PathBuf>,
    junit: Option<PathBuf>,
}

impl Outputs {
    /// Checks, before anything is sent, that the reports can go where the settings ask for them.
    pub fn new(force: &InForce) -> Result<Outputs, Stop> {
        Outputs::to(force.settings.json.clone(), force.settings.junit.clone())
    }

    /// Checks that the reports can go to these files; `-` is stdout.
    pub fn to(json: Option<PathBuf>, junit: Option<PathBuf>) -> Result<Outputs, Stop> {
        let outputs = Outputs { json, junit };
        let files: Vec<&PathBuf> = [&outputs.json, &outputs.junit].into_iter().flatten().collect();
        if files.iter().filter(|f| is_stdout(f)).count() > 1 {
            return Err(usage("only one report can go to stdout (-)"));
        }
        for file in files {
            if file.is_dir() {
                return Err(usage(format!("{} is a folder; name a file for the report", file.display())));
            }
        }
        Ok(outputs)
    }

    /// Writes what was asked for. The text report goes to stdout unless another one does.
    pub fn write(&self, report: &Report, verbose: bool) -> Result<(), Stop> {
        self.write_with(report, |color| {
            let style = Style { color, width: 100, verbose };
            report::terminal(report, style, Catalogue::known())
        })
    }

    /// The same with a text of one's own, given whether it may have colours.
    pub fn write_with(&self, report: &Report, text: impl FnOnce(bool) -> String) -> Result<(), Stop> {
        let files = [(&self.json, report::json as fn(&Report) -> String), (&self.junit, report::junit)];
        let taken = files.iter().any(|(f, _)| f.as_deref().is_some_and(is_stdout));
        let terminal = if taken { stderr_is_terminal() } else { std::io::stdout().is_terminal() };
        let text = text(colored(terminal));
        if taken {
            eprint!("{text}");
        } else {
            print(&text);
        }
        let mut failures = Vec::new();
        for (file, render) in files {
            let Some(file) = file else { continue };
            if is_stdout(file) {
                print(&render(report));
            } else if let Err(why) = report::write_file(file, &render(report)) {
                failures.push(why);
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(Stop { exit: Exit::Usage, message: failures.join("; ") }) }
    }
}

fn is_stdout(path: impl AsRef<Path>) -> bool {
    path.as_ref().as_os_str() == "-"
}
