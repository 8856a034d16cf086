//! What the integration tests share: the real binary in a scrubbed environment, and servers that end with their test.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// Far above what anything here takes; only a hang reaches it.
const AMPLE: Duration = Duration::from_secs(120);

/// A folder of its own for one test, gone with it.
pub struct Home(tempfile::TempDir);

impl Home {
    pub fn new() -> Home {
        Home(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A file in the folder, written.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The ledgers that runs with this home have left, in the place where the binary keeps them by default.
    pub fn ledgers(&self) -> Vec<PathBuf> {
        match std::fs::read_dir(self.path().join("state/dcrspec")) {
            Ok(entries) => entries.map(|e| e.unwrap().path()).collect(),
            Err(_) => Vec::new(),
        }
    }

    /// The binary, with this folder as its home and nothing of the environment but the search path.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dcrspec"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("XDG_STATE_HOME", self.path().join("state"))
            .env("TERM", "dumb")
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ran {
        finish(self.command(args))
    }
}

/// Runs the binary in a home of its own.
pub fn dcrspec(args: &[&str]) -> Ran {
    Home::new().run(args)
}

/// How a run of the binary ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Ran {
    /// The exit code, after a look for what no run may ever say.
    #[track_caller]
    pub fn code(&self) -> i32 {
        assert!(!self.stderr.contains("panicked"), "a panic:\n{}", self.stderr);
        self.code.unwrap_or_else(|| panic!("ended by a signal:\n{}", self.stderr))
    }

    #[track_caller]
    pub fn exits(&self, code: i32) -> &Ran {
        assert_eq!(self.code(), code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// stdout as the JSON document that it has to be, and nothing else.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("stdout is no JSON: {e}\n{}", self.stdout))
    }

    /// The message on stderr, in the form in which a snapshot shows it.
    pub fn said(&self) -> String {
        format!("exit {}\n{}", self.code(), self.stderr)
    }
}

/// Runs a command to its end, and kills it when it does not come to one.
pub fn finish(mut command: Command) -> Ran {
    let start = Instant::now();
    let mut child = Killed(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let stdout = drain(child.0.stdout.take().unwrap());
    let stderr = drain(child.0.stderr.take().unwrap());
    let read = |stream: mpsc::Receiver<Vec<u8>>| {
        let bytes = stream.recv_timeout(AMPLE).expect("the process does not end");
        String::from_utf8(bytes).expect("the output is UTF-8")
    };
    let (stdout, stderr) = (read(stdout), read(stderr));
    let code = child.0.wait().unwrap().code();
    Ran { code, stdout, stderr, took: start.elapsed() }
}

fn drain(mut stream: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if stream.read_to_end(&mut bytes).is_ok() {
            let _ = send.send(bytes);
        }
    });
    receive
}

/// A child that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A run of the binary that is still under way.
pub struct Running {
    child: Killed,
    stdout: mpsc::Receiver<Vec<u8>>,
    stderr: mpsc::Receiver<String>,
    said: String,
    start: Instant,
}

impl Running {
    pub fn start(mut command: Command) -> Running {
        let start = Instant::now();
        let mut child = Killed(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
        let stdout = drain(child.0.stdout.take().unwrap());
        let lines = BufReader::new(child.0.stderr.take().unwrap());
        let (send, stderr) = mpsc::channel();
        thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        Running { child, stdout, stderr, said: String::new(), start }
    }

    /// Sends a signal by its name: `INT`, `TERM`, `KILL`.
    pub fn signal(&self, name: &str) {
        let kill = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.child.0.id())).status().unwrap();
        assert!(kill.success());
    }

    /// Waits until a line with these words is on stderr.
    #[track_caller]
    pub fn says(&mut self, words: &str) {
        while !self.said.contains(words) {
            let line = self.stderr.recv_timeout(AMPLE);
            let line = line.unwrap_or_else(|_| panic!("{words:?} was never said, only:\n{}", self.said));
            self.said.push_str(&line);
            self.said.push('\n');
        }
    }

