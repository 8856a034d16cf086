//! The reference server as a process of its own, and other processes.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

/// The command that this package builds, optimised as this program is.
pub const DCRSPEC: &str = env!("CARGO_BIN_EXE_dcrspec");

/// `dcrspec serve` on a free port; it ends with this value.
pub struct Server {
    child: Child,
    pub endpoint: String,
}

impl Server {
    pub fn start(defect: Option<&str>) -> Result<Server, String> {
        let mut command = Command::new(DCRSPEC);
        command.args(["serve", "--port", "0"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        if let Some(id) = defect {
            command.args(["--defect", id]);
        }
        let mut child = command.spawn().map_err(|e| format!("dcrspec serve cannot be started: {e}"))?;
        let out = child.stdout.take().ok_or("no stdout")?;
        let mut lines = BufReader::new(out).lines().map_while(Result::ok);
        let endpoint = lines.find_map(|l| l.strip_prefix("REGISTRATION_ENDPOINT=").map(str::to_owned));
        match endpoint {
            Some(endpoint) => Ok(Server { child, endpoint }),
            None => Err(format!("dcrspec serve ended without a line: {:?}", child.wait())),
        }
    }

    pub fn origin(&self) -> &str {
        self.endpoint.trim_end_matches("/register")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a command prints, both streams; the error says why there is nothing.
pub fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|e| format!("{name}: {e}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

/// The first line that a command prints, such as its version.
pub fn first_line(program: &str, args: &[&str]) -> Option<String> {
    let text = output(Command::new(program).args(args)).ok()?;
    text.lines().map(str::trim).find(|l| !l.is_empty()).map(str::to_owned)
}

/// What a process that has ended had printed on stdout. For few lines alone: nobody reads while it runs.
pub fn output_of(child: Child) -> Result<String, String> {
    let output = child.wait_with_output().map_err(|e| e.to_string())?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
