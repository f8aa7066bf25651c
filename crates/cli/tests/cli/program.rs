//! Running the built program. Not a test.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::{MetadataExt as _, lchown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder to work in, which goes away with the test.
pub(crate) struct Folder {
    folder: TempDir,
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("work")).unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        Self { folder }
    }

    /// Where the program runs.
    pub(crate) fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.folder.path().join("work").join(Path::new(name.as_ref()))
    }

    /// Writes a file, and the directories above it.
    pub(crate) fn write(&self, name: impl AsRef<OsStr>, content: &str) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Waits until whatever was written so far is older than the times of a file system are coarse. What is
    /// younger when it is indexed is not taken for unchanged.
    pub(crate) fn let_age(&self) -> &Self {
        let written = std::time::SystemTime::now();
        let age = std::time::Duration::from_millis(1_200);
        while written.elapsed().is_ok_and(|elapsed| elapsed < age) {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        self
    }

    pub(crate) fn read(&self, name: impl AsRef<OsStr>) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Every path beneath the working folder, sorted.
    pub(crate) fn listing(&self) -> Vec<String> {
        fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                found.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
                if path.is_dir() && !path.is_symlink() {
                    walk(root, &path, found);
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.path(""), &self.path(""), &mut found);
        found.sort();
        found
    }

    /// Where jobs are recorded.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    /// The program with an environment that says nothing but where its own files belong.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_surecopy"));
        command
            .args(arguments)
            .current_dir(self.path(""))
            .env_clear()
            .env("HOME", self.folder.path().join("home"))
            .env("SURECOPY_LEDGER", self.ledger())
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        command
    }

    /// Has a command that the superuser would start run as nobody, to whom everything here is given
    /// then: what permissions forbid, they forbid the command in either case. An error where this
    /// superuser cannot give anything away.
    pub(crate) fn act_without_privileges(&self, command: &mut Command) -> io::Result<()> {
        const NOBODY: u32 = 65534;
        let root = self.folder.path();
        // Those of a process belong to whom it acts as.
        if fs::metadata("/proc/self")?.uid() != 0 {
            return Ok(());
        }
        let within = self.listing().into_iter().map(|name| self.path(name));
        for path in [root.to_owned(), root.join("home"), self.path("")].into_iter().chain(within) {
            lchown(path, Some(NOBODY), Some(NOBODY))?;
        }
        command.uid(NOBODY).gid(NOBODY);
        Ok(())
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        ended(&mut self.command(arguments))
    }

    /// Runs where no file may become larger than so many blocks, of 512 bytes or of 1024 as the shell
    /// has it: as if the disk were full.
    pub(crate) fn run_with_small_files(&self, blocks: u32, arguments: &[&str]) -> Ended {
        let like = self.command(arguments);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -f {blocks}; exec \"$0\" \"$@\"")]);
        shell.arg(like.get_program()).args(like.get_args()).current_dir(self.path(""));
        shell.env_clear().envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        ended(shell.stdin(Stdio::null()))
    }

    /// Runs with text on stdin.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ended {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Ended::from(child.wait_with_output().unwrap())
    }

    /// Runs with `--json` and reads every line.
    pub(crate) fn run_json(&self, arguments: &[&str]) -> (i32, Vec<Value>) {
        let mut all = vec!["copy", "--json"];
        all.extend(arguments);
        let ended = self.run(&all);
        (ended.code, ended.objects())
    }
}

pub(crate) fn ended(command: &mut Command) -> Ended {
    Ended::from(command.output().unwrap())
}

impl From<std::process::Output> for Ended {
    fn from(output: std::process::Output) -> Self {
        Self {
            code: output.status.code().expect("the program ends by itself"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// Stdout as one object a line.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let read = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        self.stdout.lines().map(read).collect()
    }

    /// Fails unless everything was done.
    #[track_caller]
    pub(crate) fn all_done(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.stdout, self.stderr);
        self
    }
}

/// The objects of one type.
pub(crate) fn of_type<'a>(objects: &'a [Value], name: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["type"] == name).collect()
}

/// A program that is killed when a test fails while it runs.
pub(crate) struct Started(Child);

impl Started {
    pub(crate) fn new(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }
}

impl Deref for Started {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Started {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It has ended already, where the test has passed.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
