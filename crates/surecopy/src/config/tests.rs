//! The file, in a folder of its own.

use tempfile::TempDir;

use super::*;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("surecopy/config.toml");
    (folder, path)
}

fn environment(variables: &[(&str, &Path)]) -> UserEnvironment {
    variables.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn names_in(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path.parent().unwrap()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn what_is_set_is_there_after_loading_again() {
    let (_folder, path) = folder();
    let mut file = ConfigFile::load_or_empty(&path).unwrap();
    assert!(file.entries().is_empty());
    let rows = [
        ("verify_policy", "all"),
        ("staged_chunk_bytes", "8MiB"),
        ("maximum_copy_file_size_bytes", "none"),
        ("retries", "5"),
        ("buffer_reuse", "off"),
        ("preserve", "default,owner"),
    ];
    for (name, text) in rows {
        file.set(name, text).unwrap();
    }
    file.save().unwrap();
    assert_eq!(names_in(&path), ["config.toml"], "nothing is left beside the file");

    let file = ConfigFile::load(&path).unwrap();
    let sources = SettingSources { config: Some(file.clone()), ..SettingSources::default() };
    let settings = Settings::resolve(&sources).unwrap();
    assert_eq!(settings.get("retries").unwrap().text, "5");
    assert_eq!(settings.get("buffer_reuse").unwrap().text, "off");
    assert_eq!(settings.limits().maximum_copy_file_size_bytes, None);
    assert_eq!(settings.limits().staged_chunk_bytes, 8 << 20);
    assert!(settings.preserve().owner && settings.preserve().xattrs);
    assert_eq!(file.get("verify_policy").as_deref(), Some("all"));
    assert_eq!(file.get("jobs"), None);
    assert_eq!(settings.warnings(), []);
}

#[test]
fn comments_order_and_permissions_are_kept() {
    let (_folder, path) = folder();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let before = "# mine\nretries = 1 # few\n\n# why\njobs = 3\n";
    fs::write(&path, before).unwrap();
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    #[cfg(unix)]
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    fs::set_permissions(&path, permissions).unwrap();
    let permissions = fs::metadata(&path).unwrap().permissions();

    let mut file = ConfigFile::load(&path).unwrap();
    file.set("retries", "9").unwrap();
    file.save().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), before.replace("retries = 1", "retries = 9"));
    assert_eq!(fs::metadata(&path).unwrap().permissions(), permissions);
}

#[test]
fn what_is_taken_out_takes_only_its_own_comment_with_it() {
    let (_folder, path) = folder();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let first = "# my settings\n\n# few\nretries = 1 # why\n";
    let rows = [
        ("\n# many\njobs = 3\n# end\n", "# my settings\n\n# many\njobs = 3\n# end\n"),
        ("jobs = 3\n", "# my settings\n\njobs = 3\n"),
        ("# many\n  jobs = 3\n", "# my settings\n\n# many\n  jobs = 3\n"),
        ("# end\n", "# my settings\n\n# end\n"),
        ("# of e\n[e]\n", "# my settings\n\n# of e\n[e]\n"),
        ("", "# my settings\n\n"),
    ];
    let rows = rows.map(|(below, after)| (format!("{first}{below}"), after));
    let without_heading = [
        ("jobs = 3\n  # few\n  retries = 1\nretrys = 4\n", "jobs = 3\nretrys = 4\n"),
        ("jobs = 3\n\n\nretries = 1\n\nretrys = 4\n", "jobs = 3\n\n\nretrys = 4\n"),
        ("# a\r\n\r\n# b\r\nretries = 1\r\njobs = 3\r\n", "# a\n\njobs = 3\n"),
        ("retrys = 1\n[retries]\na = 1\n", "retrys = 1\n"),
        ("# mine\n\n# few\n[retries]\na = 1\n", "# mine\n\n"),
    ];
    let without_heading = without_heading.map(|(before, after)| (before.to_owned(), after));
    for (before, after) in rows.into_iter().chain(without_heading) {
        fs::write(&path, &before).unwrap();
        let mut file = ConfigFile::load(&path).unwrap();
        assert!(file.unset("retries"), "{before}");
        assert!(!file.unset("retries"), "{before}");
        file.save().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), after, "{before}");
    }
}

