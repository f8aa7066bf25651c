//! Many small files, and whether two trees hold the same.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Result, ensure};
use surecopy_testkit::Random;

use crate::tool;

/// Files in each folder of a tree.
const IN_FOLDER: usize = 50;

/// The name of a file beneath its tree.
pub(crate) fn name(number: usize) -> PathBuf {
    Path::new(&format!("folder-{}", number / IN_FOLDER)).join(format!("file-{number}"))
}

/// Writes a file of a time long ago, so that it is seen when a time is not kept.
pub(crate) fn write_old(path: &Path, content: &[u8]) -> Result<()> {
    fs::write(path, content)?;
    set_time(path, 1_500_000_000)
}

/// Gives a file a time of modification, in seconds since 1970.
pub(crate) fn set_time(path: &Path, seconds: u64) -> Result<()> {
    let time = SystemTime::UNIX_EPOCH + Duration::new(seconds, 123_456_789);
    File::options().write(true).open(path)?.set_modified(time)?;
    Ok(())
}

/// Makes so many files of different content, of about this size, in a new folder.
pub(crate) fn make(top: &Path, files: usize, bytes: usize) -> Result<()> {
    fs::create_dir(top)?;
    let mut random = Random::new(44);
    for number in 0..files {
        let path = top.join(name(number));
        if number.is_multiple_of(IN_FOLDER) {
            fs::create_dir(top.join(format!("folder-{}", number / IN_FOLDER)))?;
        }
        write_old(&path, &random.bytes(bytes + number % 97))?;
    }
    Ok(())
}

/// Fails unless rsync, which reads all of both, finds no difference. What the folder is, such as its
/// time, is no difference when it was changed by hand.
pub(crate) fn ensure_alike(left: &Path, right: &Path) -> Result<()> {
    let with_slash = |path: &Path| format!("{}/", path.display());
    let args = ["-aHAXn", "--omit-dir-times", "--delete", "--checksum", "-i"];
    let paths = [with_slash(left), with_slash(right)];
    let differences =
        tool::run("rsync", args.iter().copied().chain(paths.iter().map(String::as_str)))?;
    let first: Vec<&str> = differences.lines().take(10).collect();
    ensure!(first.is_empty(), "rsync finds:\n{}", first.join("\n"));
    Ok(())
}
