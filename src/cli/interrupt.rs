//! Ctrl-C: the first ends a run in good order, the second at once.

use std::{path::PathBuf, sync::mpsc, thread};

use super::{Stop, usage};
use crate::{
    report::{Exit, text::harmless},
    run,
};

/// From now on an interrupt (SIGINT, SIGTERM) makes `stop` a request, and a further one ends the process at once, with
/// the lines that finish the clean-up of what is in the ledgers.
///
/// The signals are waited for in a thread of their own, so that a run that is busy does not keep them waiting.
///
/// # Errors
///
/// The system has no thread or no signal handler to give.
pub fn watch(stop: run::Stop, ledgers: impl IntoIterator<Item = PathBuf>) -> Result<(), Stop> {
    let ledgers: Vec<PathBuf> = ledgers.into_iter().collect();
    let cannot = |e: &dyn std::fmt::Display| usage(format!("Ctrl-C cannot be watched for: {e}"));
    let (ready, listening) = mpsc::channel();
    let watcher = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(e) => return drop(ready.send(Err(e))),
        };
        runtime.block_on(async {
            let mut signals = match Signals::new() {
                Ok(signals) => signals,
                Err(e) => return drop(ready.send(Err(e))),
            };
            let _ = ready.send(Ok(()));
            signals.next().await;
            stop.request();
            eprintln!(
                "\ndcrspec: interrupted: what is under way is finished, and what was registered is deleted; once more stops at once"
            );
            signals.next().await;
            if ledgers.is_empty() {
                eprintln!("\ndcrspec: stopped");
            }
            for path in &ledgers {
                eprintln!(
                    "\ndcrspec: stopped; clients may stay behind, and this deletes them: dcrspec cleanup {}",
                    harmless(&path.display().to_string())
                );
            }
            std::process::exit(i32::from(Exit::Interrupted.code()));
        });
    };
    thread::Builder::new().name("interrupts".into()).spawn(watcher).map_err(|e| cannot(&e))?;
    listening.recv().map_err(|e| cannot(&e))?.map_err(|e| cannot(&e))
}

/// The signals that ask a process to end.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> std::io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    #[cfg(not(unix))]
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {})
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler the default of the signal ends the process all the same.
            std::future::pending::<()>().await;
        }
    }
}
