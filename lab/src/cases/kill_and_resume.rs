//! A recorded job that is killed before each of its calls, and gone on with.

use std::cell::Cell;

use anyhow::{Context, Result, ensure};

use crate::copier::{self, done_among};
use crate::delay;
use crate::disturbed::{Disturbed, Ends};
use crate::job::{Job, Size};
use crate::lab::Lab;
use crate::ledger::Ledger;
use crate::trace::{KillPoint, Trace, kill_at, kill_at_each, some};
use crate::volume::Volume;

/// In one thread, so that calls come in the same order each time but for those of the thread that writes the
/// ledger; with a few groups.
const GROUP: usize = 6;
const OPTIONS: [&str; 6] = ["-j", "1", "--set", "group_max_files=6", "--on-conflict", "replace"];

/// What may be in flight: a group that is announced and not published, the one that is gathered
/// meanwhile, and the file that is being copied.
const IN_FLIGHT: usize = 2 * GROUP + 1;

const SIZE: Size = Size { small: 12, medium: 2 };

/// How many of the calls on the ledger's files are looked at on each volume. They are many, and
/// `SQLite` has its own tests of them.
const ON_LEDGER: usize = 60;

/// How many of the states that a kill leaves are resumed and killed again, and how often each.
const STATES: usize = 6;
const KILLS: usize = 12;

/// Whatever a kill has left, the resumed job ends like one that nothing has disturbed.
pub(crate) fn of_a_job(lab: &Lab) -> Result<String> {
    let job = Job::with_links(&lab.new_dir("source")?, SIZE)?;
    let mut figures = Vec::new();
    for (name, volume) in volumes(lab)? {
        figures.push(format!("{name}: {}", kill_jobs(lab, &job, &volume).context(name)?));
    }
    Ok(figures.join("; "))
}

