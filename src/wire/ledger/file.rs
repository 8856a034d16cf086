//! The file under a ledger: opened for appending and for its owner alone, shared by runs, and read whatever ended them.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use super::event::{Event, Line, LineRef};

/// How every line starts. In a JSON string the quotes would be escaped, so it stands nowhere else.
const START: &str = "{\"at\":";

/// An open ledger file. While it is held, no clean-up takes the clients of a run away from under it.
pub(super) struct LedgerFile {
    path: PathBuf,
    file: File,
    /// The file may end in the middle of a line.
    torn: bool,
}

/// Who else may hold the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// Other runs.
    Shared,
    /// Nobody.
    Alone,
}

/// What becomes of a file in which nothing is open.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Remove,
    /// Left in its place, for whoever comes back to it.
    Empty,
}

impl LedgerFile {
    /// Opens the file, makes it where it is not, and hands over what it holds, line by line.
    ///
    /// # Errors
    ///
    /// It cannot be opened or kept from other users, somebody else holds it, or a line of it is damaged.
    pub(super) fn open(path: &Path, hold: Hold, each: impl FnMut(Line)) -> Result<LedgerFile, String> {
        let name = path.display();
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // A run that finds nothing left in the file removes it: then the next one is opened.
        let file = loop {
            let file = options.open(path).map_err(|e| format!("the ledger {name} cannot be written: {e}"))?;
            lock(&file, path, hold)?;
            if is_at(&file, path) {
                break file;
            }
        };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let metadata = file.metadata().map_err(|e| format!("the ledger {name}: {e}"))?;
            // A file from elsewhere may be open to all. Devices keep their mode: /dev/null has to.
            if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
                file.set_permissions(std::fs::Permissions::from_mode(0o600))
                    .map_err(|e| format!("the ledger {name} cannot be kept from other users: {e}"))?;
            }
        }
        // A device, such as /dev/null, is written to and never read.
        let torn = if path.is_file() { read(path, each)? } else { false };
        Ok(LedgerFile { path: path.to_owned(), file, torn })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds one line.
    ///
    /// # Errors
    ///
    /// The disk is full, say. The sentence names the file.
    pub(super) fn append(&mut self, event: &Event) -> Result<(), String> {
        let at = jiff::Timestamp::now().to_string();
        let line = serde_json::to_string(&LineRef { at: &at, event }).map_err(|e| e.to_string())?;
        let lead = if self.torn { "\n" } else { "" };
        // One call, so that another process that appends to the same file does not come in between.
        let written = self.file.write_all(format!("{lead}{line}\n").as_bytes()).and_then(|()| self.file.flush());
        // Part of it may be there.
        self.torn = written.is_err();
        written.map_err(|e| format!("the ledger {} cannot be written: {e}", self.path.display()))
    }

    /// Hands over every line, those of other runs included.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or a line of it is damaged.
    pub(super) fn each_line(&self, each: impl FnMut(Line)) -> Result<(), String> {
        read(&self.path, each).map(|_| ())
    }

    /// Ends the file if no other run holds it, and then `clean` says so of its lines. Gives the file back where it stays, and says
    /// whether it was ended.
    pub(super) fn end_if(
        mut self,
        end: End,
        clean: impl FnOnce(&LedgerFile) -> Result<bool, String>,
    ) -> (Option<LedgerFile>, Result<bool, String>) {
        if !self.path.is_file() || !is_at(&self.file, &self.path) {
            return (Some(self), Ok(false));
        }
        if !self.is_held_alone() {
            return (Some(self), Ok(false));
        }
        let ended = match clean(&self) {
            Ok(true) => self.end(end).map(|()| true),
            other => other,
        };
        let gone = end == End::Remove && ended == Ok(true);
        ((!gone).then_some(self), ended)
    }

    /// Whether no other run holds the file; then none can come to hold it either.
    #[cfg(unix)]
    fn is_held_alone(&self) -> bool {
        let _ = self.file.unlock();
        if matches!(self.file.try_lock(), Err(std::fs::TryLockError::WouldBlock)) {
            let _ = self.file.try_lock_shared();
            return false;
        }
        true
    }

    #[cfg(not(unix))]
    fn is_held_alone(&self) -> bool {
        true
    }

    fn end(&mut self, end: End) -> Result<(), String> {
        let name = self.path.display();
        match end {
            End::Remove => {
                std::fs::remove_file(&self.path).map_err(|e| format!("the ledger {name} cannot be removed: {e}"))
            }
            End::Empty => {
                self.file.set_len(0).map_err(|e| format!("the ledger {name} cannot be emptied: {e}"))?;
                self.torn = false;
                self.append(&Event::Done)
            }
        }
    }
}

/// Advisory locks, and those of Unix alone: elsewhere a shared lock would keep its own holder from writing. A file
/// system without locks is no reason not to test.
#[cfg(unix)]
fn lock(file: &File, path: &Path, hold: Hold) -> Result<(), String> {
    use std::fs::TryLockError::WouldBlock;
    if !path.is_file() {
        return Ok(());
    }
    let name = path.display();
    match hold {
        Hold::Shared if matches!(file.try_lock_shared(), Err(WouldBlock)) => {
            Err(format!("a clean-up is working on the ledger {name}: wait for its end, or name another file"))
        }
        Hold::Alone if matches!(file.try_lock(), Err(WouldBlock)) => Err(format!(
            "the ledger {name} is in use, and a clean-up would take that run's clients away: wait for its end, or end it with Ctrl-C"
        )),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn lock(_: &File, _: &Path, _: Hold) -> Result<(), String> {
    Ok(())
}

/// Whether the path still leads to the open file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(here), Ok(there)) => (here.dev(), here.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Hands over the lines of a file, one at a time however large it is, and says whether its last one has no end. A line that was cut
/// short, by the end of a run or a full disk, is passed over, and the one that another run wrote right behind it is read.
fn read(path: &Path, mut each: impl FnMut(Line)) -> Result<bool, String> {
    let cannot = |e: std::io::Error| format!("the ledger {} cannot be read: {e}", path.display());
    let mut file = BufReader::new(File::open(path).map_err(cannot)?);
    let (mut line, mut number, mut torn) = (Vec::new(), 0, false);
    while file.read_until(b'\n', &mut line).map_err(cannot)? > 0 {
        number += 1;
        torn = !line.ends_with(b"\n");
        if let Some(line) = parse(path, number, line.trim_ascii())? {
            each(line);
        }
        line.clear();
    }
    Ok(torn)
}

fn parse(path: &Path, number: usize, text: &[u8]) -> Result<Option<Line>, String> {
    let why = match serde_json::from_slice::<Line>(text) {
        Ok(line) => return Ok(Some(line)),
        Err(_) if text.is_empty() => return Ok(None),
        Err(why) => why,
    };
    let starts = text.windows(START.len()).enumerate().skip(1).filter(|(_, w)| *w == START.as_bytes());
    let behind = starts.filter_map(|(at, _)| serde_json::from_slice::<Line>(&text[at..]).ok()).next();
    // The beginning of a line and no more; one with an end is damaged in another way.
    if behind.is_some() || why.is_eof() && !text.ends_with(b"}") {
        return Ok(behind);
    }
    // The line is not shown: it may hold a token.
    Err(format!(
        "the ledger {} is damaged: line {number} cannot be read ({:?} error); what stands before and after it is still good, so take that line out and repeat",
        path.display(),
        why.classify()
    ))
}
