//! Tables for people, made from the tables in the code: settings, profiles, error codes.

use crate::settings::{Kind, PROFILES, Profile, SETTINGS, Setting};

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a terminal.
    Plain,
    /// For a document.
    Markdown,
}

/// Every setting: what it means, its default and the reason for it, what values it takes; and
/// every profile.
pub fn settings(format: Format) -> String {
    let mut text = String::new();
    match format {
        Format::Plain => {
            let paragraphs: Vec<String> = SETTINGS.iter().map(setting).collect();
            text.push_str(&paragraphs.join("\n"));
            text.push_str("\nProfiles\n\n");
            let profiles: Vec<String> = PROFILES.iter().map(plain_profile).collect();
            text.push_str(&profiles.join("\n"));
        }
        Format::Markdown => {
            text.push_str(SETTINGS_INTRODUCTION);
            let rows = SETTINGS.iter().map(|setting| {
                vec![
                    code(setting.name),
                    code(setting.default),
                    values(setting),
                    setting.doc.to_owned(),
                    setting.reason.to_owned(),
                ]
            });
            text.push_str(&table(
                &["Setting", "Default", "Values", "Meaning", "Why this default"],
                rows,
            ));
            text.push_str("\n## Profiles\n");
            for profile in PROFILES {
                text.push_str(&format!("\n### {}\n\n{}\n\n", profile.name, profile.doc));
                let rows = profile
                    .rows
                    .iter()
                    .map(|row| vec![code(row.name), code(row.value), row.reason.to_owned()]);
                text.push_str(&table(&["Setting", "Value", "Why"], rows));
            }
        }
    }
    text
}

/// One setting, for a terminal.
pub fn setting(setting: &Setting) -> String {
    format!(
        "{}\n    {}\n    Values: {}. Default: {}. {}\n    Variable: {}\n",
        setting.name,
        setting.doc,
        values(setting),
        setting.default,
        setting.reason,
        setting.variable()
    )
}

const SETTINGS_INTRODUCTION: &str = "\
# Settings

Each can be given, the strongest first, with `--set NAME=VALUE` or its own flag, as the environment
variable `SURECOPY_NAME` in capital letters, in the configuration file (TOML, `NAME = VALUE`; see
`surecopy config path`), or by a profile. A name that does not exist and a value outside its range
are errors.

Bytes are written as a number, or with a unit: `KiB`, `MiB`, `GiB`, `TiB` and `K`, `M`, `G`, `T`
count in 1,024s, `KB`, `MB`, `GB`, `TB` in 1,000s.

";

fn plain_profile(profile: &Profile) -> String {
    let rows = profile.rows.iter();
    let rows = rows.map(|row| format!("    {} = {}: {}\n", row.name, row.value, row.reason));
    format!("{}\n    {}\n{}", profile.name, profile.doc, rows.collect::<String>())
}

/// What values a setting takes, with what they count where the values do not say it.
fn values(setting: &Setting) -> String {
    match setting.kind {
        Kind::Count { .. } => format!("{} {}", setting.kind.allowed(), setting.unit),
        Kind::Bytes { clamped: true, .. } => {
            format!("{} (others are moved to the nearer end)", setting.kind.allowed())
        }
        _ => setting.kind.allowed(),
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    let rule: Vec<String> = heads.iter().map(|_| "---".to_owned()).collect();
    let mut text = line(&heads) + &line(&rule);
    for row in rows {
        // A bar inside a cell would end it.
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        text.push_str(&line(&cells));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_out() {
        for format in [Format::Plain, Format::Markdown] {
            let text = settings(format);
            for setting in SETTINGS {
                assert!(text.contains(setting.name) && text.contains(setting.reason));
            }
            for profile in PROFILES {
                assert!(text.contains(profile.doc), "{}", profile.name);
            }
        }
    }

    #[test]
    fn every_row_of_a_table_has_the_same_cells() {
        let rows = vec![vec!["a|b".to_owned(), "c".to_owned()]];
        let text = table(&["One", "Two"], rows.into_iter());
        assert_eq!(text, "| One | Two |\n| --- | --- |\n| a\\|b | c |\n");
    }
}
