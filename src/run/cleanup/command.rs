//! The command that deletes one client.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::template::CLIENT_ID;

/// The longest that one command may take: some start a virtual machine of their own.
const LONGEST: Duration = Duration::from_secs(60);

/// Runs it, and takes exit code 0 for the deletion. What it prints on stderr is the user's to see; its stdout would
/// come between the reports.
pub async fn run(command: &[String], client_id: &str) -> Result<(), String> {
    let arguments = arguments(command, client_id)?;
    let [program, arguments @ ..] = arguments.as_slice() else { return Err("the command is empty".into()) };
    let mut child = Command::new(program)
        .args(arguments)
        .env("DCRSPEC_CLIENT_ID", client_id)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .map_err(|e| format!("the command {program:?} cannot be started: {e}"))?;
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("the command {program:?} failed ({status})")),
            Ok(None) if start.elapsed() < LONGEST => tokio::time::sleep(Duration::from_millis(10)).await,
            Ok(None) => {
                // It may end on its own meanwhile; then there is nothing to kill.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("the command {program:?} took longer than {} s and was ended", LONGEST.as_secs()));
            }
            Err(e) => return Err(format!("the command {program:?} cannot be waited for: {e}")),
        }
    }
}

/// The command with the client in it. The server chose that text, so it must not become an option of the program.
fn arguments(command: &[String], client_id: &str) -> Result<Vec<String>, String> {
    let fill = |word: &String| {
        if word.starts_with(CLIENT_ID) && client_id.starts_with('-') {
            return Err(
                "the client_id begins with a dash, which the command could take for an option: delete it by hand, \
                        or let the command read DCRSPEC_CLIENT_ID"
                    .to_owned(),
            );
        }
        Ok(word.replace(CLIENT_ID, client_id))
    };
    command.iter().map(fill).collect()
}
