//! `surecopy verify`: what is said of copies that are not what they were.

use crate::program::Folder;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("src/a", "first").write("src/b", "second");
    folder.run(&["copy", "--strategy", "staged", "src/", "dst"]).all_done();
    folder
}

/// Another content, with the size and the time that it had.
pub(crate) fn rot(folder: &Folder, name: &str, content: &str) {
    let path = folder.path(name);
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    assert_eq!(folder.read(name).len(), content.len());
    // Written to where it is: another file would be somebody's.
    let mut file = std::fs::File::options().write(true).open(path).unwrap();
    std::io::Write::write_all(&mut file, content.as_bytes()).unwrap();
    file.set_modified(modified).unwrap();
}

#[test]
fn what_was_edited_or_removed_is_not_blamed_on_the_disk() {
    let folder = folder();
    folder.write("dst/a", "edited since");
    std::fs::remove_file(folder.path("dst/b")).unwrap();
    let ended = folder.run(&["verify", "1"]);
    assert_eq!(ended.code, 3, "{}", ended.stdout);
    let stderr = ended.stderr;
    assert!(stderr.contains("TARGET_CHANGED (2 items):\n"), "{stderr}");
    assert!(stderr.contains("/dst/a: it was changed since it was copied\n"), "{stderr}");
    assert!(stderr.contains("    it had 5 bytes and has 12 now\n"), "{stderr}");
    assert!(stderr.contains("/dst/b: it is not there any more\n"), "{stderr}");
    assert!(stderr.contains("in place of what was changed since"), "{stderr}");
    assert!(stderr.contains("check first that its disk is mounted"), "{stderr}");
    assert!(!stderr.contains("do not trust") && !stderr.contains("stop it"), "{stderr}");
    folder.run(&["resume", "1"]).all_done();
    assert_eq!((folder.read("dst/a"), folder.read("dst/b")), ("first".into(), "second".into()));
}

