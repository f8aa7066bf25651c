//! A large tree of which little has changed: that little is listed, and nothing else.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use surecopy_fs::Operation;

use super::{PrepareMode, Scene, sums_of};

const DIRECTORIES: usize = 10_000;

/// A hundred directories with a hundred in each, all with names of their own.
fn directory(number: usize) -> PathBuf {
    let above = PathBuf::from(format!("/v/{:02}", number / 100));
    if number.is_multiple_of(100) { above } else { above.join(format!("{number:04}")) }
}

#[test]
fn of_ten_thousand_directories_only_those_that_were_touched_are_listed_again() {
    let scene = Scene::new();
    for number in 0..DIRECTORIES {
        scene.fs.file(directory(number).join("file"), "content");
    }
    scene.fs.pass(Duration::from_secs(10));
    let sources = ["/v".into()];
    let first = scene.run(&sources, PrepareMode::Auto);
    let all = DIRECTORIES as u64 + 1;
    assert_eq!((first.listed_directories, first.directories), (all, all));

    // One of a hundred, at all depths.
    let touched: BTreeSet<PathBuf> =
        (0..DIRECTORIES).step_by(100).map(|at| at + at / 100).map(directory).collect();
    assert_eq!(touched.len(), 100);
    for (nth, path) in touched.iter().enumerate() {
        match nth % 3 {
            0 => scene.fs.file(path.join("more"), "more"),
            1 => scene.fs.rename(path.join("file"), path.join("renamed")),
            _ => scene.fs.remove(path.join("file")),
        };
    }
    scene.fs.pass(Duration::from_secs(10));
    let there = scene.look(&sources);
    scene.fs.reset_counts();
    let (prepared, found) = scene.list(&sources, PrepareMode::Auto);
    let listed: BTreeSet<String> = scene
        .fs
        .operations()
        .into_iter()
        .filter_map(|(operation, name)| (operation == Operation::List).then_some(name))
        .collect();

    assert_eq!(
        listed,
        touched.iter().map(|path| path.strip_prefix("/").unwrap().display().to_string()).collect()
    );
    assert_eq!(scene.fs.count(Operation::List), 100);
    assert_eq!((prepared.listed_directories, prepared.stale_directories), (100, 100));
    assert_eq!((prepared.fresh_directories, prepared.gone_directories), (all - 100, 0));
    assert_eq!(found.names(), there.names());
    assert_eq!(found.sums(), there.sums());

    // Now all of it is known, by its sums alone as well.
    scene.fs.reset_counts();
    let sums = scene.run(&sources, PrepareMode::Auto);
    assert_eq!((sums.is_exact, sums_of(&sums)), (true, there.sums()));
    assert_eq!((scene.fs.count(Operation::List), sums.listed_directories), (0, 0));
}