#[test]
fn what_is_not_allowed_is_not_written() {
    let (_folder, path) = folder();
    let mut file = ConfigFile::load_or_empty(&path).unwrap();
    for (name, text) in
        [("verify_polcy", "all"), ("verify_policy", "most"), ("retries", "101"), ("jobs", "-1")]
    {
        assert_eq!(file.set(name, text).unwrap_err().name(), name);
    }
    assert!(file.entries().is_empty());
}

#[test]
fn what_will_count_as_something_else_is_said_when_it_is_set() {
    let (_folder, path) = folder();
    let mut file = ConfigFile::load_or_empty(&path).unwrap();
    let warning = file.set("buffer_size_bytes", "1").unwrap().unwrap();
    assert!(warning.message.contains("8KiB is used instead of 1"), "{}", warning.message);
    assert_eq!(file.set("buffer_size_bytes", "8KiB").unwrap(), None);
}

#[cfg(unix)]
#[test]
fn a_link_to_the_file_stays_a_link() {
    let (folder, path) = folder();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let real = folder.path().join("real.toml");
    fs::write(&real, "jobs = 3\n").unwrap();
    std::os::unix::fs::symlink(&real, &path).unwrap();
    let mut file = ConfigFile::load(&path).unwrap();
    file.set("jobs", "4").unwrap();
    file.save().unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), "jobs = 4\n");
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing() {
    let (_folder, path) = folder();
    // A folder stands where the file should go, so the rename fails after everything else worked.
    fs::create_dir_all(path.join("inside")).unwrap();
    let mut file = ConfigFile { path: path.clone(), document: DocumentMut::new() };
    file.set("jobs", "3").unwrap();
    assert!(matches!(file.save(), Err(ConfigError::Unwritable { .. })));
    assert_eq!(names_in(&path), ["config.toml"]);
}

#[test]
fn a_directory_that_cannot_be_flushed_is_no_file_that_is_not_written() {
    let (_folder, path) = folder();
    let error =
        write_whole(&path, b"jobs = 3\n", |_| Err(io::Error::other("no flush"))).unwrap_err();
    assert!(matches!(error, ConfigError::Unflushed { .. }), "{error}");
    assert!(error.to_string().contains("is written"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "jobs = 3\n");
    assert_eq!(names_in(&path), ["config.toml"]);
}

#[test]
fn values_of_every_toml_type_become_text() {
    let (_folder, path) = folder();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let text =
        "a = 'x' # why\nb = 4_096 # why\nc = true # why\nd = ['timestamps', 'owner']\n[e]\nf = 1\n";
    fs::write(&path, text).unwrap();
    let entries = ConfigFile::load(&path).unwrap().entries();
    let expected = [("a", "x"), ("b", "4096"), ("c", "true"), ("d", "timestamps,owner")];
    for (entry, (name, text)) in entries.iter().zip(expected) {
        assert_eq!((entry.0.as_str(), entry.1.as_str()), (name, text));
    }
    let sections = SettingSources { config: ConfigFile::load(&path).ok(), ..Default::default() };
    assert_eq!(Settings::resolve(&sections).unwrap_err().name(), "a");
}

#[test]
fn a_named_file_must_exist_and_be_toml_but_the_usual_one_may_be_missing() {
    let (folder, path) = folder();
    let home = environment(&[("HOME", folder.path())]);
    let sources = gather(&home, None, Vec::new()).unwrap();
    assert!(sources.config.unwrap().entries().is_empty());
    assert!(gather(&environment(&[]), None, Vec::new()).unwrap().config.is_none());

    let named = environment(&[("HOME", folder.path()), ("SURECOPY_CONFIG", &path)]);
    let error = gather(&named, None, Vec::new()).unwrap_err();
    assert!(matches!(error, ConfigError::Unreadable { .. }), "{error}");
    assert!(gather(&home, Some(&path), Vec::new()).is_err());

    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "jobs = = 3").unwrap();
    let error = gather(&home, Some(&path), Vec::new()).unwrap_err();
    assert!(matches!(error, ConfigError::Malformed { .. }), "{error}");
    assert!(error.to_string().contains("config.toml"), "{error}");
}

