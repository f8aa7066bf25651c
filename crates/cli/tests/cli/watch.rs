//! Watching while things change: what a later preparation lists, and what is told.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::{Folder, Started, ended};
use crate::signals::{end, send};

/// How long anything is waited for before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A watch of `src`, and what it tells.
struct Watch {
    program: Started,
    lines: BufReader<ChildStdout>,
    told: Vec<Value>,
}

impl Watch {
    /// Begins, and waits until everything that happened before was looked for.
    fn begin(folder: &Folder, paths: &[&str]) -> Self {
        Self::begin_with(folder, paths, Stdio::inherit())
    }

    fn begin_with(folder: &Folder, paths: &[&str], stderr: Stdio) -> Self {
        let mut command = folder.command(&["watch", "--json"]);
        let mut watch = Self::of(command.args(paths).stdout(Stdio::piped()).stderr(stderr));
        watch.until("checked");
        watch
    }

    fn of(command: &mut Command) -> Self {
        let mut program = Started::new(command);
        let lines = BufReader::new(program.stdout.take().unwrap());
        Self { program, lines, told: Vec::new() }
    }

    /// All that it says beside, once it has ended.
    fn stderr(&mut self) -> String {
        let mut told = String::new();
        self.program.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        told
    }

    /// The next object of this sort.
    fn until(&mut self, event: &str) -> Value {
        let begun = Instant::now();
        loop {
            let mut line = String::new();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "it ended before {event}");
            let object: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(object["type"], "watch");
            self.told.push(object.clone());
            if object["event"] == event {
                return object;
            }
            assert!(begun.elapsed() < PATIENCE, "no {event}: {object}");
        }
    }
}

/// What is told of a tree in which something changes, and that goes.
pub(crate) fn watched() -> Vec<Value> {
    let folder = known();
    let mut watch = Watch::begin(&folder, &[]);
    folder.write("src/a/2", "more");
    watch.until("marked");
    fs::rename(folder.path("src"), folder.path("away")).unwrap();
    watch.until("lost");
    watch.told
}

/// A tree that was remembered when it was old enough to be taken for unchanged.
fn known() -> Folder {
    let folder = Folder::new();
    folder.write("src/a/1", "first").write("src/b/c/2", "second").write("src/d/3", "third");
    folder.let_age();
    folder.run(&["prepare", "src"]).all_done();
    folder
}

