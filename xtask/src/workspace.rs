//! Where the repository is and what is in it.
//!
//! Reads; changes nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// A file of the repository that is text.
#[derive(Debug, Clone)]
pub(crate) struct TextFile {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    /// The whole text.
    pub(crate) text: String,
}

/// The checkout this program was built from.
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace that `cargo xtask` was started for.
    pub(crate) fn find() -> Result<Self> {
        let package = std::env::var_os("CARGO_MANIFEST_DIR")
            .context("CARGO_MANIFEST_DIR is not set: start this as `cargo xtask`")?;
        let root = Path::new(&package).parent().context("xtask has no parent directory")?;
        Ok(Self { root: root.to_owned() })
    }

    /// The checkout's root directory.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A command that runs in the root.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.root);
        command
    }

    /// What a command prints; its failing is an error that carries what it said.
    pub(crate) fn output(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let line = format!("{program} {}", arguments.join(" "));
        let output = self
            .command(program, arguments)
            .output()
            .with_context(|| format!("could not start `{line}`"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`{line}` failed ({}):\n{}", output.status, said.trim_end());
        }
        String::from_utf8(output.stdout).with_context(|| format!("`{line}` printed no text"))
    }

    /// Every file of the repository that is text, in path order.
    pub(crate) fn text_files(&self) -> Result<Vec<TextFile>> {
        let mut paths = if self.root.join(".git").exists() {
            self.paths_known_to_git()?
        } else {
            let mut paths = Vec::new();
            walk(&self.root, "", &mut paths)?;
            paths
        };
        paths.sort_unstable();
        paths.dedup();
        let mut files = Vec::with_capacity(paths.len());
        for path in paths {
            // A file that was deleted but not yet committed is still listed.
            let Ok(bytes) = std::fs::read(self.root.join(&path)) else { continue };
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(TextFile { path, text });
            }
        }
        Ok(files)
    }

    /// What git has or would take.
    fn paths_known_to_git(&self) -> Result<Vec<String>> {
        let listed = self
            .output("git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .context("listing the repository's files")?;
        Ok(listed.split_terminator('\0').map(str::to_owned).collect())
    }
}

/// Lists an unpacked source archive, which has no git to ask.
fn walk(root: &Path, folder: &str, paths: &mut Vec<String>) -> Result<()> {
    for entry in
        std::fs::read_dir(root.join(folder)).with_context(|| format!("listing {folder}"))?
    {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_file() {
            paths.push(path);
        } else if kind.is_dir() && path != "target" {
            walk(root, &path, paths)?;
        }
    }
    Ok(())
}
