//! Who may do what with a copy: set-id bits, and permissions that are not to be kept.

use std::sync::Arc;

use surecopy_engine::{
    CopySpec, ErrorCode, ItemStatus, LossCause, MetadataLoss, Outcome, Preserve,
};
use surecopy_fs::{FsErrorKind, Operation, Xattr};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan};

use crate::job::{Ran, carry_out, copy, spec};

/// Somebody else than the user who copies.
const OTHER: u32 = 2000;

fn mode(fs: &FakeFs, path: &str) -> u32 {
    fs.stat(path).unwrap_or_else(|| panic!("{path} is not there")).mode
}

#[track_caller]
fn has_lost(ran: &Ran, target: &str, loss: MetadataLoss) -> bool {
    let item = ran.item(target);
    assert_eq!(item.status, ItemStatus::Ok, "{}", ran.in_short());
    item.metadata_warnings.iter().any(|warning| warning.loss == loss)
}

/// A program of another user that runs as that user.
fn program() -> FakeFs {
    let fs = FakeFs::new();
    fs.file("/src/f", "a program").owner("/src/f", OTHER, OTHER).mode("/src/f", 0o6755);
    fs.dir("/dst");
    fs
}

#[test]
fn set_id_bits_are_not_given_to_another_owners_file() {
    let fs = program();
    fs.privileged(true);
    let fs = Arc::new(fs);
    let mut spec = spec(fs.as_ref(), &["/src/"], "/dst");
    spec.preserve = Preserve { set_id: true, ..Preserve::DEFAULT };
    spec.is_privileged = true;
    let ran = carry_out(&fs, &spec);
    assert_eq!(mode(&fs, "/dst/f"), 0o755, "{}", ran.in_short());
    assert!(has_lost(&ran, "/dst/f", MetadataLoss::Permissions), "{}", ran.in_short());
}

#[test]
fn each_set_id_bit_needs_its_own_owner() {
    for (keeps_owner, keeps_group, wanted) in
        [(true, true, 0o6755), (true, false, 0o4755), (false, true, 0o2755)]
    {
        let fs = program();
        fs.privileged(true);
        let fs = Arc::new(fs);
        let mut spec = spec(fs.as_ref(), &["/src/"], "/dst");
        spec.preserve.owner = keeps_owner;
        spec.preserve.group = keeps_group;
        spec.is_privileged = true;
        let ran = carry_out(&fs, &spec);
        assert_eq!(mode(&fs, "/dst/f"), wanted, "{keeps_owner} {keeps_group}");
        let is_whole = keeps_owner && keeps_group;
        assert_eq!(has_lost(&ran, "/dst/f", MetadataLoss::Permissions), !is_whole);
    }
}

#[test]
fn set_id_bits_are_kept_by_the_owners_own_copy() {
    let fs = FakeFs::new();
    fs.file("/src/f", "a program").mode("/src/f", 0o6755).dir("/dst");
    let fs = Arc::new(fs);
    let ran = carry_out(&fs, &spec(fs.as_ref(), &["/src/"], "/dst"));
    assert_eq!(mode(&fs, "/dst/f"), 0o6755, "{}", ran.in_short());
    assert!(!has_lost(&ran, "/dst/f", MetadataLoss::Permissions));
}

#[test]
fn row_47_set_id_bits_go_when_the_owner_cannot_be_given() {
    // An ordinary user, and one for whom giving files away fails.
    for is_privileged in [false, true] {
        let fake = program();
        fake.privileged(is_privileged);
        let plan = FaultPlan::from_then_on(1, FsErrorKind::NotPermitted).only(Operation::SetOwner);
        let fs = Arc::new(FaultFs::new(fake, plan));
        let mut spec = spec(fs.as_ref(), &["/src/"], "/dst");
        spec.is_privileged = is_privileged;
        let ran = carry_out(&fs, &spec);
        assert!(fs.fired());
        assert_eq!(mode(fs.inner(), "/dst/f"), 0o755, "{}", ran.in_short());
        assert!(has_lost(&ran, "/dst/f", MetadataLoss::Permissions));
        assert!(has_lost(&ran, "/dst/f", MetadataLoss::Owner));
    }
}

