//! `surecopy config`, and where values come from.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::program::{Ended, Folder, ended};

#[test]
fn a_value_that_was_set_is_in_force_and_says_where_it_is_from() {
    let folder = Folder::new();
    let file = folder.run(&["config", "path"]).all_done().stdout;
    assert!(file.ends_with("/home/.config/surecopy/config.toml\n"), "{file}");
    folder.run(&["config", "set", "verify_policy", "all"]).all_done();
    assert_eq!(folder.run(&["config", "get", "verify_policy"]).all_done().stdout, "all\n");
    let shown = folder.run(&["config", "show"]).all_done().stdout;
    let line = shown.lines().find(|line| line.starts_with("verify_policy")).unwrap();
    assert!(line.contains("= all") && line.contains("config.toml"), "{line}");
}

#[test]
fn flag_before_environment_before_file_before_default() {
    let folder = Folder::new();
    folder.write("config.toml", "retries = 7\n").write("a", "a");
    let retries = |extra: &[&str], variable: Option<&str>| {
        let mut arguments = vec!["copy", "--json", "-n", "--config", "config.toml"];
        arguments.extend(extra);
        arguments.extend(["a", "b"]);
        let mut command = folder.command(&arguments);
        command.envs(variable.map(|value| ("SURECOPY_RETRIES", value)));
        ended(&mut command).objects()[0]["retries"].as_u64().unwrap()
    };
    assert_eq!(retries(&[], None), 7);
    assert_eq!(retries(&[], Some("8")), 8);
    assert_eq!(retries(&["--set", "retries=9"], Some("8")), 9);
    assert_eq!(retries(&["--set", "retries=9", "--retries", "10"], Some("8")), 10);
}

#[test]
fn nothing_is_read_from_the_current_directory() {
    let folder = Folder::new();
    for name in ["config.toml", "surecopy.toml", ".surecopy.toml", "surecopy/config.toml"] {
        folder.write(name, "verify_policy = \"none\"\n");
    }
    let value = folder.run(&["config", "get", "verify_policy"]).all_done().stdout;
    assert_eq!(value, "lt_threshold\n");
}

#[test]
fn what_is_wrong_in_the_environment_is_named() {
    let folder = Folder::new();
    let mut command = folder.command(&["config", "show"]);
    command.env("SURECOPY_RETRIES", "many");
    let ended = ended(&mut command);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("SURECOPY_RETRIES"), "{}", ended.stderr);
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let folder = Folder::new();
    let ended = folder.run(&["config", "--config", "gone.toml", "show"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("gone.toml"), "{}", ended.stderr);
}

#[test]
fn a_file_that_is_no_toml_is_told_with_its_line() {
    let folder = Folder::new();
    folder.write("config.toml", "jobs = 1\nretries = \n");
    let ended = folder.run(&["config", "--config", "config.toml", "show"]);
    assert_eq!(ended.code, 2);
    insta::assert_snapshot!(ended.stderr, @"error: config.toml, line 2: not valid TOML: string values must be quoted, expected literal string");
}

