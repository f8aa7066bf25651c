//! What the slashes mean: the whole table.

use crate::program::Folder;

/// A directory, a file, an existing directory and an existing file.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("dir/inner", "inner").write("file", "file").write("there/old", "old");
    folder.write("other", "other");
    folder
}

/// Arguments, what was copied, and where it must be found.
type Row = (&'static [&'static str], &'static [&'static str]);

#[test]
fn every_combination() {
    let rows: [Row; 23] = [
        (&["dir", "there"], &["there/dir/inner"]),
        (&["dir", "there/"], &["there/dir/inner"]),
        (&["dir/", "there"], &["there/inner"]),
        (&["dir/", "there/"], &["there/inner"]),
        (&["dir/.", "there"], &["there/inner"]),
        (&["dir", "new"], &["new/inner"]),
        (&["dir/", "new"], &["new/inner"]),
        (&["dir", "new/"], &["new/dir/inner"]),
        (&["dir/", "new/"], &["new/inner"]),
        (&["dir", "deep/new"], &["deep/new/inner"]),
        (&["-T", "dir", "there"], &["there/inner"]),
        (&["-T", "dir/", "there"], &["there/inner"]),
        (&["-T", "dir", "new"], &["new/inner"]),
        (&["-r", "dir", "there"], &["there/dir/inner"]),
        (&["-R", "-r", "dir", "there"], &["there/dir/inner"]),
        (&["file", "there"], &["there/file"]),
        (&["file", "there/"], &["there/file"]),
        (&["file", "new"], &["new"]),
        (&["file", "new/"], &["new/file"]),
        (&["-T", "file", "new"], &["new"]),
        (&["file", "other"], &["other"]),
        (&["dir", "file", "there"], &["there/dir/inner", "there/file"]),
        (&["dir/", "file", "new/"], &["new/inner", "new/file"]),
    ];
    for (arguments, expected) in rows {
        let folder = folder();
        let before = folder.listing();
        let mut all = vec!["copy"];
        all.extend(arguments);
        folder.run(&all).all_done();
        for path in expected {
            let content = if path.ends_with("inner") { "inner" } else { "file" };
            assert_eq!(folder.read(path), content, "{arguments:?}");
        }
        // Nothing else but the directories on the way.
        for path in folder.listing().iter().filter(|path| !before.contains(path)) {
            let is_on_the_way =
                expected.iter().any(|e| e == path || e.starts_with(&format!("{path}/")));
            assert!(is_on_the_way, "{arguments:?} made {path}");
        }
        assert_eq!(folder.read("there/old"), "old");
    }
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_written() {
    let rows: [(&[&str], &str); 7] = [
        (&["dir", "file", "new"], "several sources"),
        (&["dir", "file", "other"], "several sources"),
        (&["-T", "dir", "file", "there"], "one source"),
        (&["dir", "other"], "cannot be copied there"),
        (&["-T", "file", "there"], "cannot replace"),
        (&["file/", "there"], "slash"),
        (&["file", "other/"], "is a file, though written with a slash"),
    ];
    for (arguments, words) in rows {
        let folder = folder();
        let before = folder.listing();
        let mut all = vec!["copy"];
        all.extend(arguments);
        let ended = folder.run(&all);
        assert_eq!(ended.code, 2, "{arguments:?}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains(words), "{arguments:?}: {}", ended.stderr);
        assert_eq!(folder.listing(), before, "{arguments:?}");
    }
}

#[test]
fn the_mapping_is_the_first_thing_shown() {
    let folder = folder();
    let ended = folder.run(&["copy", "-n", "dir", "file", "new/"]).all_done();
    let first: Vec<&str> = ended.stdout.lines().take(2).collect();
    insta::assert_snapshot!(first.join("\n"), @r#"
    dir -> new/dir
    file -> new/file
    "#);
}