/// Without privilege an owner cannot be given away, to a link as little as to a file.
#[test]
fn row_47_an_owner_that_is_not_kept_is_told_of_files_and_links() {
    for is_privileged in [false, true] {
        let fs = FakeFs::new();
        fs.file("/src/f", "x").symlink("/src/l", "f").symlink("/src/mine", "f").dir("/dst");
        fs.owner("/src/f", 4_000, 1000).owner("/src/l", 4_000, 1000).privileged(is_privileged);
        let fs = Arc::new(fs);
        let mut spec = spec(fs.as_ref(), &["/src/"], "/dst");
        spec.is_privileged = is_privileged;
        let ran = carry_out(&fs, &spec);
        ran.all_ok();
        for path in ["/dst/f", "/dst/l"] {
            let owner = if is_privileged { 4_000 } else { 1_000 };
            assert_eq!(fs.stat(path).expect("it is there").uid, owner, "{path}");
            let is_told = has_lost(&ran, path, MetadataLoss::Owner);
            assert_eq!(is_told, !is_privileged, "{path}: {:#?}", ran.item(path));
        }
        assert!(!has_lost(&ran, "/dst/mine", MetadataLoss::Owner));
    }
}

/// A directory's group is passed on to what is made in it; that is the destination's business
/// unless set-id bits are to be kept.
#[test]
fn directories_keep_their_own_set_id_bits() {
    let fs = FakeFs::new();
    fs.file("/src/new/f", "x").file("/src/old/f", "x").file("/src/plain/f", "x");
    for name in ["new", "old", "plain"] {
        fs.mode(format!("/src/{name}"), 0o755);
    }
    fs.mode("/src/new", 0o2755).mode("/src/plain", 0o2750);
    fs.dir("/dst/old").mode("/dst/old", 0o2700);
    fs.dir("/dst/plain").mode("/dst/plain", 0o700);
    // What the kernel does beneath a directory with the bit.
    fs.file("/src/inherits/f", "x").mode("/src/inherits", 0o711);
    fs.before(Operation::CreatePartial, |fs, _| {
        if fs.exists("/dst/inherits") {
            fs.mode("/dst/inherits", 0o2700);
        }
    });
    let fs = Arc::new(fs);
    let mut spec = spec(fs.as_ref(), &["/src/"], "/dst");
    spec.preserve = Preserve::DEFAULT;
    carry_out(&fs, &spec).all_ok();
    assert_eq!(mode(&fs, "/dst/new"), 0o755);
    assert_eq!(mode(&fs, "/dst/old"), 0o2755);
    assert_eq!(mode(&fs, "/dst/plain"), 0o750);
    assert_eq!(mode(&fs, "/dst/inherits"), 0o2711);
    // With set-id bits, a copy is like its source.
    spec.preserve = Preserve::ALL;
    carry_out(&fs, &spec);
    assert_eq!(mode(&fs, "/dst/new"), 0o2755);
    assert_eq!(mode(&fs, "/dst/old"), 0o755);
}

#[test]
fn directories_on_the_way_keep_what_they_inherit() {
    let fs = FakeFs::new();
    fs.file("/f", "x").dir("/dst");
    fs.before(Operation::CreatePartial, |fs, _| {
        fs.mode("/dst/new", 0o2700);
    });
    let mut job = spec(&fs, &["/f"], "/dst");
    job.mappings[0].target = surecopy_fs::RelPath::new("new/f").expect("a plain path");
    let fs = Arc::new(fs);
    carry_out(&fs, &job).all_ok();
    assert_eq!(mode(&fs, "/dst/new"), 0o2755);
}