    /// How it ended.
    pub fn end(mut self) -> Ran {
        let stdout = self.stdout.recv_timeout(AMPLE).expect("the process ends");
        while let Ok(line) = self.stderr.recv_timeout(AMPLE) {
            self.said.push_str(&line);
            self.said.push('\n');
        }
        let code = self.child.0.wait().unwrap().code();
        Ran { code, stdout: String::from_utf8(stdout).unwrap(), stderr: self.said, took: self.start.elapsed() }
    }
}

/// The reference server over a socket, which holds one exchange until it is told to go on.
pub struct Gated {
    hosted: Hosted,
    pub server: dcrspec::server::ReferenceServer,
    reached: mpsc::Receiver<()>,
    go: tokio::sync::watch::Sender<bool>,
}

/// Where an exchange is held: nothing has happened yet, or all but the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    Before,
    After,
}

impl Gated {
    /// Holds the request that `n` others came before.
    pub fn start(n: usize, hold: Hold) -> Gated {
        use dcrspec::server::{ReferenceServer, ServerConfig};
        let (send, reached) = mpsc::channel();
        let (go, gone) = tokio::sync::watch::channel(false);
        let count = Arc::new(AtomicUsize::new(0));
        let mut server = None;
        let hosted = Hosted::start(|origin| {
            let reference = ReferenceServer::new(ServerConfig::open(origin));
            server = Some(reference.clone());
            let gate = move |request: axum::extract::Request, next: axum::middleware::Next| {
                let (send, mut gone) = (send.clone(), gone.clone());
                let held = count.fetch_add(1, Ordering::SeqCst) == n;
                async move {
                    let mut wait = async || {
                        if held {
                            let _ = send.send(());
                            let _ = gone.wait_for(|go| *go).await;
                        }
                    };
                    if hold == Hold::Before {
                        wait().await;
                        next.run(request).await
                    } else {
                        let response = next.run(request).await;
                        wait().await;
                        response
                    }
                }
            };
            reference.router().layer(axum::middleware::from_fn(gate))
        });
        Gated { hosted, server: server.unwrap(), reached, go }
    }

    pub fn endpoint(&self) -> String {
        format!("{}/register", self.hosted.origin())
    }

    /// Waits for the request that is held.
    #[track_caller]
    pub fn reached(&self) {
        self.reached.recv_timeout(AMPLE).expect("the run comes as far as that");
    }

    /// Lets it go on.
    pub fn go(&self) {
        self.go.send_replace(true);
    }
}

/// `dcrspec serve` in a process of its own.
pub struct Served {
    _child: Killed,
    /// What it printed, until it listened.
    pub lines: Vec<String>,
}

impl Served {
    /// Starts it and reads the lines that it prints once it listens: two, and with a token three.
    pub fn start(home: &Home, args: &[&str]) -> Served {
        let wanted = if ["--initial-access-token", "--like"].iter().any(|a| args.contains(a)) { 3 } else { 2 };
        let mut command = home.command(std::iter::once(&"serve").chain(args));
        let mut child = Killed(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
        let stdout = BufReader::new(child.0.stdout.take().unwrap());
        let (send, receive) = mpsc::channel();
        thread::spawn(move || {
            // The reader lives on, so that the server never writes into a closed pipe.
            for line in stdout.lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        let lines = (0..wanted).map(|_| receive.recv_timeout(AMPLE).expect("the server says where it listens"));
        Served { lines: lines.collect(), _child: child }
    }

    #[track_caller]
    pub fn value(&self, name: &str) -> &str {
        let found = self.lines.iter().find_map(|l| l.strip_prefix(name)?.strip_prefix('='));
        found.unwrap_or_else(|| panic!("no {name}= in {:?}", self.lines))
    }

    pub fn endpoint(&self) -> &str {
        self.value("REGISTRATION_ENDPOINT")
    }
}

/// A request as a canned server read it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// How many requests came before it.
    pub number: usize,
    pub method: String,
    pub path: String,
    pub head: String,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn is_post(&self) -> bool {
        self.method == "POST"
    }
}

/// A server that writes whatever bytes a closure wants, one thread a connection, one request each.
pub struct Canned {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
    acceptor: Option<thread::JoinHandle<()>>,
}

impl Canned {
    pub fn start(answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> Canned {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let count = Arc::new(AtomicUsize::new(0));
        let answer = Arc::new(answer);
        let (stopped, counter) = (stop.clone(), count.clone());
        let acceptor = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let (answer, counter) = (answer.clone(), counter.clone());
                thread::spawn(move || converse(stream, &counter, &*answer));
            }
        });
        Canned { address, stop, count, acceptor: Some(acceptor) }
    }

