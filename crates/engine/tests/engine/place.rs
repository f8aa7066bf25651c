//! Where copies go: what was typed is followed, what was put there by others is not.

use std::path::PathBuf;
use std::sync::Arc;

use surecopy_engine::{ErrorCode, ItemStatus, MappingError, Outcome, Request, resolve_mappings};
use surecopy_testkit::FakeFs;

use crate::job::{carry_out, copy, spec};

/// An empty path is a variable that was not set; the current directory is not meant by it.
#[test]
fn an_empty_path_is_not_the_current_directory() {
    let fs = FakeFs::new();
    fs.file("/src/f", "x").file("/other", "y");
    let rows: [(&[&str], &str); 4] =
        [(&["/src/"], ""), (&[""], "/dst"), (&["/other", ""], "/dst"), (&["/other", "/src"], "")];
    for (sources, destination) in rows {
        for exact_target in [false, true] {
            let sources: Vec<PathBuf> = sources.iter().map(PathBuf::from).collect();
            let exact_target = exact_target && sources.len() == 1;
            let destination = PathBuf::from(destination);
            let request = Request { sources, destination, exact_target };
            let resolved = resolve_mappings(&fs, &request);
            assert!(matches!(resolved, Err(MappingError::EmptyPath)), "{request:?}: {resolved:?}");
        }
    }
}

#[test]
fn row_29_a_link_by_the_sources_name_is_not_followed() {
    let fs = FakeFs::new();
    fs.file("/conf/f", "x").dir("/elsewhere").dir("/dst").symlink("/dst/conf", "/elsewhere");
    let fs = Arc::new(fs);
    let ran = copy(&fs, "/conf", "/dst");
    assert_eq!(ran.report.tally.ok, 0, "{}", ran.in_short());
    assert!(fs.names("/elsewhere").is_empty(), "{:?}", fs.names("/elsewhere"));
}

#[test]
fn row_29_a_link_that_was_typed_is_followed() {
    for (source, below) in [("/conf", "conf"), ("/conf/", "")] {
        let fs = FakeFs::new();
        fs.file("/conf/f", "x").dir("/real").symlink("/typed", "/real");
        let fs = Arc::new(fs);
        copy(&fs, source, "/typed").all_ok();
        let target = std::path::Path::new("/real").join(below).join("f");
        assert_eq!(fs.read(target).as_deref(), Some(&b"x"[..]), "{source}");
    }
}

#[test]
fn row_31_a_directory_is_not_copied_onto_itself_by_its_parent() {
    let fs = FakeFs::new();
    fs.file("/a/src/file", "x");
    let ran = carry_out(&Arc::new(fs.clone()), &spec(&fs, &["/a/src"], "/a"));
    assert_eq!(ran.report.outcome, Outcome::Refused, "{}", ran.in_short());
    let codes: Vec<_> = ran.report.problems.iter().map(|problem| problem.error.code).collect();
    assert!(codes.contains(&ErrorCode::SameFile), "{}", ran.in_short());
}

#[test]
fn several_sources_are_copied_a_second_time() {
    let fs = FakeFs::new();
    fs.file("/d1/f", "one").file("/d2/f", "two").dir("/dst");
    let fs = Arc::new(fs);
    carry_out(&fs, &spec(fs.as_ref(), &["/d1", "/d2"], "/dst")).all_ok();
    let again = carry_out(&fs, &spec(fs.as_ref(), &["/d1", "/d2"], "/dst"));
    assert!(again.report.problems.is_empty(), "{}", again.in_short());
    assert!(again.items().all(|item| matches!(item.status, ItemStatus::Skipped(_))));
}

/// Mappings need not share their root: what counts is the directory that a target stands in.
#[test]
fn targets_meet_whatever_root_they_are_written_from() {
    let fs = FakeFs::new();
    fs.file("/one/sub/new/f", "one").file("/two/f", "two").dir("/dst/sub");
    let mut job = spec(&fs, &["/one/"], "/dst");
    job.mappings.append(&mut spec(&fs, &["/two/"], "/dst/sub/new").mappings);
    assert_ne!(job.mappings[0].destination_root, job.mappings[1].destination_root);
    let fs = Arc::new(fs);
    let ran = carry_out(&fs, &job);
    let codes: Vec<_> = ran.report.problems.iter().map(|problem| problem.error.code).collect();
    assert_eq!(codes, [ErrorCode::DuplicateTarget], "{}", ran.in_short());
    assert_eq!(fs.read("/dst/sub/new/f").as_deref(), Some(&b"one"[..]));
}

/// As a bind mount of a directory of the source has it: the destination's way up does not lead
/// through the source.
#[test]
fn row_31_a_destination_that_is_seen_in_the_source_is_not_copied_into_itself() {
    for (source, target) in [("/src", "/m"), ("/src/", "/m"), ("/src", "/m/new")] {
        let fs = FakeFs::new();
        fs.file("/src/file", "x").file("/src/sub/inside", "y").link("/src/sub", "/m");
        let fs = Arc::new(fs);
        let ran = copy(&fs, source, target);
        let codes: Vec<_> = ran.report.problems.iter().map(|problem| problem.error.code).collect();
        assert_eq!(codes, [ErrorCode::DestinationInsideSource], "{source} {}", ran.in_short());
        assert_eq!(ran.report.tally.ok, 1, "{}", ran.in_short());
        assert!(!ran.items().any(|item| item.target.ends_with("sub/inside")));
    }
}
