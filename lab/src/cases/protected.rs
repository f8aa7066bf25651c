//! Destinations that must not be written and sources that must not be read.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::content::{ensure_same, write_random};
use crate::copier;
use crate::lab::Lab;
use crate::snapshot::{Snapshot, ensure_no_partials};
use crate::tool;
use crate::volume::{Fs, Volume};

const MIB: u64 = 1 << 20;

/// A user without any rights of their own.
const NOBODY: [&str; 4] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

/// A volume with a source and an old target.
fn stage(lab: &Lab) -> Result<Volume> {
    let volume = Volume::loopback(lab, Fs::Ext4, 256 * MIB)?;
    let (source, target) = (volume.dir("source")?, volume.dir("target")?);
    write_random(&source.join("file"), 300_000, 1)?;
    write_random(&target.join("file"), 200_000, 2)?;
    write_random(&target.join("other"), 10, 3)?;
    Ok(volume)
}

/// Sets attributes of a file or folder and takes them away again when dropped.
struct Attribute<'a> {
    path: &'a Path,
    letter: char,
}

impl<'a> Attribute<'a> {
    fn set(path: &'a Path, letter: char) -> Result<Self> {
        tool::run("chattr", [format!("+{letter}").as_ref(), path.as_os_str()])?;
        Ok(Self { path, letter })
    }
}

impl Drop for Attribute<'_> {
    fn drop(&mut self) {
        let letter = format!("-{}", self.letter);
        if let Err(error) = tool::run("chattr", [letter.as_ref(), self.path.as_os_str()]) {
            eprintln!("{error:#}");
        }
    }
}

/// Files and folders that even root may not change.
pub(crate) fn attributes(lab: &Lab) -> Result<String> {
    let mut figures = Vec::new();
    // What is protected, how, and which codes say so.
    let rows = [
        ("file", 'i', &["TARGET_READ_ONLY", "DESTINATION_DENIED"][..]),
        ("file", 'a', &["TARGET_READ_ONLY", "DESTINATION_DENIED"]),
        ("", 'i', &["DESTINATION_DENIED", "DESTINATION_READ_ONLY"]),
        ("", 'a', &["DESTINATION_DENIED", "DESTINATION_READ_ONLY"]),
    ];
    for (name, letter, codes) in rows {
        let volume = stage(lab)?;
        let target = volume.join("target");
        let is_folder = name.is_empty();
        let protected = if is_folder { target.clone() } else { target.join(name) };
        let before = Snapshot::take(&target)?;
        let copied = {
            let _attribute = Attribute::set(&protected, letter)?;
            let options = ["--retries", "0", "--replace-read-only"];
            let copied = lab.copy(&options, &volume.join("source"), &target)?;
            if !(is_folder && letter == 'a') {
                ensure_no_partials(&target)?;
                before.ensure_unchanged(&target)?;
            }
            copied
        };
        // In an append-only folder a partial file can be made and not be taken away again: what
        // counts is that the old target is whole and that it is said.
        ensure!(
            fs::read(target.join("file"))?.len() == 200_000,
            "{letter}: the old target is damaged"
        );
        let found = copied.codes();
        let is_clear = !found.is_empty() && found.iter().all(|code| codes.contains(code));
        ensure!(
            copied.status != 0 && is_clear,
            "+{letter} {name:?}: {found:?}, not {codes:?}: {}",
            copied.describe()
        );
        figures.push(format!("+{letter} {}: {}", protected.display(), found.join(" ")));
    }
    let short = |figure: &String| figure.rsplit('/').next().unwrap_or_default().to_owned();
    Ok(figures.iter().map(short).collect::<Vec<_>>().join("; "))
}

/// A volume that is mounted read-only.
pub(crate) fn read_only_mount(lab: &Lab) -> Result<String> {
    let volume = stage(lab)?;
    let target = volume.join("target");
    let before = Snapshot::take(&target)?;
    tool::run("mount", ["-o".as_ref(), "remount,ro".as_ref(), volume.path.as_os_str()])?;
    let copied = lab.copy(&[], &volume.join("source"), &target)?;
    copied.ensure_fails_with("DESTINATION_READ_ONLY")?;
    before.ensure_unchanged(&target)?;
    Ok(format!("exit status {}", copied.status))
}

/// A target without write permission is kept unless asked otherwise.
pub(crate) fn read_only_target(lab: &Lab) -> Result<String> {
    let volume = stage(lab)?;
    let (source, target) = (volume.join("source/file"), volume.join("target/file"));
    tool::run("chmod", ["0444".as_ref(), target.as_os_str()])?;
    let before = Snapshot::take(&volume.join("target"))?;
    lab.copy(&[], &source, &target)?.ensure_fails_with("TARGET_READ_ONLY")?;
    before.ensure_unchanged(&volume.join("target"))?;
    lab.copy(&["--replace-read-only"], &source, &target)?.ensure_ok()?;
    ensure_same(&source, &target)?;
    Ok(String::new())
}

/// What a user without rights is denied is said, and the rest is copied.
pub(crate) fn nobody(lab: &Lab) -> Result<String> {
    let volume = stage(lab)?;
    let (source, target) = (volume.join("source"), volume.join("target"));
    write_random(&source.join("secret"), 1000, 4)?;
    let script = r#"chmod 0711 "$1"; chmod 0755 "$2" "$2/source"; chmod 0600 "$2/source/secret"
        chown -R 65534:65534 "$3""#;
    let program = Path::new(&lab.program);
    let scratch = volume.path.parent().unwrap_or(program);
    tool::shell(script, [scratch, &volume.path, &target])?;
    // The program may lie where nobody may go.
    let reachable = volume.join("surecopy");
    let copy = r#"cp -- "$1" "$2"; chmod 0755 "$2""#;
    tool::shell(copy, [program, &reachable])?;

    let as_nobody = |source: &Path, target: &Path| {
        let mut command = std::process::Command::new(NOBODY[0]);
        command.args(&NOBODY[1..]).arg(&reachable).args(["copy", "--no-ledger", "--json", "-T"]);
        copier::isolate(&mut command);
        copier::finish(command.arg(source).arg(target))
    };
    let copied = as_nobody(&source, &target)?;
    copied.ensure_fails_with("SOURCE_UNREADABLE")?;
    ensure!(copied.status == 1, "exit status {}", copied.status);
    ensure_same(&source.join("file"), &target.join("file"))?;
    ensure!(!target.join("secret").exists(), "an unreadable file has a target");
    ensure_no_partials(&target)?;

    let closed = volume.dir("closed")?;
    write_random(&closed.join("file"), 10, 5)?;
    let before = Snapshot::take(&closed)?;
    as_nobody(&source.join("file"), &closed.join("file"))?
        .ensure_fails_with("DESTINATION_DENIED")?;
    as_nobody(&source.join("file"), &closed.join("new"))?
        .ensure_fails_with("DESTINATION_DENIED")?;
    before.ensure_unchanged(&closed)?;
    Ok(String::new())
}