/// The directories that are to be listed again, beneath `src`.
fn stale(folder: &Folder) -> Vec<String> {
    let arguments = ["prepare", "--prepare", "index-only", "--json", "src"];
    let objects = folder.run(&arguments).all_done().objects();
    let sources = &objects.last().unwrap()["sources"][0]["stale"];
    let paths = sources.as_array().unwrap().iter();
    paths.map(|found| found["path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_change_marks_exactly_its_directory() {
    let folder = known();
    assert_eq!(stale(&folder), [""; 0]);
    let mut watch = Watch::begin(&folder, &[]);
    assert_eq!(stale(&folder), [""; 0]);
    // Only what is told of it shows this change: the directory itself stays as it is.
    fs::write(folder.path("src/b/c/2"), "longer than before").unwrap();
    let marked = watch.until("marked");
    assert_eq!(marked["location"], folder.path("src").to_str().unwrap());
    assert_eq!(stale(&folder), ["b/c"]);
    let prepared = folder.run(&["prepare", "--json", "src"]).all_done().objects();
    let report = prepared.last().unwrap();
    assert_eq!((&report["listed_directories"], &report["bytes"]), (&1.into(), &28.into()));
}

#[test]
fn what_happened_while_nobody_watched_is_found() {
    let folder = known();
    let watch = Watch::begin(&folder, &["src"]);
    // Without a chance to say anything.
    drop(watch);
    folder.write("src/d/new", "while nobody watched");
    fs::remove_dir_all(folder.path("src/b/c")).unwrap();
    let watch = Watch::begin(&folder, &[]);
    let checked = watch.told.last().unwrap();
    assert_eq!((&checked["stale"], &checked["gone"]), (&2.into(), &1.into()), "{checked}");
    assert_eq!(stale(&folder), ["b", "d"]);
}

#[test]
fn it_ends_well_when_it_is_told_to() {
    let folder = known();
    let mut watch = Watch::begin(&folder, &["src/b", "src"]);
    send("TERM", &watch.program);
    assert_eq!(end(&mut watch.program).code(), Some(0));
}

#[test]
fn what_cannot_be_watched_is_refused() {
    let folder = Folder::new();
    folder.write("file", "no directory");
    for (arguments, code, says) in [
        (&["watch"][..], 2, "the index has no locations yet"),
        (&["watch", "file"], 2, "only directories can be watched"),
        (&["watch", "gone"], 4, "there is no such directory: gone"),
        (&["watch", "--index", "file", "."], 5, "file is not an index of surecopy"),
    ] {
        let ended = folder.run(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (code, ""), "{arguments:?}");
        assert!(ended.stderr.contains(says), "{arguments:?}: {}", ended.stderr);
    }
}

/// The index where it is without being named.
fn usual_index(folder: &Folder) -> PathBuf {
    folder.path("../home/.cache/surecopy/index.db")
}

/// Who goes on with a file that nobody finds would have it believed that all is seen.
#[test]
fn an_index_that_is_not_in_its_place_any_more_ends_it() {
    type Act = fn(&Folder);
    let removed: Act = |folder| fs::remove_file(usual_index(folder)).unwrap();
    let set_aside: Act = |folder| {
        let index = usual_index(folder);
        fs::rename(&index, index.with_extension("db.broken-1")).unwrap();
        folder.run(&["prepare", "src"]).all_done();
    };
    for act in [removed, set_aside] {
        let folder = known();
        let mut watch = Watch::begin_with(&folder, &[], Stdio::piped());
        act(&folder);
        assert_eq!(end(&mut watch.program).code(), Some(5));
        let told = watch.stderr();
        assert!(told.ends_with("was replaced or removed while it was used\n"), "{told}");
        // Whoever starts it again has what there is watched.
        folder.run(&["prepare", "src"]).all_done();
        Watch::begin(&folder, &[]);
    }
}

#[test]
fn locations_come_and_go_until_none_is_left() {
    let folder = known();
    folder.write("other/x/1", "first").let_age();
    let mut watch = Watch::begin_with(&folder, &[], Stdio::piped());
    folder.run(&["index", "add", "other"]).all_done();
    let checked = watch.until("checked");
    let other = folder.path("other");
    assert_eq!(checked["location"], other.to_str().unwrap());
    for location in ["src", "other"] {
        folder.run(&["index", "remove", location]).all_done();
        let lost = watch.until("lost");
        assert_eq!(lost["location"], folder.path(location).to_str().unwrap());
        assert_eq!(lost["message"], "it was removed from the index");
    }
    assert_eq!(end(&mut watch.program).code(), Some(0));
    let told = "nothing is left to watch: no location is in the index any more\n";
    assert_eq!(watch.stderr(), told);
}

#[test]
fn what_goes_wrong_before_it_begins_is_said() {
    let folder = Folder::new();
    folder.write("src/a/1", "first").write("src/closed/2", "second");
    folder.run(&["index", "add", "-q", "src"]).all_done();
    fs::write(usual_index(&folder), "no database any more").unwrap();
    let closed = folder.path("src/closed");
    fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
    let mut command = folder.command(&["watch", "--json", "src"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Err(error) = folder.act_without_privileges(&mut command) {
        println!("skipped: nothing is closed to this user: {error}");
        return;
    }
    let home = folder.path("../home");
    let given = Command::new("chown").arg("-R").arg("65534:65534").arg(home).status();
    println!("the home was given away: {given:?}");
    let mut watch = Watch::of(&mut command);
    watch.until("checked");
    send("TERM", &watch.program);
    assert_eq!(end(&mut watch.program).code(), Some(0));
    fs::set_permissions(&closed, Permissions::from_mode(0o755)).unwrap();
    let told = watch.stderr();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(lines[0].starts_with("warning: the index was damaged; it is now /"), "{told}");
    assert!(lines[1].starts_with("warning: ") && lines[1].contains("src/closed"), "{told}");
}

#[test]
fn it_ends_when_nobody_reads_what_it_tells() {
    let folder = known();
    for (how, code) in [(&["watch"][..], 0), (&["watch", "-v"], 0), (&["watch", "--json"], 130)] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = ended(folder.command(how).stdout(writer));
        assert_eq!((ended.code, ended.stderr.as_str()), (code, ""), "{how:?}");
    }
}

#[test]
fn it_ends_when_what_it_tells_cannot_be_written() {
    let folder = known();
    for how in [&["watch"][..], &["watch", "--json"]] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let ended = ended(folder.command(how).stdout(full));
        assert_eq!(ended.code, 1, "{how:?}");
        let told = "error: cannot write output: No space left on device (os error 28)\n";
        assert_eq!(ended.stderr, told, "{how:?}");
    }
}