#[test]
fn what_is_not_toml_is_told_in_one_line_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.toml");
    // The one complaint that comes without a place.
    let deep = format!("a{} = 1\n", ".a".repeat(1000));
    let rows = [
        (deep.as_str(), ": not valid TOML: recursion limit"),
        ("retries = \n", ", line 1: not valid TOML: string values must be quoted"),
        ("jobs = 1\n\nretries 3\n", ", line 3: not valid TOML: key with no value"),
        ("# gr\u{fc}\u{df}e\njobs = 1\njobs = 2\n", ", line 3: not valid TOML: duplicate key"),
        ("jobs = 1\nretries = \"3", ", line 2: not valid TOML: invalid basic string"),
    ];
    for (text, expected) in rows {
        fs::write(&path, text).unwrap();
        let message = ConfigFile::load(&path).unwrap_err().to_string();
        let place_and_reason = message.strip_prefix(path.to_str().unwrap()).unwrap();
        assert!(place_and_reason.starts_with(expected), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }
}

#[test]
fn the_flag_names_the_file_before_the_variable() {
    let named = environment(&[("HOME", Path::new("/h")), ("SURECOPY_CONFIG", Path::new("/v"))]);
    let flag = Path::new("/f");
    assert_eq!(path(&named, Some(flag)).unwrap(), flag);
    assert_eq!(path(&named, None).unwrap(), Path::new("/v"));
    assert!(matches!(path(&environment(&[]), None), Err(ConfigError::NoPlace)));
}

#[test]
fn a_home_that_is_no_directory_holds_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    fs::write(&home, "").unwrap();
    let sources = gather(&environment(&[("HOME", &home)]), None, Vec::new()).unwrap();
    assert!(sources.config.unwrap().entries().is_empty());
}

/// Who may read everything cannot see this fail; the check is on what is made of the failure.
#[test]
fn only_the_usual_file_may_be_out_of_reach() {
    let path = Path::new("/home/other/.config/surecopy/config.toml");
    let unreadable = |kind: io::ErrorKind| ConfigError::Unreadable {
        path: path.to_owned(),
        source: kind.into(),
    };
    let (config, warning) = forgiven(Err(unreadable(io::ErrorKind::PermissionDenied))).unwrap();
    assert!(config.is_none());
    let sources = SettingSources { config, config_warning: warning, ..SettingSources::default() };
    let settings = Settings::resolve(&sources).unwrap();
    let [warning] = settings.warnings() else { panic!("{:?}", settings.warnings()) };
    assert_eq!(warning.name, None);
    assert!(warning.message.contains("cannot read /home/other"), "{}", warning.message);
    assert!(forgiven(Err(unreadable(io::ErrorKind::InvalidData))).is_err());
}

#[cfg(unix)]
#[test]
fn what_this_process_may_not_read_is_an_error_only_where_it_is_named() {
    let (folder, path) = folder();
    let home = folder.path().join("home");
    let usual = home.join(".config/surecopy/config.toml");
    for file in [&path, &usual] {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "retries = 7\n").unwrap();
        let closed = std::os::unix::fs::PermissionsExt::from_mode(0o000);
        fs::set_permissions(file, closed).unwrap();
    }
    if fs::read(&path).is_ok() {
        eprintln!("skipped: this process may read everything");
        return;
    }
    let home = environment(&[("HOME", &home)]);
    let settings = Settings::resolve(&gather(&home, None, Vec::new()).unwrap()).unwrap();
    assert_eq!(settings.get("retries").unwrap().text, "2");
    assert_eq!(settings.warnings().len(), 1);
    assert!(gather(&home, Some(&path), Vec::new()).is_err());
    assert!(ConfigFile::load_or_empty(&usual).is_err(), "it is not replaced by an empty one");
}
