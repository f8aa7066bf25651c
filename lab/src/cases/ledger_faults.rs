//! Ledgers that cannot be written, or cannot be trusted.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, ensure};
use rusqlite::Connection;

use crate::child::Running;
use crate::copier::Copied;
use crate::lab::Lab;
use crate::recorded::Recorded;
use crate::snapshot::{PARTIAL_PREFIX, ensure_no_partials};
use crate::tool;
use crate::tree;
use crate::volume::Volume;

/// How many files there are, and what is beneath the target before.
const FILES: usize = 1500;
const OLD: &[u8] = b"old";
const OPTIONS: [&str; 4] = ["--on-conflict", "replace", "--set", "group_max_files=8"];

/// A source, targets of which some are old, and a ledger.
struct Scene {
    volume: Volume,
    recorded: Recorded,
    contents: BTreeMap<PathBuf, Vec<u8>>,
}

impl Scene {
    fn new(lab: &Lab) -> Result<Self> {
        let recorded = Recorded::new(lab)?;
        Self::with(lab, recorded)
    }

    fn with(lab: &Lab, recorded: Recorded) -> Result<Self> {
        let volume = Volume::tmpfs(lab, "size=512m")?;
        tree::make(&volume.join("source"), FILES, 300)?;
        let mut contents = BTreeMap::new();
        for number in 0..FILES {
            let name = tree::name(number);
            contents.insert(name.clone(), fs::read(volume.join("source").join(name))?);
        }
        let scene = Self { volume, recorded, contents };
        for name in scene.contents.keys().step_by(7) {
            let path = scene.target().join(name);
            fs::create_dir_all(path.parent().context("it is in a folder")?)?;
            fs::write(path, OLD)?;
        }
        Ok(scene)
    }

    fn source(&self) -> PathBuf {
        self.volume.join("source")
    }

    fn target(&self) -> PathBuf {
        self.volume.join("target")
    }

    fn copy(&self) -> Result<Copied> {
        self.recorded.copy(&OPTIONS, &self.source(), &self.target())
    }

    fn resume(&self) -> Result<Copied> {
        self.recorded.run(&["resume", "1", "--json"])
    }

