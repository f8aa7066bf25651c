//! Runs the program under test and reads the objects that it writes.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::child::Running;
use crate::lab::Lab;

/// How a copy ended.
pub(crate) struct Copied {
    /// The exit status; 128 and the signal when a signal ended it.
    pub(crate) status: i32,
    /// Everything written to stdout, in order.
    pub(crate) objects: Vec<Value>,
    /// What was written to stderr.
    pub(crate) stderr: String,
}

impl Lab {
    /// `surecopy copy --json` of one source to exactly this target, recorded nowhere, not started yet.
    pub(crate) fn copy_command(&self, options: &[&str], source: &Path, target: &Path) -> Command {
        self.copy_command_under(&[], options, source, target)
    }

    /// The same behind another program, such as `strace` with its options.
    pub(crate) fn copy_command_under(
        &self,
        wrapper: &[&str],
        options: &[&str],
        source: &Path,
        target: &Path,
    ) -> Command {
        let mut command = self.command_under(wrapper, &["copy", "--no-ledger", "--json"]);
        command.args(options).arg("-T").arg(source).arg(target);
        command
    }

    /// The program with these words, behind another one, not started yet.
    pub(crate) fn command_under(&self, wrapper: &[&str], words: &[&str]) -> Command {
        let mut before = wrapper.iter().map(OsStr::new).chain([self.program.as_os_str()]);
        let mut command = Command::new(before.next().unwrap_or_default());
        command.args(before).args(words);
        isolate(&mut command);
        command
    }

    /// Copies, whatever comes of it.
    pub(crate) fn copy(&self, options: &[&str], source: &Path, target: &Path) -> Result<Copied> {
        finish(&mut self.copy_command(options, source, target))
    }

    /// Copies one file, which has to succeed; gives its item.
    pub(crate) fn copy_one(&self, options: &[&str], source: &Path, target: &Path) -> Result<Value> {
        let copied = self.copy(options, source, target)?;
        copied.ensure_ok()?;
        copied.only_item().cloned()
    }
}

/// Keeps the settings and the ledger of the person who runs the lab, and the lab's own settings, from
/// the program. A case that wants a ledger names one of its own.
pub(crate) fn isolate(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"SURECOPY_") {
            command.env_remove(name);
        }
    }
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    command.env("SURECOPY_LEDGER", "/nonexistent/ledger.db");
    command.env("SURECOPY_INDEX", "/nonexistent/index.db");
}

/// Runs a copy to its end.
pub(crate) fn finish(command: &mut Command) -> Result<Copied> {
    read(&Running::start(command)?.output()?)
}

/// The exit status; 128 and the signal when a signal ended it.
pub(crate) fn exit_status(output: &Output) -> i32 {
    status_of(output.status)
}

/// The same of a program that was waited for.
pub(crate) fn status_of(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

/// Makes sense of what a copy has left.
pub(crate) fn read(output: &Output) -> Result<Copied> {
    let status = exit_status(output);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut objects = Vec::new();
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice(line) {
            Ok(object) => objects.push(object),
            // A killed program may have been in the middle of a line.
            Err(_) if status > 128 => {}
            Err(error) => bail!("not an object: {error}: {}", String::from_utf8_lossy(line)),
        }
    }
    Ok(Copied { status, objects, stderr })
}

impl Copied {
    /// The objects of this type.
    pub(crate) fn of_type<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        self.objects.iter().filter(move |object| object["type"] == name)
    }

    /// The item, when there is exactly one that is not a directory.
    pub(crate) fn only_item(&self) -> Result<&Value> {
        let items: Vec<&Value> =
            self.of_type("item").filter(|item| item["kind"] != "directory").collect();
        ensure!(items.len() == 1, "{} items: {}", items.len(), self.describe());
        Ok(items[0])
    }

    /// The report at the end.
    pub(crate) fn report(&self) -> Result<&Value> {
        self.of_type("report").next().with_context(|| format!("no report: {}", self.describe()))
    }

    /// The codes of all errors of items and of problems found before.
    pub(crate) fn codes(&self) -> Vec<&str> {
        self.of_type("item")
            .chain(self.of_type("problem"))
            .filter_map(|object| object["error"]["code"].as_str())
            .collect()
    }

    /// Fails unless the copy failed and every error has this code.
    pub(crate) fn ensure_fails_with(&self, code: &str) -> Result<()> {
        let codes = self.codes();
        ensure!(self.status != 0, "success instead of {code}: {}", self.describe());
        ensure!(
            !codes.is_empty() && codes.iter().all(|found| *found == code),
            "{codes:?} instead of {code}: {}",
            self.describe()
        );
        Ok(())
    }

    /// Fails unless all went well.
    pub(crate) fn ensure_ok(&self) -> Result<()> {
        ensure!(self.status == 0, "exit status {}: {}", self.status, self.describe());
        Ok(())
    }

    /// What there is to say about a copy that was not as expected.
    pub(crate) fn describe(&self) -> String {
        let errors: Vec<String> = self
            .objects
            .iter()
            .filter(|object| !object["error"].is_null())
            .map(|object| format!("{} {}", object["target"], object["error"]))
            .take(5)
            .collect();
        let report = self.of_type("report").next().map(Value::to_string).unwrap_or_default();
        format!("{}\n{report}\n{}", errors.join("\n"), self.stderr)
    }
}

/// The targets that these objects report as done, without directories.
pub(crate) fn done_among(objects: &[Value]) -> BTreeSet<PathBuf> {
    let is_done = |object: &&Value| {
        object["type"] == "item" && object["status"] == "ok" && object["kind"] != "directory"
    };
    objects.iter().filter(is_done).filter_map(|object| path_in(object, "target")).collect()
}

/// The path that a member of an object is, whatever bytes it has.
pub(crate) fn path_in(object: &Value, member: &str) -> Option<PathBuf> {
    let Some(digits) = object[format!("{member}_bytes")].as_str() else {
        return object[member].as_str().map(PathBuf::from);
    };
    let pairs = digits.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    Some(OsString::from_vec(bytes.collect::<Option<Vec<u8>>>()?).into())
}

/// Fails unless the object has all of these members with these values.
pub(crate) fn ensure_has(what: &str, object: &Value, expected: &Value) -> Result<()> {
    let members = expected.as_object().context("members are expected")?;
    for (name, value) in members {
        ensure!(
            &object[name] == value,
            "{what}: {name} is {} instead of {value}\n{object}",
            object[name]
        );
    }
    Ok(())
}
