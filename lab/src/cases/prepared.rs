//! What the index says of trees on real volumes that change, and what copies of them come to.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::copier::{self, Copied};
use crate::lab::Lab;
use crate::tool;
use crate::tree;
use crate::volume::{Fs, Volume};

/// Folders of fifty files each.
const FOLDERS: usize = 30;

/// What is younger than this when it is listed is not taken for unchanged.
const YOUNG: Duration = Duration::from_millis(1_300);

/// What happens to a tree that is known, each in another folder of it; `../` is beside the tree.
const CHANGES: &str = r#"cd "$1"
# New, gone, renamed, moved.
echo new > folder-3/new
rm folder-4/file-200
mv folder-5/file-250 folder-5/other
mv folder-6/file-300 folder-7/file-300
# Written to, which no folder shows: once longer, once as long and as old as before.
echo "much longer than it was: $(seq 300)" > folder-8/file-400
touch -r folder-9/file-450 ../time
tr '\000-\177' '\001-\177\000' < folder-9/file-450 > ../shifted
cat ../shifted > folder-9/file-450
touch -r ../time folder-9/file-450
# A folder moved in with all its times, and one whose time was set back.
cp -a folder-10 ../moved; mv ../moved folder-11/in
mkdir folder-12/short; rmdir folder-12/short
touch -r folder-13 ../time; echo new > folder-13/new; touch -r ../time folder-13
# Another folder of the same name and times.
mv folder-14 ../old; cp -a ../old folder-14; rm folder-14/file-700; touch -r ../old folder-14
# Other kinds.
rm folder-15/file-750; ln -s nowhere folder-15/file-750
rm folder-16/file-800; mkdir folder-16/file-800; echo in > folder-16/file-800/in
"#;

/// As many directories have changed or are new then, the tree itself among them.
const CHANGED: u64 = 14;

/// A tree, the index that knows it, and a place where copies go.
struct Known<'a> {
    lab: &'a Lab,
    source: PathBuf,
    index: PathBuf,
    copies: PathBuf,
}

impl<'a> Known<'a> {
    fn on(lab: &'a Lab, volume: &Volume) -> Result<Self> {
        let source = volume.join("source");
        tree::make(&source, FOLDERS * 50, 300)?;
        let index = lab.new_dir("cache")?.join("index.db");
        Ok(Self { lab, source, index, copies: lab.new_dir("copies")? })
    }

    fn run(&self, words: &[&str], paths: &[&Path]) -> Result<Copied> {
        let mut command = self.lab.command_under(&[], words);
        let ended = copier::finish(command.args(paths).env("SURECOPY_INDEX", &self.index))?;
        ended.ensure_ok()?;
        Ok(ended)
    }

    /// Finds out what there is, and compares that with what `find` says.
    fn prepare(&self, what: &str) -> Result<Value> {
        let ended = self.run(&["prepare", "--json"], &[&self.source])?;
        let found = ended.of_type("prepare_report").next().context("no report")?;
        for (kind, member) in [("f", "files"), ("d", "directories"), ("l", "others")] {
            let script = r#"find "$1" -type "$2" -printf x | wc -c"#;
            let there = tool::shell(script, [self.source.as_os_str(), kind.as_ref()])?;
            let there: u64 = there.trim().parse()?;
            ensure!(found[member] == there, "{what}: {there}, {found}");
        }
        Ok(found.clone())
    }

    /// Prepares it when it is old enough to be taken for unchanged from then on.
    fn remember(&self) -> Result<()> {
        let written = Instant::now();
        while written.elapsed() < YOUNG {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.prepare("first")?;
        let again = self.prepare("as it was")?;
        ensure!(again["listed_directories"] == 0, "something was young: {again}");
        Ok(())
    }

    /// Copies it to a new place, and compares that with the source, byte for byte.
    fn copy(&self, name: &str, options: &[&str]) -> Result<Value> {
        let target = self.copies.join(name);
        let words = [&["copy", "--json", "--no-ledger", "-T"], options].concat();
        let copied = self.run(&words, &[&self.source, &target])?;
        tree::ensure_alike(&self.source, &target).with_context(|| name.to_owned())?;
        Ok(copied.report()?.clone())
    }
}

/// All changes at once, on each kind of volume, also one that keeps whole seconds only.
pub(crate) fn changes(lab: &Lab) -> Result<String> {
    let mut told = Vec::new();
    for (fs, made_by) in [
        (Fs::Ext4, None),
        (Fs::Ext4, Some("mkfs.ext4 -q -F -I 128")),
        (Fs::Xfs, None),
        (Fs::Btrfs, None),
    ] {
        let volume = Volume::loopback(lab, fs, fs.smallest())?;
        if let Some(made_by) = made_by {
            volume.change_image(fs, made_by)?;
        }
        let known = Known::on(lab, &volume)?;
        known.remember()?;
        tool::shell(CHANGES, [&known.source])?;
        let report = known.copy("after changes", &[])?;
        ensure!(report["corrected"]["grew"] == 1, "{report}");
        // The copy has written down what it listed, and that a file was larger.
        let again = known.copy("again", &["-a"])?;
        ensure!(again["corrected"]["grew"] == 0, "{again}");
        known.prepare("after copies")?;
        told.push(fs.name());
    }
    Ok(told.join(", "))
}

/// Only what has changed is listed again; and after the volume was mounted again, or another one is
/// there, nothing is believed that is not so.
pub(crate) fn volumes(lab: &Lab) -> Result<String> {
    for fs in Fs::ALL {
        let volume = Volume::loopback(lab, fs, fs.smallest())?;
        let known = Known::on(lab, &volume)?;
        known.remember()?;
        tool::shell(CHANGES, [&known.source])?;
        let changed = known.prepare("changed")?;
        ensure!(changed["listed_directories"] == CHANGED, "{}: {changed}", fs.name());
        known.remember()?;
        volume.mount_again(fs)?;
        let mounted = known.prepare("mounted again")?;
        ensure!(mounted["listed_directories"] == 0, "{}: {mounted}", fs.name());
        known.copy("mounted again", &[])?;
        // A volume of the same contents with one file more is another one.
        let kept = lab.new_dir("kept")?;
        tool::run("cp", ["-a".as_ref(), known.source.as_os_str(), kept.as_os_str()])?;
        let force = if fs == Fs::Ext4 { "-F" } else { "-f" };
        volume.change_image(fs, &format!("mkfs.{} -q {force}", fs.name()))?;
        tool::run("cp", ["-a".as_ref(), kept.join("source").as_os_str(), volume.path.as_os_str()])?;
        tool::shell(
            "touch -r \"$1\"/folder-2 \"$2\"; echo x > \"$1\"/folder-2/x; touch -r \"$2\" \"$1\"/folder-2",
            [&known.source, &kept.join("time")],
        )?;
        let other = known.prepare("another volume")?;
        ensure!(other["fresh_directories"] == 0, "{}: {other}", fs.name());
        known.copy("another volume", &[])?;
    }
    Ok(String::new())
}
