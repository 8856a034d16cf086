//! Commands of the user's: one that deletes a client, one that prints a token. No shell reads them.

use std::{
    io::Read,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use super::template::CLIENT_ID;

/// The longest that one command may take: some start a virtual machine of their own.
const LONGEST: Duration = Duration::from_secs(60);
/// Far above the length of any token.
const LONGEST_OUTPUT: u64 = 1 << 16;

/// Runs the command for a client, and takes exit code 0 for the deletion. What it prints on stderr is the user's to see;
/// its stdout would come between the reports.
pub async fn delete(command: &[String], client_id: &str) -> Result<(), String> {
    let command = arguments(command, client_id)?;
    let child = start(&command, |c| c.env("DCRSPEC_CLIENT_ID", client_id).stdout(Stdio::null()))?;
    finish(&command, child).await
}

/// Runs the command, and returns what it prints, without the white space around it.
pub async fn output(command: &[String]) -> Result<String, String> {
    let mut child = start(command, |c| c.stdout(Stdio::piped()))?;
    let stdout = child.stdout.take();
    // Beside the waiting, so that a command which prints more than a pipe holds comes to its end.
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let Some(mut stdout) = stdout else { return };
        let mut bytes = Vec::new();
        let read = stdout.by_ref().take(LONGEST_OUTPUT).read_to_end(&mut bytes);
        // A token is shorter; whatever follows is taken, so that the command is not ended for it.
        let _ = std::io::copy(&mut stdout, &mut std::io::sink());
        let _ = send.send(read.map(|_| bytes));
    });
    finish(command, child).await?;
    let name = command.first().map_or("", String::as_str);
    // A process that the command has left behind may hold the pipe open.
    let bytes = match receive.recv_timeout(Duration::from_secs(5)) {
        Ok(Ok(bytes)) => bytes,
        _ => return Err(format!("the output of the command {name:?} cannot be read")),
    };
    let text = String::from_utf8(bytes).map_err(|_| format!("the command {name:?} prints what is not text"))?;
    Ok(text.trim().to_owned())
}

fn start(command: &[String], prepare: impl FnOnce(&mut Command) -> &mut Command) -> Result<Child, String> {
    let [program, arguments @ ..] = command else { return Err("the command is empty".into()) };
    prepare(Command::new(program).args(arguments).stdin(Stdio::null()))
        .spawn()
        .map_err(|e| format!("the command {program:?} cannot be started: {e}"))
}

async fn finish(command: &[String], mut child: Child) -> Result<(), String> {
    let program = command.first().map_or("", String::as_str);
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return ended(program, status),
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

fn ended(program: &str, status: ExitStatus) -> Result<(), String> {
    if status.success() { Ok(()) } else { Err(format!("the command {program:?} failed ({status})")) }
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