fn access_list() -> Xattr {
    Xattr { name: "system.posix_acl_access".into(), value: b"a list".to_vec() }
}

/// Where a list of access rights is kept, the group's bits are its mask. Any other file that lost
/// them has lost its group's rights, whether lists would have been kept or not.
#[test]
fn permissions_of_the_group_that_did_not_stay_are_warned_of() {
    for (has_list, keeps_lists, is_warned) in
        [(false, true, true), (false, false, true), (true, true, false), (true, false, true)]
    {
        let fs = FakeFs::new();
        fs.file("/src/f", "x").mode("/src/f", 0o664).dir("/dst");
        if has_list {
            fs.xattr("/src/f", access_list());
        }
        // A volume that takes the permissions, and shows others.
        fs.before(Operation::SetTimes, |fs, _| {
            for name in fs.names("/dst") {
                fs.mode(std::path::Path::new("/dst").join(name), 0o604);
            }
        });
        let fs = Arc::new(fs);
        let mut spec = spec(fs.as_ref(), &["/src/f"], "/dst");
        spec.preserve.acls = keeps_lists;
        let ran = carry_out(&fs, &spec);
        assert_eq!(mode(&fs, "/dst/f"), 0o604);
        let found = has_lost(&ran, "/dst/f", MetadataLoss::Permissions);
        assert_eq!(found, is_warned, "list {has_list}, kept {keeps_lists}: {}", ran.in_short());
    }
}

/// A list that the directory passed on lets somebody in whom the source does not.
#[test]
fn an_inherited_access_list_that_stays_is_warned_of() {
    // The source's attributes are listed first, then the target's; only then is one removed.
    for (operation, nth) in [(Operation::ListXattrs, 2), (Operation::SetXattr, 1)] {
        let fake = FakeFs::new();
        fake.file("/src/f", "x").dir("/dst");
        fake.before(Operation::SetPermissions, |fs, _| {
            for name in fs.names("/dst") {
                fs.xattr(std::path::Path::new("/dst").join(name), access_list());
            }
        });
        let plan = FaultPlan::once(nth, FsErrorKind::Io).only(operation);
        let fs = Arc::new(FaultFs::new(fake, plan));
        let ran = carry_out(&fs, &spec(fs.as_ref(), &["/src/f"], "/dst"));
        assert!(fs.fired());
        assert!(has_lost(&ran, "/dst/f", MetadataLoss::Acls), "{operation:?}: {}", ran.in_short());
    }
}

#[test]
fn permissions_that_are_not_kept_are_the_destinations_own() {
    for preserve in [Preserve::NONE, Preserve { set_id: true, ..Preserve::NONE }] {
        keeps_the_destinations_permissions(preserve);
    }
}

#[track_caller]
fn keeps_the_destinations_permissions(preserve: Preserve) {
    let fs = FakeFs::new();
    for name in ["new", "replaced", "program", "old/f", "made/f"] {
        fs.file(format!("/src/{name}"), "from the source").mode(format!("/src/{name}"), 0o6777);
    }
    fs.file("/src/closed", "x").mode("/src/closed", 0o400);
    fs.mode("/src/old", 0o777).mode("/src/made", 0o1777).mode("/src", 0o777);
    fs.file("/dst/replaced", "old").mode("/dst/replaced", 0o640);
    fs.file("/dst/program", "old").mode("/dst/program", 0o6711);
    fs.dir("/dst/old").mode("/dst/old", 0o710).mode("/dst", 0o750);
    let fs = Arc::new(fs);
    let mut spec = spec(fs.as_ref(), &["/src/"], "/dst");
    spec.preserve = preserve;
    spec.creation_mask = 0o027;
    carry_out(&fs, &spec).all_ok();
    let wanted = [
        ("/dst", 0o750),
        ("/dst/old", 0o710),
        ("/dst/made", 0o750),
        ("/dst/made/f", 0o750),
        ("/dst/new", 0o750),
        ("/dst/closed", 0o600),
        ("/dst/replaced", 0o640),
        ("/dst/program", 0o711),
    ];
    for (path, wanted) in wanted {
        assert_eq!(mode(&fs, path), wanted, "{path}: {:o}", mode(&fs, path));
    }
}

