//! Steps that fail which give a copy its owner, permissions, attributes and times.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use surecopy_testkit::Random;

use crate::child::Running;
use crate::copier::{self, Copied};
use crate::lab::Lab;
use crate::recorded::Recorded;
use crate::snapshot::ensure_no_partials;
use crate::tool;
use crate::tree;
use crate::volume::{Fs, Volume};

/// Each step, and what is lost when it fails.
const STEPS: [(&str, &str); 4] = [
    ("fchown", "owner"),
    ("fchmod", "permissions"),
    ("fsetxattr", "xattrs"),
    ("utimensat", "timestamps"),
];

/// The file arrives whole, what is missing is said, and the exit status tells apart what failed from what cannot
/// be kept there, or by that user.
pub(crate) fn fail(lab: &Lab) -> Result<String> {
    let scene = Scene::new(lab)?;
    for (call, loss) in STEPS {
        let copied = scene.copy_failing(call, "EIO").with_context(|| call.to_owned())?;
        ensure_told(&copied, 7, loss, true).with_context(|| format!("{call} fails"))?;
    }
    // The volume says that it has no such thing.
    let copied = scene.copy_failing("fsetxattr", "EOPNOTSUPP")?;
    ensure_told(&copied, 0, "xattrs", false).context("no attributes")?;
    // Root may give a file to anybody, so this is no fault of the user's; others may not, and are told.
    let copied = scene.copy_failing("fchown", "EPERM")?;
    ensure_told(&copied, 7, "owner", true).context("root may not")?;
    let copied = scene.copy_as_nobody()?;
    ensure_told(&copied, 0, "owner", false).context("nobody may not")?;
    scene.control()?;
    Ok(format!("{} steps", STEPS.len()))
}

/// That something is lacking is known of a recorded job, whatever is done with it, until that is tried again.
pub(crate) fn stay_told(lab: &Lab) -> Result<String> {
    let volume = Volume::loopback(lab, Fs::Ext4, 512 << 20)?;
    let recorded = Recorded::new(lab)?;
    let source = volume.join("source");
    tree::make(&source, FILES, 3_000)?;
    let script = r#"cd "$1"; chown -R 1234:4321 .; setfattr -n user.mark -v kept folder-0/file-7; ln folder-0/file-7 further"#;
    tool::shell(script, [&source])?;
    for (job, call) in ["fsetxattr", "fchown"].into_iter().enumerate() {
        // Of one file, and of everything that is copied.
        let (job, items) = (job as u64 + 1, if call == "fsetxattr" { 1 } else { FILES as u64 });
        let (target, log) = (volume.join(call), lab.new_path("log"));
        let path = log.to_str().context("the lab's paths are text")?;
        let inject = format!("inject={call}:error=EIO");
        let under = recorded.under(&["strace", "-f", "-qq", "-o", path, "-e", &inject]);
        let copied = under.copy(&["-a"], &source, &target)?;
        ensure!(fs::read_to_string(&log)?.contains("(INJECTED)"), "{call} was not met");
        ensure!(copied.status == 7, "{call}: {}", copied.describe());
        let number = job.to_string();
        let lacking = || -> Result<(u64, u64)> {
            let state = recorded.status(job)?;
            let count = |found: &Value| found.as_u64().context("it is counted");
            Ok((count(&state["items"]["incomplete"])?, count(&state["directories_incomplete"])?))
        };
        let folders = if call == "fsetxattr" { 0 } else { 3 };
        ensure!(lacking()? == (items, folders), "{call}: {:?} are lacking something", lacking()?);
        let followed = recorded.run(&["status", &number, "--follow", "--json"])?;
        ensure!(followed.status == 7, "status --follow: {}", followed.describe());
        let resumed = recorded.run(&["resume", &number, "--json"])?;
        ensure!(resumed.status == 7, "resume: {}", resumed.describe());
        let planned = &resumed.report()?["planned"];
        ensure!(planned["items"] == 0 && planned["kept_incomplete"] == items, "{planned}");
        // It has come back to all directories.
        ensure!(lacking()? == (items, 0), "{call}: {:?} after resume", lacking()?);
        ensure!(recorded.status(job)?["next"] == format!("surecopy retry {job}"));
        recorded.run(&["retry", &number, "--json"])?.ensure_ok().context("retry")?;
        ensure!(lacking()? == (0, 0), "{call}: {:?} after retry", lacking()?);
        recorded.run(&["resume", &number, "--json"])?.ensure_ok().context("resume again")?;
        recorded.ensure_sound(job)?;
        tree::ensure_alike(&source, &target)?;
        ensure_no_partials(&target)?;
    }
    Ok("an attribute of a file with two names, and all owners".to_owned())
}

/// How many files a recorded job has, and one that is another name.
const FILES: usize = 60;

