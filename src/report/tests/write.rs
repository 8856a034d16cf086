use std::{fs, path::PathBuf};

use super::write_file;

/// An empty folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("dcrspec-write-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    folder
}

#[test]
fn folders_are_made_and_files_replaced() {
    let folder = folder("replace");
    let path = folder.join("a/b/report.json");
    write_file(&path, "one").unwrap();
    write_file(&path, "two").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "two");
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file is left");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn errors_name_the_path() {
    let folder = folder("errors");
    fs::create_dir_all(folder.join("taken.json")).unwrap();
    let error = write_file(&folder.join("taken.json"), "x").unwrap_err();
    assert!(error.contains("taken.json: it is a folder"), "{error}");
    write_file(&folder.join("file"), "x").unwrap();
    let error = write_file(&folder.join("file/report.json"), "x").unwrap_err();
    assert!(error.starts_with("cannot make the folder") && error.contains("file/report.json"), "{error}");
    assert!(write_file(std::path::Path::new(""), "x").is_err());
    fs::remove_dir_all(folder).unwrap();
}

#[cfg(unix)]
#[test]
fn a_link_keeps_pointing_and_a_device_is_written_to() {
    let folder = folder("link");
    let real = folder.join("real.json");
    write_file(&real, "old").unwrap();
    std::os::unix::fs::symlink(&real, folder.join("link.json")).unwrap();
    write_file(&folder.join("link.json"), "new").unwrap();
    assert_eq!(fs::read_to_string(&real).unwrap(), "new");
    assert!(fs::symlink_metadata(folder.join("link.json")).unwrap().is_symlink());
    write_file(std::path::Path::new("/dev/null"), "x").unwrap();
    fs::remove_dir_all(folder).unwrap();
}
