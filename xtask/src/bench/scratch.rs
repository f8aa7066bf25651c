//! The program that is timed, and where it works.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::workspace::Workspace;

/// A new folder, gone when this is dropped, and the release program.
pub(crate) struct Scratch {
    dir: PathBuf,
    program: PathBuf,
    root: PathBuf,
}

impl Scratch {
    /// Builds the program. The folder is in memory where there is such a place, so that the program is
    /// timed and not the disk; `SURECOPY_BENCH_DIR` names another one.
    pub(crate) fn new(workspace: &Workspace) -> Result<Self> {
        let built = workspace
            .command("cargo", &["build", "--release", "--quiet", "--package", "surecopy-cli"])
            .status()
            .context("start cargo")?;
        ensure!(built.success(), "the program could not be built");
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let target = target.unwrap_or_else(|| workspace.root().join("target"));
        let program = workspace.root().join(target).join("release/surecopy");
        let asked = std::env::var_os("SURECOPY_BENCH_DIR").map(PathBuf::from);
        let memory = Some(PathBuf::from("/dev/shm")).filter(|memory| memory.is_dir());
        let above = asked.or(memory).unwrap_or_else(std::env::temp_dir);
        let dir = above.join(format!("surecopy-bench-{}", std::process::id()));
        fs::create_dir(&dir).with_context(|| format!("create {}", dir.display()))?;
        Ok(Self { dir, program, root: workspace.root().to_owned() })
    }

    /// A path in the folder.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The tests within the engine, built as the program is.
    pub(crate) fn engine_tests(&self) -> Result<PathBuf> {
        let words = ["test", "--release", "--quiet", "--package", "surecopy-engine", "--lib"];
        let built = Command::new(env!("CARGO"))
            .current_dir(&self.root)
            .args(words)
            .args(["--no-run", "--message-format=json"])
            .stderr(Stdio::inherit())
            .output()
            .context("start cargo")?;
        ensure!(built.status.success(), "the engine's tests could not be built");
        let messages = String::from_utf8(built.stdout)?;
        let executable = messages.lines().find_map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            message["executable"].as_str().map(PathBuf::from)
        });
        executable.context("cargo names the tests that it has built")
    }

    /// The program with these words, and nobody's settings.
    pub(crate) fn surecopy(&self, words: &[&str], paths: &[&Path]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).args(paths);
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"SURECOPY_") {
                command.env_remove(name);
            }
        }
        command.env("XDG_CONFIG_HOME", self.join("no-settings"));
        command.env("SURECOPY_LEDGER", self.join("ledger.db"));
        command.env("SURECOPY_INDEX", self.join("index.db"));
        command
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.dir) {
            eprintln!("xtask: {} is left: {error}", self.dir.display());
        }
    }
}