#[test]
fn wrong_values_are_not_written() {
    let folder = Folder::new();
    let ended = folder.run(&["config", "set", "retries", "1000"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("retries") && ended.stderr.contains("100"), "{}", ended.stderr);
    assert_eq!(folder.run(&["config", "get", "retries"]).all_done().stdout, "2\n");
}

/// Whatever the command line says to a value, `config set` says too.
#[test]
fn a_value_is_looked_at_as_on_the_command_line() {
    let rows = [
        ("buffer_size_bytes", "1"),
        ("buffer_size_bytes", "1GiB"),
        ("buffer_size_bytes", "1MiB"),
        ("buffer_size_bytes", "much"),
        ("staged_chunk_bytes", "9GiB"),
        ("retries", "101"),
        ("verify_policy", "most"),
        ("buffer_reuse", "perhaps"),
        ("retrys", "3"),
    ];
    for (name, value) in rows {
        let folder = Folder::new();
        folder.write("a", "a");
        let pair = format!("{name}={value}");
        let copied = folder.run(&["copy", "-n", "--progress", "never", "--set", &pair, "a", "b"]);
        let set = folder.run(&["config", "set", name, value]);
        assert_eq!((set.code, &set.stderr), (copied.code, &copied.stderr), "{pair}");
        let is_written = folder.run(&["config", "show"]).stdout.contains("config.toml");
        assert_eq!(is_written, set.code == 0, "{pair}");
    }
}

#[test]
fn what_is_set_and_used_as_something_else_is_said_at_once() {
    let ended = Folder::new().run(&["config", "set", "buffer_size_bytes", "1"]).all_done();
    insta::assert_snapshot!(ended.stderr, @"warning: `buffer_size_bytes` goes from 8KiB to 10MiB: 8KiB is used instead of 1");
}

#[test]
fn a_setting_that_is_taken_out_has_its_default_again() {
    let folder = Folder::new();
    folder.write("c.toml", "# mine\n\nretries = 7\njobs = 3\n");
    let run = |arguments: &[&str]| {
        let all: Vec<&str> =
            ["config", "--config", "c.toml"].iter().chain(arguments).copied().collect();
        folder.run(&all)
    };
    assert_eq!(run(&["get", "retries"]).all_done().stdout, "7\n");
    assert_eq!(run(&["unset", "retries"]).all_done().stdout, "retries is out of c.toml\n");
    assert_eq!(folder.read("c.toml"), "# mine\n\njobs = 3\n");
    assert_eq!(run(&["get", "retries"]).all_done().stdout, "2\n");
    assert_eq!(run(&["unset", "retries"]).all_done().stdout, "retries is not in c.toml\n");
    let slip = run(&["unset", "job"]);
    assert_eq!(slip.code, 2);
    assert!(slip.stderr.contains("did you mean `jobs`?"), "{}", slip.stderr);
}

/// The way back from a file that no command can use any more.
#[test]
fn a_name_that_is_no_setting_can_be_taken_out() {
    let folder = Folder::new();
    folder.write("c.toml", "retrys = 7\n");
    assert_eq!(folder.run(&["config", "--config", "c.toml", "show"]).code, 2);
    folder.run(&["config", "--config", "c.toml", "unset", "retrys"]).all_done();
    folder.run(&["config", "--config", "c.toml", "show"]).all_done();
}

#[test]
fn taking_out_of_a_file_that_is_not_there_makes_none() {
    let folder = Folder::new();
    folder.run(&["config", "--config", "c.toml", "unset", "retries"]).all_done();
    assert!(folder.listing().is_empty());
}

/// A directory that can be entered and written, and not listed, cannot be flushed.
#[test]
fn what_says_that_it_cannot_write_has_not_written() {
    let folder = Folder::new();
    folder.write("d/c.toml", "retries = 3\n");
    let mut command = folder.command(&["config", "--config", "d/c.toml", "set", "retries", "4"]);
    if let Err(error) = folder.act_without_privileges(&mut command) {
        return eprintln!("skipped: a superuser who can give nothing away: {error}");
    }
    fs::set_permissions(folder.path("d"), Permissions::from_mode(0o300)).unwrap();
    let output = command.output();
    fs::set_permissions(folder.path("d"), Permissions::from_mode(0o700)).unwrap();
    let output = match output {
        Ok(output) => Ended::from(output),
        Err(error) => return eprintln!("skipped: another user cannot run this: {error}"),
    };
    assert_eq!(output.code, 1, "{}{}", output.stdout, output.stderr);
    insta::assert_snapshot!(output.stderr, @"error: cannot write d/c.toml: Permission denied (os error 13)");
    assert_eq!(folder.read("d/c.toml"), "retries = 3\n");
    assert_eq!(folder.listing(), ["d", "d/c.toml"]);
}

#[test]
fn a_setting_is_explained() {
    let ended = Folder::new().run(&["config", "explain", "retries"]).all_done();
    insta::assert_snapshot!(ended.stdout, @r#"
    retries
        How often an item is begun again after a failure that may pass.
        Values: 0 to 100 attempts. Default: 2. Passing trouble is over by then; lasting trouble should be told soon.
        Variable: SURECOPY_RETRIES
    "#);
}
