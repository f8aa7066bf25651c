//! The help is part of the interface.

use crate::program::Folder;

#[test]
fn the_program() {
    let ended = Folder::new().run(&["--help"]).all_done();
    insta::assert_snapshot!(ended.stdout, @r#"
    Copy files and trees, and prove what lands.

    A file appears under its name only when it is whole, flushed to the device and, as the policy asks,
    read back and found equal. Until then, and whenever anything fails, what was there before stays
    there.

    Usage: surecopy <COMMAND>

    Commands:
      copy         Copy files and trees, and prove by reading back what the policy asks for
      resume       Go on with a job that was interrupted or cancelled
      retry        Try the failed items of a job again, and nothing else
      verify       Read again what a job has copied, and compare it with the digests in the ledger
      undo         Put back what a job has replaced, and remove what it made where nothing was
      jobs         List the jobs in the ledger, the latest one last
      status       Show how far a job has got, and what to do with it
      audit        Show what happened to each file of a job
      prepare      Find out what there is to copy: how many files, how many bytes
      index        Keep the index: which directories are remembered, and how much of that still holds
      watch        Keep what the index knows fresh while things change, until it is told to stop
      config       Show and change settings
      completions  Write a shell's completion script to stdout
      man          Write the manual pages

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Exit status:
        0  all done
        1  some items failed; the others are done
        2  wrong usage: options, settings, patterns
        3  a verification mismatch remained
        4  refused before anything was written
        5  what is recorded could not be written, or cannot be trusted
        6  stopped: the source's or the destination's file system is gone or read-only
        7  all copied, but a step failed that was to keep times, owners or the like
      130  cancelled; what was not finished is as it was before
    "#);
}

#[test]
fn copy_in_short() {
    let ended = Folder::new().run(&["copy", "-h"]).all_done();
    insta::assert_snapshot!(ended.stdout, @r#"
    Copy files and trees, and prove by reading back what the policy asks for

    Usage: surecopy copy [OPTIONS] SRC... DST

    Arguments:
      <SRC... DST>...  What to copy, and last where to

    Options:
      -T, --no-target-directory  DST is the target itself, never a directory to copy into
      -n, --dry-run              Show what would be done and write nothing
      -r, --recursive            Accepted for habit: directories are always copied whole
      -h, --help                 Print help (see more with '--help')

    Proof:
          --verify <WHICH>      Which files to verify after copying: none, those below
                                verify_threshold_bytes, or all [possible values: none, lt_threshold,
                                all]
          --read-back <HOW>     How to read back: from the device past the page cache, through the
                                cache, or not at all [possible values: device, cache, none]
          --digest <ALGORITHM>  The digest algorithm [possible values: blake3, sha256]

    Ways:
          --strategy <WAY>  Let the kernel copy (direct), copy chunk by chunk through buffers (staged),
                            or choose [possible values: auto, direct, staged]
          --reflink <WHEN>  Whether to share blocks with the source where the volume can [possible
                            values: auto, always, never]
      -j, --jobs <N>        How many items to work on at once; 0 goes by the number of cores
          --retries <N>     How often to begin an item again after a failure that may pass
          --fail-fast       Stop at the first failure

    Targets:
          --on-conflict <POLICY>    What to do when a target exists [possible values: update, replace,
                                    newer, skip, keep-both, ask, fail]
      -u, --update                  Replace only targets that are older than their source (the same as
                                    --on-conflict newer)
      -c, --checksum                Compare targets that exist by content, not by size and modification
                                    time; only with --on-conflict update, the default
          --replace-read-only       Replace targets that have no write permission too
          --accept-changed-content  Replace files that have another content than when they were copied
                                    before, though their size and time are the same
          --keep-replaced           Keep what is replaced, beside its successor, so that `surecopy undo`
                                    can put it back
          --preserve <LIST>         Keep exactly these properties, or change what is kept with +NAME and
                                    -NAME
      -a, --archive                 Keep everything: owner, group, hard links and set-id bits too

    Which entries:
          --exclude <PATTERN>    Leave out what matches; of all rules, in their order, the first that
                                 matches decides
          --include <PATTERN>    Take what matches, whatever later rules say
          --exclude-from <FILE>  Read --exclude patterns from a file, one a line
          --include-from <FILE>  Read --include patterns from a file, one a line
          --files-from <FILE>    Copy only the paths listed in a file, relative to the source; - is
                                 stdin
          --from0                In files of paths and patterns, entries end in NUL instead of newline

    Record:
          --ledger <FILE>  Use this ledger instead of the usual one
          --no-ledger      Record nothing: what is interrupted cannot be resumed then

    Preparation:
          --prepare <HOW>  How far to rely on the index to find out what there is [possible values:
                           auto, scan, index-only]
          --index <FILE>   Use this index instead of the usual one
          --no-index       Neither use the index nor remember anything in it

    Output:
          --progress <WHEN>  When to show progress, on stderr [default: auto] [possible values: auto,
                             always, never]
      -q, --quiet            Show errors only
      -v, --verbose...       Show each item with how it was copied and proved; twice: with times and
                             digests
          --json             Write one JSON object a line to stdout, and nothing else there

    Settings:
          --set <KEY=VALUE>  Change any setting for this job (see `surecopy config explain`)
          --profile <NAME>   Use a set of values for a known situation, such as low-memory or
                             slow-network
          --config <FILE>    Read this configuration file instead of the usual one

    Exit status:
        0  all done
        1  some items failed; the others are done
        2  wrong usage: options, settings, patterns
        3  a verification mismatch remained
        4  refused before anything was written
        5  what is recorded could not be written, or cannot be trusted
        6  stopped: the source's or the destination's file system is gone or read-only
        7  all copied, but a step failed that was to keep times, owners or the like
      130  cancelled; what was not finished is as it was before
    "#);
}

#[test]
fn config() {
    let ended = Folder::new().run(&["config", "--help"]).all_done();
    insta::assert_snapshot!(ended.stdout, @r#"
    Show and change settings

    A value comes from the command line, else from the environment (SURECOPY_ and the name in capitals),
    else from the configuration file, else from the profile, else it is the default. No configuration is
    read from the current directory.

    Usage: surecopy config [OPTIONS] <COMMAND>

    Commands:
      show     Show every setting with its value and where the value comes from
      get      Show the value of one setting
      set      Write a value into the configuration file
      unset    Take a setting out of the configuration file
      path     Show where the configuration file is
      explain  Say what a setting means, what it may be and why its default is what it is

    Options:
          --config <FILE>
              Use this configuration file instead of the usual one

      -h, --help
              Print help (see a summary with '-h')
    "#);
}

#[test]
fn resume_in_short() {
    let ended = Folder::new().run(&["resume", "-h"]).all_done();
    insta::assert_snapshot!(ended.stdout, @r#"
    Go on with a job that was interrupted or cancelled

    Usage: surecopy resume [OPTIONS] [JOB]

    Arguments:
      [JOB]  The number of the job

    Options:
          --reverify                Read first again what is done, as `surecopy verify` does, and copy
                                    again what is damaged
          --accept-volume           Go on though another volume is mounted there than the one that the
                                    job was begun with
          --accept-changed-content  Replace files that have another content than when they were copied
                                    before, though their size and time are the same
      -j, --jobs <N>                How many items to work on at once; 0 goes by the number of cores
          --ledger <FILE>           Use this ledger instead of the usual one
      -h, --help                    Print help (see more with '--help')

    Output:
          --progress <WHEN>  When to show progress, on stderr [default: auto] [possible values: auto,
                             always, never]
      -q, --quiet            Show errors only
      -v, --verbose...       Show each item with how it was copied and proved; twice: with times and
                             digests
          --json             Write one JSON object a line to stdout, and nothing else there

    Exit status:
        0  all done
        1  some items failed; the others are done
        2  wrong usage: options, settings, patterns
        3  a verification mismatch remained
        4  refused before anything was written
        5  what is recorded could not be written, or cannot be trusted
        6  stopped: the source's or the destination's file system is gone or read-only
        7  all copied, but a step failed that was to keep times, owners or the like
      130  cancelled; what was not finished is as it was before
    "#);
}

#[test]
fn audit_in_short() {
    let ended = Folder::new().run(&["audit", "-h"]).all_done();
    insta::assert_snapshot!(ended.stdout, @r#"
    Show what happened to each file of a job

    Usage: surecopy audit [OPTIONS] <JOB>

    Arguments:
      <JOB>  The number of the job

    Options:
          --state <STATE>  Show only items that are in this state now; refused are those that failed
                           before they could be planned [possible values: planned, ok, skipped, failed,
                           cancelled, interrupted, damaged, undone, refused]
      -v, --verbose        Show digests too, where replaced files are kept, and earlier attempts
          --check          Check the audit log, the items by it and the database; show nothing else
          --export <FILE>  Write the audit log into a new file, for anybody to check; - is stdout
          --json           Write one JSON object a line to stdout, and nothing else there
          --ledger <FILE>  Use this ledger instead of the usual one
      -h, --help           Print help (see more with '--help')

    Exit status:
        0  all done
        1  some items failed; the others are done
        2  wrong usage: options, settings, patterns
        3  a verification mismatch remained
        4  refused before anything was written
        5  what is recorded could not be written, or cannot be trusted
        6  stopped: the source's or the destination's file system is gone or read-only
        7  all copied, but a step failed that was to keep times, owners or the like
      130  cancelled; what was not finished is as it was before
    "#);
}

#[test]
fn every_command_about_jobs_ends_with_the_exit_status() {
    let all = [0, 1, 2, 3, 4, 5, 6, 7, 130];
    // What reads nothing back finds no mismatch, and a preparation can do without an index.
    let (about_the_index, prepare) = ([0, 1, 2, 4, 5, 130], [0, 1, 2, 4, 130]);
    for (command, expected) in [
        ("copy", &all[..]),
        ("resume", &all),
        ("retry", &all),
        ("verify", &all),
        ("undo", &all),
        ("jobs", &all),
        ("status", &all),
        ("audit", &all),
        ("prepare", &prepare),
        ("index", &about_the_index),
        ("watch", &about_the_index),
    ] {
        let ended = Folder::new().run(&[command, "--help"]).all_done();
        let (_, table) = ended.stdout.split_once("\nExit status:\n").unwrap();
        let code = |line: &str| line.split_whitespace().next().unwrap().parse().unwrap();
        let codes: Vec<i32> = table.lines().map(code).collect();
        assert_eq!(codes, expected, "{command}: {table}");
    }
}

#[test]
fn what_is_not_copied_is_not_said_to_be_shown() {
    for command in [&["prepare", "-h"][..], &["index", "add", "-h"], &["index", "scan", "-h"]] {
        let help = Folder::new().run(command).all_done().stdout;
        let words: Vec<&str> = help.split_whitespace().collect();
        let (_, verbose) = words.split_at(words.iter().position(|word| *word == "-v,").unwrap());
        let expected = "-v, --verbose... Show which subtrees have changed, and every warning; twice: \
                        how long each phase took, too --json";
        assert!(verbose.join(" ").starts_with(expected), "{command:?}: {help}");
        assert!(!help.contains("copied and proved"), "{command:?}: {help}");
    }
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ended = Folder::new().run(&["completions", shell]).all_done();
        assert!(ended.stdout.contains("on-conflict"), "{shell}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = Folder::new();
    folder.run(&["man", "pages"]).all_done();
    let mut pages = folder.listing();
    pages.retain(|path| path.ends_with(".1"));
    for name in [
        "",
        "-copy",
        "-resume",
        "-retry",
        "-verify",
        "-undo",
        "-jobs",
        "-jobs-prune",
        "-status",
        "-audit",
        "-index",
        "-index-add",
        "-index-status",
        "-config",
        "-config-set",
        "-completions",
        "-man",
    ] {
        assert!(pages.contains(&format!("pages/surecopy{name}.1")), "{name}: {pages:?}");
    }
    assert!(!pages.iter().any(|page| page.contains("codes")), "{pages:?}");
    assert!(folder.read("pages/surecopy-copy.1").contains(".TH SURECOPY-COPY 1"));
    assert!(folder.run(&["man"]).all_done().stdout.contains(".TH"));
}

#[test]
fn the_documents_are_printed() {
    let folder = Folder::new();
    let settings = folder.run(&["config", "explain", "--markdown"]).all_done().stdout;
    assert!(settings.contains("verify_threshold_bytes"));
    let codes = folder.run(&["config", "codes", "--markdown"]).all_done().stdout;
    assert!(codes.contains("VERIFY_MISMATCH"));
}
