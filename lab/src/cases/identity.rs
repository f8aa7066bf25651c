//! Whole trees arrive as they are.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use surecopy_testkit::tree::{TreePlan, TreeShape};

use crate::copier::Copied;
use crate::lab::Lab;
use crate::tool;
use crate::volume::{Fs, Volume};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// So many real files are wanted.
const WANTED_FILES: usize = 20_000;

/// Copies a tree with everything, lets rsync look for differences, and copies it again.
fn check(lab: &Lab, source: &Path, target: &Path, options: &[&str]) -> Result<Copied> {
    let options: Vec<&str> = ["-a"].iter().chain(options).copied().collect();
    let copied = lab.copy(&options, source, target)?;
    copied.ensure_ok()?;
    let with_slash = |path: &Path| format!("{}/", path.display());
    // How xfs shows ACLs a second time, to root only; they are compared as ACLs.
    let no_echo = "--filter=-x trusted.SGI_ACL_*";
    let args = ["-aHAXSn", "--delete", "--checksum", "-i", no_echo];
    let paths = [with_slash(source), with_slash(target)];
    let differences =
        tool::run("rsync", args.iter().copied().chain(paths.iter().map(String::as_str)))?;
    ensure!(differences.is_empty(), "rsync finds:\n{}", first_lines(&differences));
    let holes = hole_differences(source, target)?;
    ensure!(holes.is_empty(), "holes are gone:\n{}", first_lines(&holes.join("\n")));

    let again = lab.copy(&options, source, target)?;
    again.ensure_ok()?;
    let report = again.report()?;
    let (ok, copied_bytes) = (&report["items"]["ok"], &report["bytes"]["copied"]);
    let copied_again: Vec<_> = again
        .of_type("item")
        .filter(|item| item["status"] == "ok" && item["kind"] != "directory")
        .map(|item| format!("{} {}", item["kind"], item["target"]))
        .take(5)
        .collect();
    ensure!(copied_again.is_empty(), "the second run did {ok} items again: {copied_again:?}");
    ensure!(copied_bytes == 0, "the second run copied {copied_bytes} bytes");
    Ok(copied)
}

fn first_lines(text: &str) -> String {
    text.lines().take(10).collect::<Vec<_>>().join("\n")
}

/// Files whose source has holes and whose target takes much more room than the source.
fn hole_differences(source: &Path, target: &Path) -> Result<Vec<String>> {
    let mut differences = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(source.join(&dir))? {
            let entry = entry?;
            let path = dir.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                open.push(path);
                continue;
            }
            let (before, after) = (entry.metadata()?, fs::symlink_metadata(target.join(&path))?);
            let is_sparse = before.blocks() * 512 + MIB <= before.size();
            if before.is_file() && is_sparse && after.blocks() * 512 > before.blocks() * 512 + MIB {
                let rooms = (before.blocks(), after.blocks());
                differences.push(format!("{}: {rooms:?} blocks", path.display()));
            }
        }
    }
    Ok(differences)
}

/// Everything a tree can hold that is more than names and bytes.
const ODDITIES: &str = r#"
cd "$1"
mkdir rights holes links owners attributes
for mode in 0400 0444 0600 0644 0755 0777 2755 4755 6755 1777; do
    echo "$mode" > "rights/file-$mode"; chmod "$mode" "rights/file-$mode"
    mkdir "rights/dir-$mode"; chmod "$mode" "rights/dir-$mode"
done
echo a > rights/acl; setfacl -m u:1234:rw,g:4321:r,m:rwx rights/acl
mkdir rights/default-acl; setfacl -d -m u:1234:rwx,g:4321:rx rights/default-acl
setfacl -m u:1234:rx rights/default-acl; echo b > rights/default-acl/inherits
truncate -s 64M holes/all
truncate -s 64M holes/end; echo data | dd of=holes/end conv=notrunc status=none
truncate -s 32M holes/middle
for at in 3 9 21; do dd if=/dev/urandom of=holes/middle bs=1M seek=$at count=1 conv=notrunc status=none; done
truncate -s 40000001 holes/odd; echo tail >> holes/odd
echo shared > links/one; ln links/one links/two; mkdir links/deep; ln links/one links/deep/three
ln -s one links/relative; ln -s /nowhere/at/all links/dangling; ln -s .. links/up; ln -s loop links/loop
for owner in 0:0 1234:4321 65534:65534; do
    echo "$owner" > "owners/$owner"; chown "$owner" "owners/$owner"
    ln -s x "owners/link-$owner"; chown -h "$owner" "owners/link-$owner"
    mkdir "owners/dir-$owner"; chown "$owner" "owners/dir-$owner"