fn volumes(lab: &Lab) -> Result<[(&'static str, Volume); 2]> {
    let ext4 = Volume::thin(lab, 256 << 20, 300 << 20)?;
    Ok([("tmpfs", Volume::tmpfs(lab, "size=256m")?), ("ext4", ext4)])
}

/// With the ledger on the same volume.
fn recorded<'a>(lab: &'a Lab, job: &'a Job, volume: &Volume) -> Disturbed<'a> {
    let ledger = Ledger::within(&volume.join("ledger"));
    Disturbed { lab, job, options: &OPTIONS, target: volume.join("target"), ledger }
}

fn kill_jobs(lab: &Lab, job: &Job, volume: &Volume) -> Result<String> {
    let recorded = recorded(lab, job, volume);
    let undisturbed = recorded.undisturbed()?;
    let begin = |wrapper: &[&str]| recorded.begin(wrapper);
    let trace = Trace::take(lab, begin)?;
    trace.ensure_ok()?;
    let points = trace.with_some_of_ledger(ON_LEDGER);
    let on_ledger = |points: &[&KillPoint]| points.iter().filter(|point| point.is_ledger).count();
    let (chosen, all) = (on_ledger(&points), on_ledger(&trace.points.iter().collect::<Vec<_>>()));
    let mut ends = Ends::default();
    let kills = kill_at_each(lab, &points, begin, |_, killed| {
        recorded
            .check_and_go_on(&done_among(&killed.copied()?.objects), &undisturbed, &mut ends)
            .map(drop)
    })?;
    ensure!(chosen >= ON_LEDGER.min(all) && chosen > 20, "only {chosen} calls on the ledger");
    ensure!(
        ends.found.old > 0 && ends.found.absent > 0 && ends.found_done > 0 && ends.begun > 0,
        "the kills were not spread: {ends}"
    );
    ensure!(
        ends.most_begun_again <= IN_FLIGHT,
        "more than {IN_FLIGHT} files are begun again: {ends}"
    );
    Ok(format!("{kills}, of them before {chosen} of {all} calls on the ledger: {ends}"))
}

/// The same when what resumes is killed too.
pub(crate) fn of_a_resumed_job(lab: &Lab) -> Result<String> {
    let job = Job::with_links(&lab.new_dir("source")?, SIZE)?;
    let mut figures = Vec::new();
    for (name, volume) in volumes(lab)? {
        figures.push(format!("{name}: {}", kill_twice(lab, &job, &volume).context(name)?));
    }
    Ok(figures.join("; "))
}

fn kill_twice(lab: &Lab, job: &Job, volume: &Volume) -> Result<String> {
    let recorded = recorded(lab, job, volume);
    let undisturbed = recorded.undisturbed()?;
    let trace = Trace::take(lab, |wrapper| recorded.begin(wrapper))?;
    trace.ensure_ok()?;
    // Where there is something to go on with.
    let publishing = |point: &&KillPoint| ["renameat2", "unlinkat"].contains(&point.call.as_str());
    let states = some(&trace.points.iter().filter(publishing).collect::<Vec<_>>(), STATES);
    let (mut ends, mut kills, mut all) = (Ends::default(), 0, 0);
    for state in states {
        let resume = |wrapper: &[&str]| {
            let attempt = |millis| kill_at(lab, state, millis, |wrapper| recorded.begin(wrapper));
            delay::soon_in_time(attempt)?.context("the first kill was not reached")?;
            Ok(recorded.ledger.resume_command(lab, wrapper))
        };
        let trace = Trace::take(lab, resume)?;
        trace.ensure_ok()?;
        all += trace.points.len();
        // Another place among the calls each time.
        let points: Vec<_> = trace.points.iter().collect();
        let done = kill_at_each(lab, &some(&points, KILLS), resume, |_, killed| {
            recorded
                .check_and_go_on(&done_among(&killed.copied()?.objects), &undisturbed, &mut ends)
                .map(drop)
        });
        kills += done.with_context(|| format!("resumed after being {state}"))?.kills;
    }
    ensure!(kills > STATES * KILLS / 2, "only {kills} kills");
    Ok(format!("{kills} kills of {STATES} resumed jobs, which have {all} calls: {ends}"))
}

/// What a bad end is found by: were it not found, nothing that is not found would mean anything.
pub(crate) fn of_bad_ends(lab: &Lab) -> Result<String> {
    let job = Job::with_links(&lab.new_dir("source")?, SIZE)?;
    let volume = Volume::tmpfs(lab, "size=256m")?;
    let recorded = recorded(lab, &job, &volume);
    let undisturbed = recorded.undisturbed()?;
    let is_found = |what: &str, words: &str| -> Result<()> {
        let error = recorded.ensure_ended(&undisturbed).err().with_context(|| what.to_owned())?;
        ensure!(format!("{error:#}").contains(words), "{what}: {error:#}");
        Ok(())
    };
    // Without going on, kills leave what must not stay.
    let trace = Trace::take(lab, |wrapper| recorded.begin(wrapper))?;
    let middle: Vec<_> = trace.points.iter().filter(|point| point.call == "renameat2").collect();
    let mut left = 0;
    kill_at_each(
        lab,
        &some(&middle, 6),
        |wrapper| recorded.begin(wrapper),
        |_, _| {
            left += usize::from(recorded.ensure_ended(&undisturbed).is_err());
            Ok(())
        },
    )?;
    ensure!(left == 6, "{left} unfinished jobs of 6 are found");
    // Copying anew instead of resuming makes other files of those that are there.
    let there = Cell::new(0);
    kill_at_each(
        lab,
        &some(&middle[middle.len() / 2..], 2),
        |w| recorded.begin(w),
        |_, _| {
            there.set(job.new_ones(&recorded.target).len());
            let before = job.new_ones(&recorded.target);
            copier::finish(&mut recorded.command(&[]))?.ensure_ok()?;
            let same = recorded.ensure_same_files(&before);
            ensure!(same.is_err_and(|e| e.to_string().contains("copied again")), "copied again");
            Ok(())
        },
    )?;
    ensure!(there.get() > 0, "nothing was there");
    for (what, change, words) in CHANGES {
        recorded.undisturbed()?;
        recorded.ledger.database()?.execute_batch(change).context(*what)?;
        is_found(what, words)?;
    }
    // Of what is really copied twice the log tells twice, so that is found by counting.
    recorded.undisturbed()?;
    recorded.ledger.database()?.execute_batch(COPIED_TWICE)?;
    let counted = recorded.ledger.items(lab)?.ensure_each_once(&job.targets(&recorded.target));
    ensure!(counted.is_err_and(|error| error.to_string().contains("more than once")), "counted");
    Ok(format!("{left} unfinished, {} changed", CHANGES.len()))
}

/// One item becomes two that were copied to the same target.
const COPIED_TWICE: &str = "
    CREATE TEMP TABLE again AS SELECT items.* FROM items JOIN ends USING (job, item)
        WHERE state = 'ok' AND kind = 'file' LIMIT 1;
    CREATE TEMP TABLE its_end AS SELECT ends.* FROM ends JOIN again USING (job, item);
    UPDATE again SET item = 1000000; INSERT INTO items SELECT * FROM again;
    UPDATE its_end SET item = 1000000; INSERT INTO ends SELECT * FROM its_end";

/// What is done to a good end, and what is said of it.
static CHANGES: &[(&str, &str, &str)] = &[
    (
        "an altered record",
        "DROP TRIGGER audit_is_never_changed;
        UPDATE audit SET body = replace(body, 'run_ended', 'run_begun')",
        "audit --check",
    ),
    ("an item that nothing tells of", COPIED_TWICE, "audit --check"),
    (
        "pages that nothing names",
        "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'items_by_name'",
        "not whole",
    ),
    (
        "a row that belongs to nothing",
        "PRAGMA foreign_keys = OFF; INSERT INTO roots SELECT 99, mapping, source, destination FROM roots",
        "belong to nothing",
    ),
];
