//! A ledger that cannot be used, or does not have what is asked for.

use crate::program::Folder;

/// Without a word that no user knows, and with one advice.
#[test]
fn a_ledger_that_cannot_grow_is_told_once_with_what_to_do() {
    let folder = Folder::new();
    for index in 0..1000 {
        folder.write(format!("src/{index}"), "");
    }
    folder.write("one", "");
    // Enough for beginning the job, and far from enough for all of its files.
    for blocks in [600, 800, 1000] {
        let (ledger, target) = (format!("{blocks}.db"), format!("dst{blocks}"));
        folder.run(&["copy", "-q", "--ledger", &ledger, "one", &target]).all_done();
        let target = format!("{target}.d");
        let arguments = ["copy", "--ledger", &ledger, "src", &target];
        let ended = folder.run_with_small_files(blocks, &arguments);
        let stderr = ended.stderr;
        assert_eq!(ended.code, 5, "{blocks}: {stderr}");
        assert!(stderr.starts_with("error: the ledger "), "{blocks}: {stderr}");
        assert!(stderr.ends_with("\nto go on: surecopy resume 2\n"), "{blocks}: {stderr}");
        assert!(stderr.lines().count() <= 3, "{blocks}: {stderr}");
        assert!(!stderr.contains("journal") && !stderr.contains("same command"), "{stderr}");
    }
}