/// Fails unless the copy ended with this status, and says this one loss of its item, and whether a step has failed.
fn ensure_told(copied: &Copied, status: i32, loss: &str, is_failure: bool) -> Result<()> {
    let told = || copied.describe();
    ensure!(copied.status == status, "exit status {}: {}", copied.status, told());
    let item = copied.only_item()?;
    ensure!(item["status"] == "ok" && item["verified"] == true, "{item}");
    let warnings = item["metadata_warnings"].as_array().context("an item has warnings")?;
    ensure!(warnings.iter().any(|warning| warning["loss"] == loss), "{loss} is not told: {item}");
    let has_failed = warnings.iter().any(|warning| warning["failed"] == true);
    ensure!(has_failed == is_failure, "{item}");
    let report = copied.report()?;
    ensure!(report["metadata_incomplete"] == u64::from(is_failure), "{}", told());
    ensure!(report["outcome"] == "finished" && report["items"]["failed"] == 0, "{}", told());
    Ok(())
}

/// A file with an owner and an attribute of its own.
struct Scene<'a> {
    lab: &'a Lab,
    source: PathBuf,
    content: Vec<u8>,
    volume: Volume,
}

impl<'a> Scene<'a> {
    fn new(lab: &'a Lab) -> Result<Self> {
        let volume = Volume::loopback(lab, Fs::Ext4, 512 << 20)?;
        let source = volume.join("source");
        let content = Random::new(47).bytes(50_000);
        tree::write_old(&source, &content)?;
        let script =
            r#"chown 1234:1234 "$1" && chmod 644 "$1" && setfattr -n user.mark -v kept "$1""#;
        tool::shell(script, [&source])?;
        tree::set_time(&source, 1_500_000_000)?;
        Ok(Self { lab, source, content, volume })
    }

    fn target(&self) -> Result<PathBuf> {
        let target = self.volume.join("target");
        tool::shell(r#"rm -f -- "$1""#, [&target])?;
        Ok(target)
    }

    /// Copies with a call failing each time.
    fn copy_failing(&self, call: &str, error: &str) -> Result<Copied> {
        let (target, log) = (self.target()?, self.lab.new_path("log"));
        let path = log.to_str().context("the lab's paths are text")?;
        let inject = format!("inject={call}:error={error}");
        let wrapper = ["strace", "-f", "-qq", "-o", path, "-e", &inject];
        let options = ["-a", "--verify", "all"];
        let mut command = self.lab.copy_command_under(&wrapper, &options, &self.source, &target);
        let copied = copier::read(&Running::start(&mut command)?.output()?)?;
        ensure!(fs::read_to_string(&log)?.contains("(INJECTED)"), "{call} was not met");
        self.ensure_whole(&target)?;
        Ok(copied)
    }

    fn copy_as_nobody(&self) -> Result<Copied> {
        let top = self.volume.dir("nobody")?;
        // The program may lie where nobody may go.
        let program = self.volume.join("surecopy");
        let script = r#"chown 65534:65534 "$1"; chmod 0711 "$2"; chmod 0755 "$3"; cp -- "$4" "$5"; chmod 0755 "$5""#;
        let scratch = self.volume.path.parent().unwrap_or(&top);
        let paths = [&top, scratch, &self.volume.path, Path::new(&self.lab.program), &program];
        tool::shell(script, paths)?;
        let target = top.join("target");
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        command.args(["copy", "--no-ledger", "--json", "-a", "--verify", "all", "-T"]);
        copier::isolate(&mut command);
        let copied = copier::finish(command.arg(&self.source).arg(&target))?;
        ensure!(target.exists(), "nothing was copied: {}", copied.describe());
        self.ensure_whole(&target)?;
        Ok(copied)
    }

    fn ensure_whole(&self, target: &Path) -> Result<()> {
        ensure!(fs::read(target)? == self.content, "the content is not the source's");
        ensure_no_partials(&self.volume.path)
    }

    /// `cp -a`, which says nothing when an attribute cannot be kept: its status tells nothing apart.
    fn control(&self) -> Result<()> {
        let (target, log) = (self.target()?, self.lab.new_path("log"));
        let script = r#"strace -f -qq -o "$1" -e inject=fsetxattr:error=EIO:when=1 cp -a -- "$2" "$3"; getfattr -n user.mark "$3" || true"#;
        let paths = [&log, &self.source, &target];
        let attribute = tool::shell(script, paths).context("cp -a does not succeed")?;
        ensure!(fs::read_to_string(&log)?.contains("(INJECTED)"), "cp sets no attributes");
        ensure!(!attribute.contains("kept"), "cp has kept the attribute");
        let copied = Copied { status: 0, objects: Vec::new(), stderr: String::new() };
        ensure!(ensure_told(&copied, 7, "xattrs", true).is_err(), "silence is not noticed");
        Ok(())
    }
}