done
chmod 6755 owners/1234:4321
echo c > attributes/file; setfattr -n user.one -v 1 attributes/file; setfattr -n user.empty attributes/file
setfattr -n user.binary -v 0x00ff0a00 attributes/file; setfattr -n trusted.lab -v 2 attributes/file
mkdir attributes/dir; setfattr -n user.dir -v "$(printf 'x%.0s' {1..1000})" attributes/dir
touch -h -d '1969-07-20 20:17:40.123456789 UTC' links/relative owners/0:0 rights
touch -d '2038-01-20 00:00:00.999999999 UTC' holes/all attributes
"#;

fn odd_tree(top: &Path) -> Result<()> {
    fs::create_dir(top)?;
    tool::shell(ODDITIES, [top])?;
    let planned = top.join("planned");
    fs::create_dir(&planned)?;
    let shape = TreeShape { entries: 400, ..TreeShape::default() };
    TreePlan::random(20, shape).build_on_disk(&planned)?;
    symlink("planned", top.join("to-planned"))?;
    Ok(())
}

/// A tree with one of everything, between all kinds of volumes.
pub(crate) fn odd(lab: &Lab) -> Result<String> {
    let size = 512 * MIB;
    let ext4 = Volume::loopback(lab, Fs::Ext4, size)?;
    let xfs = Volume::loopback(lab, Fs::Xfs, size)?;
    let btrfs = Volume::loopback(lab, Fs::Btrfs, size)?;
    let memory = Volume::tmpfs(lab, "size=512m")?;
    odd_tree(&ext4.join("tree"))?;
    let ways = [(&ext4, &xfs), (&xfs, &memory), (&memory, &btrfs), (&btrfs, &ext4)];
    for (number, (from, to)) in ways.iter().enumerate() {
        let target = if number == 3 { "back" } else { "tree" };
        check(lab, &from.join("tree"), &to.join(target), &[])?;
    }
    // Within volumes that clone, and through the buffers.
    check(lab, &btrfs.join("tree"), &btrfs.join("clone"), &[])?;
    check(lab, &xfs.join("tree"), &xfs.join("staged"), &["--strategy", "staged"])?;
    Ok("6 ways".to_owned())
}

/// Folders with many real files, the likeliest first.
fn real_folders() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cargo = std::env::var_os("CARGO_HOME").map_or(home.join(".cargo"), PathBuf::from);
    let toolchain = tool::run("rustc", ["--print", "sysroot"]).unwrap_or_default();
    [cargo.join("registry/src"), PathBuf::from(toolchain.trim()).join("share/doc")]
        .into_iter()
        .chain([PathBuf::from("/usr/share"), PathBuf::from("/usr/lib/python3")])
        .filter(|path| path.is_dir())
        .collect()
}

/// Tens of thousands of real files, twice.
pub(crate) fn many(lab: &Lab) -> Result<String> {
    let ext4 = Volume::loopback(lab, Fs::Ext4, 6 * GIB)?;
    let xfs = Volume::loopback(lab, Fs::Xfs, 6 * GIB)?;
    let source = ext4.dir("tree")?;
    let mut files = 0;
    for (number, folder) in real_folders().iter().enumerate() {
        if files >= WANTED_FILES {
            break;
        }
        // Not more than wanted: a toolchain's documents alone are several times that.
        let script = r#"cd "$1"; find . -type f -size -4M > "$4"; sort "$4" | sed "$3,\$ d" > "$4.wanted"
            rsync -aHAX --files-from="$4.wanted" ./ "$2"; wc -l < "$4.wanted""#;
        let into = source.join(number.to_string());
        let wanted = (WANTED_FILES + 501 - files).to_string();
        let list = lab.new_path("list");
        let taken = tool::shell(
            script,
            [folder.as_os_str(), into.as_os_str(), wanted.as_ref(), list.as_os_str()],
        )?;
        files += taken.trim().parse::<usize>()?;
    }
    while files < WANTED_FILES {
        let shape = TreeShape { entries: 4000, max_file_bytes: 20_000, ..TreeShape::default() };
        let plan = TreePlan::random(files as u64, shape);
        let into = source.join(format!("made-{files}"));
        fs::create_dir(&into)?;
        plan.build_on_disk(&into)?;
        files += plan.files().count();
    }
    let copied = check(lab, &source, &xfs.join("tree"), &[])?;
    let report = copied.report()?;
    Ok(format!(
        "{files} files, {} bytes, {:.1} s, {} proved by the device",
        report["bytes"]["copied"],
        report["duration_seconds"].as_f64().unwrap_or_default(),
        report["evidence"]["device"]
    ))
}
