//! The table against the engine, and precedence.

use std::collections::BTreeSet;
use std::path::Path;

use surecopy_engine::{CopySpec, Limits, MAX_WORKERS, Preserve, VerifyPolicy};

use super::*;
use crate::config::ConfigFile;

fn config(text: &str) -> ConfigFile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    ConfigFile::load(&path).unwrap()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn flags(flags: &[(&str, &str)]) -> Result<Settings, SettingError> {
    Settings::resolve(&SettingSources { flags: pairs(flags), ..SettingSources::default() })
}

#[test]
fn names_are_unique_and_everything_is_explained() {
    let names: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.name).collect();
    assert_eq!(names.len(), SETTINGS.len());
    for setting in SETTINGS {
        for text in [setting.doc, setting.reason] {
            assert!(text.ends_with('.') && !text.contains("  "), "{}: {text:?}", setting.name);
        }
        let is_number = matches!(
            setting.kind,
            Kind::Bytes { .. } | Kind::OptionalBytes { .. } | Kind::Count { .. }
        );
        assert_eq!(is_number, !setting.unit.is_empty(), "{}", setting.name);
    }
}

/// What the documents call the default is the default, and is allowed.
#[test]
fn written_defaults_are_the_real_ones() {
    let real = Settings::default();
    for setting in SETTINGS {
        let mut written = Settings::default();
        written.set(setting.name, setting.default, Origin::Default).unwrap();
        assert_eq!(written, real, "{}", setting.name);
    }
    assert_eq!(real.limits(), Limits::default());
}

/// A job made from untouched settings is the engine's own default, but for the number of workers.
#[test]
fn default_settings_make_the_default_job() {
    let expected = CopySpec { workers: 0, ..CopySpec::new(Vec::new()) };
    let mut filled = CopySpec::new(Vec::new());
    Settings::default().fill(&mut filled);
    filled.workers = 0;
    assert_eq!(format!("{filled:?}"), format!("{expected:?}"));
}

#[test]
fn every_choice_can_be_made_and_every_bound_is_inclusive() {
    for setting in SETTINGS {
        let set = |text: &str| {
            let mut settings = Settings::default();
            settings.set(setting.name, text, Origin::Flag).map(|()| {
                let text = settings.get(setting.name).unwrap().text;
                (text, settings.warnings().len())
            })
        };
        let is_out_of_range = |text: &str| matches!(set(text), Err(SettingError::OutOfRange { name, .. }) if name == setting.name);
        match setting.kind {
            Kind::Choice(words) | Kind::Names(words) => {
                for word in words {
                    assert_eq!(set(word), Ok(((*word).to_owned(), 0)), "{}", setting.name);
                }
            }
            Kind::Flag => {
                for (text, expected) in [("on", "on"), ("off", "off"), ("true", "on"), ("0", "off")]
                {
                    assert_eq!(set(text), Ok((expected.to_owned(), 0)), "{}", setting.name);
                }
            }
            Kind::Bytes { minimum, maximum, clamped: true } => {
                assert_eq!(set(&(minimum - 1).to_string()), Ok((format_bytes(minimum), 1)));
                assert_eq!(set(&minimum.to_string()), Ok((format_bytes(minimum), 0)));
                assert_eq!(set(&maximum.to_string()), Ok((format_bytes(maximum), 0)));
                assert_eq!(set(&(maximum + 1).to_string()), Ok((format_bytes(maximum), 1)));
            }
            Kind::Bytes { minimum, maximum, .. }
            | Kind::OptionalBytes { minimum, maximum }
            | Kind::Count { minimum, maximum } => {
                assert!(minimum == 0 || is_out_of_range(&(minimum - 1).to_string()));
                assert!(is_out_of_range(&(maximum + 1).to_string()), "{}", setting.name);
                for bound in [minimum, maximum] {
                    assert_eq!(set(&bound.to_string()).unwrap().1, 0, "{}", setting.name);
                }
            }
        }
    }
}

