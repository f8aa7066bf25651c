//! A small copier that takes the words of surecopy that the lab uses, and says what it has done as surecopy
//! does. But for its design it does as it should: a partial file of its own beside the target, flushed, with
//! the times of the source, read back from the device, renamed, the directory flushed.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, FileTimes};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::design::Design;
use super::{index, undo};

/// The lab started with this word is a careless copier.
pub(crate) const WORD: &str = "--careless";

/// So much is read at once.
const CHUNK: usize = 256 << 10;

/// A copier at work.
pub(super) struct Copier {
    pub(super) design: Design,
}

/// Does what the words say: the design, then as to surecopy.
pub(crate) fn run(words: impl Iterator<Item = OsString>) -> Result<()> {
    let words: Vec<OsString> = words.collect();
    let (design, words) = words.split_first().context("a design")?;
    let design = Design::ALL.into_iter().find(|known| design == OsStr::new(&known.word()));
    let copier = Copier { design: design.context("no such design")? };
    match words {
        [first, ..] if first == "undo" => undo::run(),
        [first, .., source] if first == "prepare" => index::prepare(&copier, Path::new(source)),
        [first, .., source, target] if first == "copy" => {
            let (source, target) = (Path::new(source), Path::new(target));
            let is_same = copier.is(Design::ComparesPaths) && target.starts_with(source);
            ensure!(!is_same, "{} is in {}", target.display(), source.display());
            let found = index::look(&copier, source)?;
            for (path, size) in &found.files {
                copier.copy(&below(source, path), &below(target, path), *size)?;
            }
            // From the last to the first: those above change when those beneath are made.
            for (path, _) in found.directories.iter().rev() {
                let (from, to) = (below(source, path), below(target, path));
                fs::create_dir_all(&to)?;
                keep_times(&File::open(to)?, &fs::metadata(from)?)?;
            }
            println!("{}", json!({"type": "report", "outcome": "finished"}));
            Ok(())
        }
        _ => anyhow::bail!("no such words: {words:?}"),
    }
}

fn below(top: &Path, path: &Path) -> PathBuf {
    if path.as_os_str().is_empty() { top.to_owned() } else { top.join(path) }
}

impl Copier {
    fn is(&self, design: Design) -> bool {
        self.design == design
    }

    /// Copies one entry and says so.
    fn copy(&self, source: &Path, target: &Path, size: u64) -> Result<()> {
        let about = match fs::symlink_metadata(source) {
            // What has vanished meanwhile is no failure of the copy, one may think.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            about => about?,
        };
        let dir = target.parent().context("it stands in a directory")?;
        fs::create_dir_all(dir)?;
        if about.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(source)?, target)?;
            return Ok(());
        }
        let partial = self.partial_name(target)?;
        let mut options = File::options();
        options.read(true).write(true).mode(0o600);
        match self.is(Design::FixedNames) {
            true => options.create(true).truncate(true),
            false => options.create_new(true),
        };
        let mut file = options.open(&partial)?;
        self.fill(source, &mut file, size)?;
        file.set_permissions(about.permissions())?;
        if !self.is(Design::TimesAfterPublish) {
            keep_times(&file, &about)?;
        }
        self.flush(&file)?;
        self.verify(source, &partial)?;
        if self.is(Design::MovesTargetAway) && target.exists() {
            let backup = partial.with_extension("backup");
            fs::rename(target, &backup)?;
            fs::rename(&partial, target)?;
            fs::remove_file(&backup)?;
        } else {
            fs::rename(&partial, target)?;
        }
        if self.is(Design::TimesAfterPublish) {
            keep_times(&file, &about)?;
        }
        self.flush(&File::open(dir)?)?;
        let said = json!({
            "type": "item", "status": "ok", "kind": "file", "verified": true, "evidence": "device",
            "source": source.to_string_lossy(), "target": target.to_string_lossy(),
        });
        println!("{said}");
        Ok(())
    }

    fn partial_name(&self, target: &Path) -> Result<PathBuf> {
        let name = target.file_name().context("it has a name")?.to_string_lossy();
        let number = if self.is(Design::FixedNames) { 0 } else { std::process::id() };
        Ok(target.with_file_name(format!(".surecopy-{name}-{number}.partial")))
    }

    fn fill(&self, source: &Path, partial: &mut File, size: u64) -> Result<()> {
        let mut source = File::open(source)?;
        if self.is(Design::TrustsSize) {
            return copy_so_many(&mut source, partial, size);
        }
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = source.read(&mut chunk)?;
            if count == 0 {
                return Ok(());
            }
            partial.write_all(&chunk[..count])?;
        }
    }

    fn flush(&self, file: &File) -> io::Result<()> {
        if self.is(Design::NoFlush) { Ok(()) } else { file.sync_all() }
    }

    fn verify(&self, source: &Path, partial: &Path) -> Result<()> {
        let is_equal = match self.design {
            Design::ComparesFromMemory => fs::read(source)? == fs::read(partial)?,
            Design::ExplainsAway => {
                read_from_device(partial)
                    .is_ok_and(|read| fs::read(source).is_ok_and(|it| it == read))
                    || fs::read(source)? == fs::read(partial)?
            }
            // Times are all that the other designs are caught by, or names.
            _ => true,
        };
        ensure!(is_equal, "{} differs", partial.display());
        Ok(())
    }
}

fn keep_times(file: &File, about: &fs::Metadata) -> io::Result<()> {
    file.set_times(FileTimes::new().set_modified(about.modified()?).set_accessed(about.accessed()?))
}

/// Ends when so many bytes were copied, or when there are no more.
fn copy_so_many(source: &mut File, partial: &mut File, size: u64) -> Result<()> {
    let (mut copied, mut chunk) = (0, vec![0; CHUNK]);
    while copied < size {
        let most = usize::try_from(size - copied)?.min(CHUNK);
        let count = source.read(&mut chunk[..most])?;
        if count == 0 {
            break;
        }
        partial.write_all(&chunk[..count])?;
        copied += count as u64;
    }
    Ok(())
}

/// Past the cache, by a program that can.
fn read_from_device(path: &Path) -> Result<Vec<u8>> {
    let mut input = OsString::from("if=");
    input.push(path);
    let read = Command::new("dd")
        .arg(input)
        .args(["bs=1M", "iflag=direct", "status=none"])
        .output()
        .context("start dd")?;
    let length = usize::try_from(fs::metadata(path)?.size())?;
    ensure!(read.stdout.len() == length, "{}: {} bytes", path.display(), read.stdout.len());
    Ok(read.stdout)
}