#[test]
fn what_was_not_edited_and_differs_is_blamed_on_the_disk() {
    let folder = folder();
    rot(&folder, "dst/a", "fIrst");
    let ended = folder.run(&["verify", "1"]);
    assert_eq!(ended.code, 3, "{}", ended.stdout);
    assert!(ended.stdout.contains("the same: 1 file, 6 B read"), "{}", ended.stdout);
    assert!(ended.stderr.contains("VERIFY_MISMATCH (1 item):\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("do not trust this disk"), "{}", ended.stderr);
}

#[test]
fn a_destination_that_is_gone_may_not_be_mounted() {
    let folder = folder();
    std::fs::rename(folder.path("dst"), folder.path("elsewhere")).unwrap();
    let stderr = folder.run(&["verify", "1"]).stderr;
    assert!(stderr.contains("check first that its disk is mounted"), "{stderr}");
    assert!(!stderr.contains("stop it"), "{stderr}");
}

/// What was never copied is not the same as anything.
#[test]
fn what_was_not_copied_is_told() {
    let folder = folder();
    folder.write("taken/a", "taken").write("src/c", "third");
    assert_eq!(folder.run(&["copy", "--on-conflict", "fail", "src/", "taken"]).code, 1);
    let ended = folder.run(&["verify", "2"]).all_done();
    let line = "not copied: 1 item (the job is incomplete: surecopy retry 2)";
    assert_eq!(ended.stdout.lines().last().unwrap(), line, "{}", ended.stdout);
    let report = folder.run(&["verify", "--json", "2"]).all_done().objects().pop().unwrap();
    assert_eq!((&report["not_copied"], &report["type"]), (&1.into(), &"verify_report".into()));
    // Of a finished job nothing is missing.
    let ended = folder.run(&["verify", "1"]).all_done();
    assert!(!ended.stdout.contains("not copied"), "{}", ended.stdout);
    let report = folder.run(&["verify", "--json", "1"]).all_done().objects().pop().unwrap();
    assert_eq!(report["not_copied"], 0);
}

#[test]
fn each_item_is_shown_to_who_asks_for_it() {
    let folder = folder();
    std::os::unix::fs::symlink("a", folder.path("src/link")).unwrap();
    folder.run(&["resume", "1"]).all_done();
    folder.write("dst/b", "edited since");
    let lines = |verbosity: &str| {
        let ended = folder.run(&["verify", verbosity, "-j1", "1"]);
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        let text = ended.stdout.replace(folder.path("").to_str().unwrap(), "/work/");
        let mut lines: Vec<_> = text.lines().skip(1).map(str::to_owned).collect();
        lines.retain(|line| !line.starts_with("the same: "));
        lines
    };
    let normal = lines("--progress=never");
    let mut items = lines("-v");
    assert_eq!(items.split_off(items.len() - normal.len()), normal);
    items.sort();
    let mut a = items.remove(2);
    // Where a volume cannot be read past the cache, less is claimed.
    a = a.replace("cache ", "device");
    insta::assert_snapshot!(format!("{}\n{a}", items.join("\n")), @r#"
    as old    none   /work/dst/link
    damaged          /work/dst/b: it was changed since it was copied (TARGET_CHANGED)
    same      device /work/dst/a
    "#);
    let details = lines("-vv");
    let at = details.iter().position(|line| line.ends_with("/dst/a")).unwrap();
    let digest = "22896bcbc3d1c76a0b90c4c3523dbea532ad63196fafdbd52cced52200d3dae4";
    assert_eq!(details[at + 1], format!("          blake3 {digest}"));
}

/// What is done at once is not advised.
#[test]
fn no_advice_is_given_that_is_followed_at_once() {
    let folder = folder();
    folder.write("dst/a", "edited since");
    std::fs::remove_file(folder.path("dst/b")).unwrap();
    let ended = folder.run(&["resume", "--reverify", "1"]).all_done();
    assert!(ended.stderr.contains("2 items are not what was copied"), "{}", ended.stderr);
    assert!(ended.stderr.contains("it is copied again now"), "{}", ended.stderr);
    let is_advised =
        ended.stderr.contains("surecopy resume") || ended.stdout.contains("surecopy resume");
    assert!(!is_advised, "{}{}", ended.stdout, ended.stderr);
    assert_eq!((folder.read("dst/a"), folder.read("dst/b")), ("first".into(), "second".into()));
}

/// It is the destination that is not there, and no source is told to be missing.
#[test]
fn a_destination_that_is_not_there_is_named() {
    let folder = folder();
    std::fs::create_dir(folder.path("card")).unwrap();
    folder.run(&["copy", "src/", "card"]).all_done();
    std::fs::rename(folder.path("card"), folder.path("elsewhere")).unwrap();
    let (source, target) = (folder.path("src"), folder.path("card"));
    let advice = "check first that its disk is mounted and that the directory was not moved";
    for command in ["verify", "resume"] {
        let ended = folder.run(&[command, "2"]);
        assert_eq!(ended.code, 4, "{}", ended.stdout);
        let line = format!("  {}: open directory: No such file", target.display());
        assert!(ended.stderr.contains(&line), "{}", ended.stderr);
        assert!(ended.stderr.contains(&format!("what to do: {advice}")), "{}", ended.stderr);
        assert!(!ended.stderr.contains(source.to_str().unwrap()), "{}", ended.stderr);
        let objects = folder.run(&[command, "--json", "2"]).objects();
        let error = &crate::program::of_type(&objects, "problem")[0]["error"];
        assert_eq!(error["path"], target.to_str().unwrap());
        assert!(error["suggestion"].as_str().unwrap().starts_with(advice), "{error}");
    }
}

/// It has been copied, and is counted with what is damaged.
#[test]
fn what_is_damaged_and_was_not_copied_again_is_counted_once() {
    // Before it was planned, and after.
    for policy in ["update", "fail"] {
        let folder = Folder::new();
        folder.write("src/a", "first").write("src/b", "second").write("src/c", "third");
        let not_copied = i64::from(policy == "fail");
        if policy == "fail" {
            folder.write("dst/c", "taken");
        }
        let ended = folder.run(&["copy", "--on-conflict", policy, "src/", "dst"]);
        assert_eq!(i64::from(ended.code), not_copied, "{}", ended.stderr);
        std::fs::remove_file(folder.path("dst/a")).unwrap();
        folder.write("dst/a/in the way", "");
        let report = || folder.run(&["verify", "--json", "1"]).objects().pop().unwrap();
        assert_eq!(
            (&report()["damaged"], &report()["not_copied"]),
            (&1.into(), &not_copied.into())
        );
        assert_eq!(folder.run(&["resume", "1"]).code, 1);
        let report = report();
        assert_eq!(report["same"], 2 - not_copied);
        assert_eq!((&report["damaged"], &report["not_copied"]), (&1.into(), &not_copied.into()));
    }
}

/// What resume has nothing to copy from is not for resume.
#[test]
fn damage_of_what_is_no_longer_in_the_source_is_told_as_that() {
    let folder = folder();
    folder.write("dst/a", "edited since");
    std::fs::remove_file(folder.path("src/a")).unwrap();
    let resume = "to copy the damaged ones again: surecopy resume 1\n";
    let lost = "damaged, and no longer in the source: surecopy audit 1 --state damaged\n";
    let stderr = folder.run(&["verify", "1"]).stderr;
    assert!(stderr.ends_with(resume), "{stderr}");
    // Now it is known, and stays so when it is found again.
    let stderr = folder.run(&["resume", "1"]).all_done().stderr;
    assert!(stderr.ends_with(lost), "{stderr}");
    let stderr = folder.run(&["verify", "1"]).stderr;
    assert!(stderr.ends_with(lost), "{stderr}");
    let status = folder.run(&["status", "1"]).all_done().stdout;
    assert!(status.ends_with(lost), "{status}");
    let status = folder.run(&["status", "--json", "1"]).all_done().objects().remove(0);
    assert_eq!((&status["next"], &status["items"]["damaged"]), (&().into(), &1.into()));
    // What resume can copy is for resume, beside that.
    folder.write("dst/b", "edited, too");
    let stderr = folder.run(&["verify", "1"]).stderr;
    assert!(stderr.ends_with(resume), "{stderr}");
    folder.run(&["resume", "1"]).all_done();
    assert_eq!(folder.read("dst/b"), "second");
    let status = folder.run(&["status", "1"]).all_done().stdout;
    assert!(status.ends_with(lost), "{status}");
}
