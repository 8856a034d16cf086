//! Reports on disk.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// Writes a report to a file, whole or not at all. Parent folders are made; the error is a sentence with the path.
///
/// The text goes to a temporary file beside it, which then takes its name: a reader, or a run that is killed, never
/// sees half a report. A link is followed. What is no regular file (`/dev/stderr`, a pipe) is written to directly.
pub fn write_file(path: &Path, text: &str) -> Result<(), String> {
    let failed = |e: io::Error| format!("cannot write {}: {e}", path.display());
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::create_dir_all(folder)
            .map_err(|e| format!("cannot make the folder {} for {}: {e}", folder.display(), path.display()))?;
    }
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => Err(format!("cannot write {}: it is a folder", path.display())),
        Ok(there) if !there.is_file() => fs::write(path, text).map_err(failed),
        Ok(_) => replace(&fs::canonicalize(path).map_err(failed)?, text).map_err(failed),
        Err(_) => replace(path, text).map_err(failed),
    }
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let temporary = beside(path)?;
    let written = fs::File::create_new(&temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // Best effort: the error that is reported is the one of the writing.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// A name in the same folder, so that the rename stays within one file system; unique in this process and among them.
fn beside(path: &Path) -> io::Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it names no file"))?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}-{}.tmp", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    Ok(path.with_file_name(temporary))
}