#[test]
fn a_source_in_a_directory_that_may_be_searched_and_not_listed_is_copied() {
    let fs = FakeFs::new();
    fs.file("/shut/f", "x").file("/shut/sub/g", "y").symlink("/way", "shut").dir("/dst");
    fs.owner("/shut", OTHER, OTHER).mode("/shut", 0o711);
    let fs = Arc::new(fs);
    copy(&fs, "/shut/f", "/dst/f").all_ok();
    copy(&fs, "/way/f", "/dst/by-way").all_ok();
    copy(&fs, "/shut/sub", "/dst").all_ok();
    let read = |path| fs.read(path).unwrap_or_default();
    assert_eq!([read("/dst/f"), read("/dst/by-way"), read("/dst/sub/g")], [b"x", b"x", b"y"]);
}

/// New names could be made there, and never flushed.
#[test]
fn a_destination_that_cannot_be_listed_is_refused_before_anything_is_written() {
    let fs = FakeFs::new();
    fs.file("/src/f", "x").dir("/drop").owner("/drop", OTHER, OTHER).mode("/drop", 0o733);
    let fs = Arc::new(fs);
    let ran = copy(&fs, "/src/f", "/drop/f");
    assert_eq!(ran.report.outcome, Outcome::Refused, "{}", ran.in_short());
    let codes: Vec<_> = ran.report.problems.iter().map(|problem| problem.error.code).collect();
    assert_eq!(codes, [ErrorCode::DestinationDenied], "{}", ran.in_short());
    assert_eq!(fs.count(Operation::CreatePartial), 0);
}

/// What a file or a directory did not get because a step failed is told apart from what cannot be kept there.
#[test]
fn row_47_a_step_that_fails_is_counted_and_the_content_is_kept() {
    for (operation, loss) in [
        (Operation::SetOwner, MetadataLoss::Owner),
        (Operation::SetTimes, MetadataLoss::Timestamps),
        (Operation::SetXattr, MetadataLoss::Xattrs),
    ] {
        for (kind, cause) in [
            (FsErrorKind::Io, LossCause::Failed),
            (FsErrorKind::NotSupported, LossCause::NotPossible),
        ] {
            let fs = FakeFs::new();
            fs.file("/src/folder/file", "content").dir("/dst");
            let value = b"kept".to_vec();
            fs.xattr("/src/folder/file", Xattr { name: "user.mark".into(), value });
            let spec = CopySpec { is_privileged: true, ..spec(&fs, &["/src/"], "/dst") };
            let plan = FaultPlan::from_then_on(1, kind).only(operation);
            let fs = Arc::new(FaultFs::new(fs, plan));
            let ran = carry_out(&fs, &spec);
            let what = format!("{operation:?} {kind:?}: {}", ran.in_short());
            assert!(fs.fired(), "{what}");
            ran.all_ok();
            assert_eq!(fs.inner().read("/dst/folder/file").as_deref(), Some(&b"content"[..]));
            let warnings = &ran.item("/dst/folder/file").metadata_warnings;
            assert!(warnings.iter().any(|lost| lost.loss == loss && lost.cause == cause), "{what}");
            // Of directories, owner and times are kept as well.
            let directories = if operation == Operation::SetXattr { 0 } else { 2 };
            let expected = if cause == LossCause::Failed { (1, directories) } else { (0, 0) };
            let tally = &ran.report.tally;
            assert_eq!(
                (tally.metadata_incomplete, tally.unfinished_directories),
                expected,
                "{what}"
            );
        }
    }
}