#[test]
fn the_table_and_the_engine_name_the_same_properties() {
    let Kind::Names(names) = find("preserve").unwrap().kind else { panic!("not names") };
    assert!(Preserve::names().eq(names.iter().copied()));
    let rows = [
        ("none", Some(Preserve::NONE)),
        ("all", Some(Preserve::ALL)),
        ("default", Some(Preserve::DEFAULT)),
        ("default, owner", Some(Preserve { owner: true, ..Preserve::DEFAULT })),
        ("timestamps", Some(Preserve { timestamps: true, ..Preserve::NONE })),
        ("timestamps,colour", None),
        ("", None),
    ];
    for (text, expected) in rows {
        let got = flags(&[("preserve", text)]).ok().map(|settings| settings.preserve());
        assert_eq!(got, expected, "{text:?}");
    }
}

#[test]
fn the_stronger_source_counts() {
    // profile (fast-ssd says 16), file, variable, flag, what counts
    let rows = [
        (None, None, None, None, ("0", "default")),
        (Some("fast-ssd"), None, None, None, ("16", "profile")),
        (None, Some("3"), None, None, ("3", "config_file")),
        (Some("fast-ssd"), Some("3"), None, None, ("3", "config_file")),
        (Some("fast-ssd"), Some("3"), Some("4"), None, ("4", "environment")),
        (Some("fast-ssd"), Some("3"), Some("4"), Some("5"), ("5", "flag")),
        (None, None, Some("4"), Some("5"), ("5", "flag")),
        (None, Some("3"), None, Some("5"), ("5", "flag")),
        (Some("fast-ssd"), None, Some("4"), None, ("4", "environment")),
        (Some("fast-ssd"), None, None, Some("5"), ("5", "flag")),
    ];
    for (profile, file, variable, flag, expected) in rows {
        let mut sources = SettingSources {
            config: file.map(|value| config(&format!("jobs = {value}"))),
            ..SettingSources::default()
        };
        sources.environment.extend(variable.map(|v| ("SURECOPY_JOBS".to_owned(), v.to_owned())));
        sources.flags.extend(flag.map(|value| ("jobs".to_owned(), value.to_owned())));
        // Last on purpose: a profile is weaker than whatever else was said, whenever it is named.
        sources.flags.extend(profile.map(|name| ("profile".to_owned(), name.to_owned())));
        let settings = Settings::resolve(&sources).unwrap();
        let jobs = settings.get("jobs").unwrap();
        assert_eq!(
            (jobs.text.as_str(), jobs.origin.as_str()),
            expected,
            "{profile:?} {file:?} {variable:?} {flag:?}"
        );
    }
}

#[test]
fn profiles_hold_only_what_can_be_set_and_change_something() {
    let names: Vec<_> = PROFILES.iter().map(|profile| profile.name).collect();
    let Kind::Choice(choices) = find("profile").unwrap().kind else { panic!("not a choice") };
    assert_eq!(choices[1..], names);
    for profile in PROFILES {
        let settings = flags(&[("profile", profile.name)]).unwrap();
        assert_eq!(settings.profile(), profile.name);
        assert_eq!(settings.warnings(), []);
        for row in profile.rows {
            let resolved = settings.get(row.name).unwrap();
            assert_eq!(resolved.text, row.value, "{} {}", profile.name, row.name);
            assert_eq!(resolved.origin, &Origin::Profile(profile.name));
            assert_ne!(row.value, find(row.name).unwrap().default, "{} {}", profile.name, row.name);
        }
    }
}

#[test]
fn another_profile_leaves_nothing_of_the_first() {
    let changed = flags(&[("profile", "fast-ssd"), ("profile", "slow-network")]).unwrap();
    assert_eq!(changed, flags(&[("profile", "slow-network")]).unwrap());
    let none = flags(&[("profile", "fast-ssd"), ("profile", "none"), ("retries", "7")]).unwrap();
    assert_eq!(none.limits(), Limits::default());
    assert_eq!(none.retries(), 7);
}