    /// A server that answers POST with these bytes, and everything else with 404.
    pub fn posts(reply: impl Into<Vec<u8>>) -> Canned {
        let reply = reply.into();
        Canned::start(move |asked, stream| {
            let _ = if asked.is_post() { stream.write_all(&reply) } else { stream.write_all(&not_found()) };
        })
    }

    /// A URL for the registration endpoint.
    pub fn url(&self) -> String {
        format!("http://{}/register", self.address)
    }

    /// How many requests were read.
    pub fn requests(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn converse(mut stream: TcpStream, count: &AtomicUsize, answer: &dyn Fn(&Asked, &mut TcpStream)) {
    let Some(asked) = read_request(&mut stream, count) else { return };
    answer(&asked, &mut stream);
    // Closing with unread bytes would reset the connection, and the answer could be lost on the way.
    let _ = stream.shutdown(Shutdown::Write);
    until_gone(&mut stream);
}

/// Reads on until the client closes.
pub fn until_gone(stream: &mut TcpStream) {
    let _ = std::io::copy(stream, &mut std::io::sink());
}

fn read_request(stream: &mut TcpStream, count: &AtomicUsize) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let mut words = head.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    Some(Asked { number: count.fetch_add(1, Ordering::SeqCst), method, path, head, body })
}

/// The bytes of a response with a length.
pub fn response(status: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut bytes = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len()).into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

pub fn json_response(status: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    response(status, &[("content-type", "application/json"), ("cache-control", "no-store")], body)
}

pub fn not_found() -> Vec<u8> {
    response("404 Not Found", &[], "")
}

/// An axum router on a free loopback port, in a thread of its own.
pub struct Hosted {
    pub address: SocketAddr,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Hosted {
    /// `router` is given the origin under which it will be reached.
    pub fn start(router: impl FnOnce(&str) -> axum::Router) -> Hosted {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let router = router(&format!("http://{address}"));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    served = axum::serve(listener, router).into_future() => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Hosted { address, stop: Some(stop), thread: Some(thread) }
    }

    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Sends one request over a connection of its own; status and body.
pub fn fetch(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let url = url::Url::parse(url).unwrap();
    let address = (url.host_str().unwrap(), url.port().unwrap());
    let mut stream = TcpStream::connect(address).unwrap();
    let mut request = format!(
        "{method} {} HTTP/1.1\r\nhost: {}:{}\r\nconnection: close\r\ncontent-length: {}\r\n",
        url.path(),
        address.0,
        address.1,
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{request}\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// The verdicts of a report, by requirement.
pub fn verdicts(report: &Value) -> std::collections::BTreeMap<String, String> {
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let rows = report["requirements"].as_array().unwrap();
    rows.iter().map(|r| (text(&r["id"]), text(&r["verdict"]))).collect()
}

/// The requirements with a verdict, in catalogue order; only those of a level when one is given.
pub fn with_verdict(report: &Value, verdict: &str, level: Option<&str>) -> Vec<String> {
    let rows = report["requirements"].as_array().unwrap();
    rows.iter()
        .filter(|r| r["verdict"] == verdict && level.is_none_or(|l| r["level"] == l))
        .map(|r| r["id"].as_str().unwrap().to_owned())
        .collect()
}

/// The faults of a report by `schemas/report.schema.json`.
pub fn schema_faults(report: &Value) -> Vec<String> {
    let schema = include_str!("../../schemas/report.schema.json");
    let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    validator.iter_errors(report).map(|e| format!("{}: {e}", e.instance_path())).collect()
}