    /// A job that was killed in its middle, all of which is in the ledger's own file.
    fn interrupt(&self) -> Result<()> {
        self.recorded.copy_and_kill(&OPTIONS, (&self.source(), &self.target()), FILES / 2)?;
        self.recorded.database()?.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// Fails unless it ended as a copy has to end that cannot be recorded: with words that name the
    /// ledger and say what to do, and with every target old or new. Gives how many are new.
    fn ensure_refused(&self, copied: &Copied, words: &[&str]) -> Result<usize> {
        let ledger = self.recorded.ledger.display().to_string();
        let words: Vec<&str> = words.iter().copied().chain([ledger.as_str()]).collect();
        copied.ensure_ends(5, &words)?;
        self.ensure_nothing_lost()
    }

    /// Fails unless every target is old or new. Gives how many are new.
    fn ensure_nothing_lost(&self) -> Result<usize> {
        let mut new = 0;
        for (number, (name, content)) in self.contents.iter().enumerate() {
            let path = self.target().join(name);
            match fs::read(&path) {
                Ok(found) if found == *content => new += 1,
                Ok(found) => ensure!(found == OLD, "{} is neither old nor new", path.display()),
                // The old file may stand under the name of its backup until somebody comes back.
                Err(_) if number % 7 == 0 => self.ensure_in_backup(&path)?,
                Err(_) => {}
            }
        }
        Ok(new)
    }

    fn ensure_in_backup(&self, path: &Path) -> Result<()> {
        let beside = fs::read_dir(path.parent().context("it is in a folder")?)?;
        let mut backups = beside.filter_map(Result::ok).filter(|entry| {
            entry.file_name().as_encoded_bytes().starts_with(PARTIAL_PREFIX)
                && fs::read(entry.path()).is_ok_and(|content| content == OLD)
        });
        ensure!(backups.next().is_some(), "{} is gone", path.display());
        Ok(())
    }

    /// Without a record all can be copied nevertheless.
    fn ensure_copies_without(&self) -> Result<()> {
        let elsewhere = self.volume.join("elsewhere");
        let options = ["--no-ledger"];
        self.recorded.copy(&options, &self.source(), &elsewhere)?.ensure_ok()?;
        tree::ensure_alike(&self.source(), &elsewhere)?;
        fs::remove_dir_all(elsewhere)?;
        Ok(())
    }

    /// Everything arrives when the job goes on.
    fn ensure_resumes(&self) -> Result<()> {
        self.resume()?.ensure_ok()?;
        self.ensure_finished()?;
        self.recorded.ensure_sound(1)?;
        Ok(())
    }

    fn ensure_finished(&self) -> Result<()> {
        ensure!(self.ensure_nothing_lost()? == FILES, "not all is new");
        tree::ensure_alike(&self.source(), &self.target())?;
        ensure_no_partials(&self.target())
    }
}

/// No room for the ledger: from the beginning, and in the middle.
pub(crate) fn full(lab: &Lab) -> Result<String> {
    let room = "make some";
    let small = Volume::tmpfs(lab, "size=32k")?;
    let scene = Scene::with(lab, Recorded::within(lab, &small.path))?;
    let copied = scene.copy()?;
    ensure!(scene.ensure_refused(&copied, &[room])? == 0, "files were copied");
    scene.ensure_copies_without()?;

    let mut figures = Vec::new();
    for size in ["400k", "900k", "1500k"] {
        let small = Volume::tmpfs(lab, &format!("size={size}"))?;
        let scene = Scene::with(lab, Recorded::within(lab, &small.path))?;
        let copied = scene.copy()?;
        let new = scene.ensure_refused(&copied, &[room]).context(size)?;
        scene.ensure_copies_without()?;
        // It can be looked at, and going on is refused in the same way, as long as there is no room.
        let still = scene.resume()?;
        scene.ensure_refused(&still, &[room]).with_context(|| format!("resume in {size}"))?;
        scene.recorded.run(&["jobs", "--json"])?.ensure_ok()?;
        tool::run("mount", ["-o".as_ref(), "remount,size=64m".as_ref(), small.path.as_os_str()])?;
        scene.ensure_resumes().with_context(|| format!("{size} made larger"))?;
        figures.push(format!("{size} {new}"));
    }
    Ok(format!(
        "files copied of {FILES} by the size of its volume: {}; all resumed",
        figures.join(", ")
    ))
}

/// The ledger, its folder or its volume must not be written.
pub(crate) fn read_only(lab: &Lab) -> Result<String> {
    let right = "grant the right";
    // For a user without rights of their own.
    let volume = Volume::tmpfs(lab, "size=256m,mode=0755")?;
    let program = volume.join("surecopy");
    tool::run("cp", ["--".as_ref(), lab.program.as_os_str(), program.as_os_str()])?;
    let open = r#"chmod 0711 "$1"; chmod 0755 "$2""#;
    tool::shell(open, [volume.path.parent().unwrap_or(&volume.path), &program])?;
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let folder = volume.dir("folder")?;
    let mut recorded = Recorded::within(lab, &folder);
    let as_root = recorded.clone();
    recorded.replace_program(&program);
    let scene = Scene::with(lab, recorded.under(&nobody))?;
    tool::shell(r#"chown -R 65534:65534 "$1""#, [&scene.volume.path])?;
    let denied = scene.copy()?;
    ensure!(scene.ensure_refused(&denied, &[right])? == 0, "files were copied (folder)");
    // A ledger that is somebody else's.
    let (one, other) = (volume.dir("one")?, volume.join("one/copy"));
    fs::write(one.join("file"), b"content")?;
    as_root.copy(&[], &one.join("file"), &other)?.ensure_ok()?;
    let denied = scene.copy()?;
    ensure!(scene.ensure_refused(&denied, &[right])? == 0, "files were copied (file)");
    scene.ensure_copies_without()?;
    tool::shell(r#"chown -R 65534:65534 "$1""#, [&folder])?;
    let copied = scene.copy()?;
    copied.ensure_ok()?;
    scene.ensure_finished()?;

    // On a volume that turns read-only between two runs.
    let memory = Volume::tmpfs(lab, "size=64m")?;
    let scene = Scene::with(lab, Recorded::within(lab, &memory.path))?;
    scene.interrupt()?;
    let remount = |how: &str| {
        tool::run("mount", ["-o".as_ref(), how.as_ref(), memory.path.as_os_str()]).map(drop)
    };
    remount("remount,ro")?;
    let before = scene.ensure_nothing_lost()?;
    let resumed = scene.resume()?;
    ensure!(scene.ensure_refused(&resumed, &[right])? == before, "files were copied (mount)");
    // It can still be looked at.
    for words in [&["jobs", "--json"][..], &["status", "1", "--json"], &["audit", "1", "--json"]] {
        scene.recorded.run(words)?.ensure_ok().with_context(|| format!("{words:?}"))?;
    }
    scene.ensure_copies_without()?;
    remount("remount,rw")?;
    scene.ensure_resumes()?;
    Ok("folder, file, mount".to_owned())
}

/// Another program holds the ledger and does not let go: from the beginning, and in the middle.
pub(crate) fn locked(lab: &Lab) -> Result<String> {
    // Each waits for ten seconds.
    let waited = thread::scope(|scope| {
        let cases = [
            scope.spawn(|| locked_at_once(lab).context("from the beginning")),
            scope.spawn(|| locked_meanwhile(lab).context("in the middle")),
        ];
        cases.map(|case| case.join().unwrap_or_else(|_| Err(anyhow::anyhow!("panicked"))))
    });
    let [begun, new] = waited.map(|new| new);
    begun?;
    Ok(format!("{} of {FILES} copied before, all resumed", new?))
}

const HELD: &str = "another program holds the ledger";

fn hold(ledger: &Path) -> Result<Connection> {
    let other = Connection::open(ledger)?;
    other.execute_batch("BEGIN EXCLUSIVE")?;
    Ok(other)
}

fn locked_at_once(lab: &Lab) -> Result<usize> {
    let scene = Scene::new(lab)?;
    scene.interrupt()?;
    let before = scene.ensure_nothing_lost()?;
    let other = hold(&scene.recorded.ledger)?;
    let resumed = scene.resume()?;
    ensure!(scene.ensure_refused(&resumed, &[HELD])? == before, "files were copied");
    scene.ensure_copies_without()?;
    drop(other);
    scene.ensure_resumes()?;
    Ok(before)
}

fn locked_meanwhile(lab: &Lab) -> Result<usize> {
    let scene = Scene::new(lab)?;
    let mut command = scene.recorded.copy_command(&OPTIONS, &scene.source(), &scene.target());
    let (mut running, mut lines) = Running::start_held(&mut command)?;
    let is_item = |line: &String| line.contains(r#""type":"item""#);
    let mut told: Vec<String> = lines.by_ref().take_while(|line| !is_item(line)).collect();
    let other = hold(&scene.recorded.ledger)?;
    told.extend(lines);
    let status = running.wait()?.code();
    let copied = Copied {
        status: status.unwrap_or_default(),
        objects: told.iter().filter_map(|line| serde_json::from_str(line).ok()).collect(),
        stderr: String::new(),
    };
    let new = scene.ensure_refused(&copied, &[HELD])?;
    ensure!(new < FILES, "it had ended before");
    drop(other);
    scene.ensure_resumes()?;
    Ok(new)
}

/// What was written is not what is read.
pub(crate) fn damaged(lab: &Lab) -> Result<String> {
    let mut figures = Vec::new();
    for (what, damage) in DAMAGES {
        let scene = Scene::new(lab)?;
        scene.interrupt()?;
        let before = scene.ensure_nothing_lost()?;
        damage(&scene.recorded.ledger).context(*what)?;
        ensure!(scene.recorded.ensure_sound(1).is_err(), "{what}: nothing is damaged");
        let resumed = scene.resume()?;
        let context = || format!("{what}: {}", resumed.describe());
        let after = scene.ensure_nothing_lost().with_context(context)?;
        let told = match resumed.status {
            // A job adds to its audit log and does not read it. Who checks it does.
            0 => {
                scene.ensure_finished().with_context(context)?;
                let check = scene.recorded.run(&["audit", "1", "--check", "--json"])?;
                ensure!(check.status == 5, "{what}: audit --check ends with {}", check.status);
                "found by audit --check"
            }
            5 => {
                scene.ensure_refused(&resumed, &["; "]).with_context(context)?;
                "refused"
            }
            _ => anyhow::bail!("{}", context()),
        };
        ensure!(after >= before, "{what}: {before} were new, now {after}");
        scene.ensure_copies_without().context(*what)?;
        // What it says to do.
        let aside = scene.recorded.ledger.with_extension("aside");
        fs::rename(&scene.recorded.ledger, aside)?;
        for ending in ["db-wal", "db-shm"] {
            let beside = scene.recorded.ledger.with_extension(ending);
            if beside.exists() {
                fs::remove_file(beside)?;
            }
        }
        scene.copy()?.ensure_ok().context(*what)?;
        ensure!(scene.ensure_nothing_lost()? == FILES, "{what}: not all is new");
        figures.push(format!("{what}: {told}"));
    }
    Ok(figures.join("; "))
}

type Damage = fn(&Path) -> Result<()>;

const DAMAGES: &[(&str, Damage)] = &[
    ("first page of items", |ledger| overwrite_page_of(ledger, "items", 0)),
    ("a page of items", |ledger| overwrite_page_of(ledger, "items", 3)),
    ("first page of audit", |ledger| overwrite_page_of(ledger, "audit", 0)),
    ("a page of audit", |ledger| overwrite_page_of(ledger, "audit", 3)),
    ("first page of jobs", |ledger| overwrite_page_of(ledger, "jobs", 0)),
    ("first page of runs", |ledger| overwrite_page_of(ledger, "runs", 0)),
    ("first page of publications", |ledger| overwrite_page_of(ledger, "publications", 0)),
    ("first page of the file", |ledger| {
        Ok(File::options().write(true).open(ledger)?.write_all_at(&[0xa5; 3000], 100)?)
    }),
    ("half of it missing", |ledger| cut(ledger, 2)),
    ("all but a little missing", |ledger| cut(ledger, 50)),
    ("text", |ledger| Ok(fs::write(ledger, "shopping list\n".repeat(1000))?)),
    ("a later version", |ledger| {
        Ok(Connection::open(ledger)?.execute_batch("PRAGMA user_version = 99")?)
    }),
    ("another program's", |ledger| {
        Ok(Connection::open(ledger)?.execute_batch("PRAGMA application_id = 7")?)
    }),
];

/// Writes over the so-many-th page of a table, as its tree of pages goes.
fn overwrite_page_of(ledger: &Path, table: &str, number: usize) -> Result<()> {
    let database = Connection::open(ledger)?;
    let size: u64 = database.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let find = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let root: u64 = database.query_row(find, [table], |row| row.get(0))?;
    drop(database);
    let file = File::options().read(true).write(true).open(ledger)?;
    let mut page = root;
    let mut bytes = vec![0; usize::try_from(size)?];
    file.read_exact_at(&mut bytes, (page - 1) * size)?;
    // Down to the leaves: in an inner page, the number of a page beneath stands where a cell begins.
    while number > 0 && matches!(bytes[0], 2 | 5) {
        let cells = usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
        let at = 12 + 2 * number.min(cells - 1);
        let cell = usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        page = u64::from(u32::from_be_bytes(bytes[cell..cell + 4].try_into()?));
        file.read_exact_at(&mut bytes, (page - 1) * size)?;
    }
    ensure!(number == 0 || page != root, "{table} has one page only");
    file.write_all_at(&vec![0xa5; usize::try_from(size)?], (page - 1) * size)?;
    Ok(())
}

fn cut(ledger: &Path, divisor: u64) -> Result<()> {
    let length = fs::metadata(ledger)?.len() / divisor;
    File::options().write(true).open(ledger)?.set_len(length)?;
    Ok(())
}

/// A ledger of the first version that there ever was.
pub(crate) fn of_older_version(lab: &Lab) -> Result<String> {
    let scene = Scene::new(lab)?;
    let old = include_bytes!("../../../crates/ledger/testdata/v1/ledger.db");
    File::create_new(&scene.recorded.ledger)?.write_all(old)?;
    let jobs = scene.recorded.run(&["jobs", "--all", "--json"])?;
    jobs.ensure_ok()?;
    ensure!(!jobs.objects.is_empty(), "it has no jobs");
    let copied = scene.copy()?;
    copied.ensure_ok()?;
    scene.ensure_finished()?;
    let job = copied.objects[0]["job"].as_u64().context("the job has a number")?;
    let records = scene.recorded.ensure_sound(job)?;
    Ok(format!("{} old jobs, {records} records of the new one", jobs.objects.len()))
}