#[test]
fn an_unreadable_stored_policy_means_all_and_a_mistyped_one_is_an_error() {
    for stored in ["verify_policy = 'lt_treshold'", "verify_policy = 3", "verify_policy = {}"] {
        let sources = SettingSources { config: Some(config(stored)), ..SettingSources::default() };
        let settings = Settings::resolve(&sources).unwrap();
        assert_eq!(settings.verify_policy(), VerifyPolicy::All, "{stored}");
        assert_eq!(settings.warnings().len(), 1, "{stored}");
        assert!(settings.warnings()[0].message.contains("config.toml"));
    }
    let error = flags(&[("verify_policy", "lt_treshold")]).unwrap_err();
    assert!(error.to_string().contains("none, lt_threshold or all"), "{error}");
    let variable = SettingSources {
        environment: pairs(&[("SURECOPY_VERIFY_POLICY", "most")]),
        ..SettingSources::default()
    };
    assert!(Settings::resolve(&variable).is_err());
}

#[test]
fn a_warning_goes_when_its_value_is_replaced() {
    let mut settings = flags(&[("buffer_size_bytes", "1")]).unwrap();
    assert_eq!(settings.limits().buffer_size_bytes, 8 << 10);
    assert_eq!(settings.warnings().len(), 1);
    settings.set("buffer_size_bytes", "64KiB", Origin::Flag).unwrap();
    assert_eq!(settings.warnings(), []);
}

#[test]
fn errors_name_the_setting_the_source_and_what_is_allowed() {
    let file = Origin::ConfigFile(Path::new("/etc/x.toml").to_owned());
    let rows = [
        (
            "verify_polcy",
            "all",
            Origin::Flag,
            "`verify_polcy` (from the command line); did you mean `verify_policy`?",
        ),
        ("colour", "red", file.clone(), "no setting `colour` (from /etc/x.toml)"),
        (
            "jobs",
            "65",
            Origin::Environment("SURECOPY_JOBS".to_owned()),
            "`jobs` cannot be 65 (from environment variable SURECOPY_JOBS): it goes from 0 to 64",
        ),
        ("staged_chunk_bytes", "9MiB", file, "it goes from 1MiB to 8MiB"),
        ("staged_chunk_bytes", "4 apples", Origin::Flag, "expected a unit of"),
        ("jobs", "many", Origin::Flag, "`many` is no value of `jobs`"),
        ("buffer_reuse", "maybe", Origin::Flag, "expected on or off"),
    ];
    for (name, text, origin, expected) in rows {
        let before = Settings::default();
        let mut settings = before.clone();
        let error = settings.set(name, text, origin).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.name(), name);
        assert_eq!(settings, before, "a refused value changes nothing");
    }
    assert!(!flags(&[("colour", "red")]).unwrap_err().to_string().contains("did you mean"));
}

#[test]
fn the_bound_on_file_sizes_can_be_lifted() {
    let settings = flags(&[("maximum_copy_file_size_bytes", "none")]).unwrap();
    assert_eq!(settings.limits().maximum_copy_file_size_bytes, None);
    assert_eq!(settings.get("maximum_copy_file_size_bytes").unwrap().text, "none");
    assert!(flags(&[("memory_budget_bytes", "none")]).is_err());
}

#[test]
fn workers_follow_the_processor_within_bounds() {
    let rows = [
        // asked for, cores, workers
        (0, 1, 2),
        (0, 4, 4),
        (0, 32, 8),
        (1, 32, 1),
        (64, 1, MAX_WORKERS),
        (u64::MAX, 1, MAX_WORKERS),
    ];
    for (jobs, cores, expected) in rows {
        assert_eq!(resolve::workers(jobs, cores), expected, "{jobs} {cores}");
    }
}
