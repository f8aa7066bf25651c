//! Which crate may depend on which.

use serde_json::Value;

use super::finding::Finding;

/// A crate of this workspace and the crates of this workspace that it may name.
struct Room {
    name: &'static str,
    may_name: &'static [&'static str],
}

/// Every crate of the workspace. A new one gets a row here and a line in `ARCHITECTURE.md`.
static ROOMS: &[Room] = &[
    Room { name: "surecopy-cli", may_name: &["surecopy"] },
    Room {
        name: "surecopy",
        may_name: &["surecopy-engine", "surecopy-ledger", "surecopy-index", "surecopy-fs"],
    },
    Room {
        name: "surecopy-ledger",
        may_name: &["surecopy-engine", "surecopy-database", "surecopy-fs"],
    },
    Room {
        name: "surecopy-index",
        may_name: &["surecopy-engine", "surecopy-database", "surecopy-fs"],
    },
    Room { name: "surecopy-database", may_name: &["surecopy-fs"] },
    Room { name: "surecopy-engine", may_name: &["surecopy-fs"] },
    Room { name: "surecopy-fs", may_name: &[] },
    Room { name: "surecopy-testkit", may_name: &["surecopy-fs"] },
    Room { name: "surecopy-lab", may_name: &["surecopy", "surecopy-testkit"] },
    Room { name: "xtask", may_name: &[] },
];

/// Crates of this workspace that any of them may name for its tests.
static FOR_TESTS: &[&str] = &["surecopy-testkit"];

/// Crates from elsewhere that are at home in some of ours only: name, homes. The lab is no product; it
/// looks into ledgers from outside.
static AT_HOME: &[(&str, &[&str])] = &[
    ("libc", &["surecopy-fs"]),
    ("nix", &["surecopy-fs"]),
    ("rustix", &["surecopy-fs"]),
    ("windows-sys", &["surecopy-fs"]),
    ("rusqlite", &["surecopy-database", "surecopy-ledger", "surecopy-index", "surecopy-lab"]),
    ("notify", &["surecopy-index"]),
    ("clap", &["surecopy-cli"]),
    ("indicatif", &["surecopy-cli"]),
];

/// Edges between crates that the architecture does not have.
pub(crate) fn crate_edges(metadata: &Value) -> Vec<Finding> {
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    if packages.is_empty() {
        return vec![Finding::whole("Cargo.toml", "cargo metadata names no package")];
    }
    packages.iter().flat_map(package_edges).collect()
}

fn package_edges(package: &Value) -> Vec<Finding> {
    let name = text(package, "name");
    let Some(room) = ROOMS.iter().find(|room| room.name == name) else {
        let message =
            format!("`{name}` has no row in xtask's table of rooms: say what it may depend on");
        return vec![Finding::whole("Cargo.toml", message)];
    };
    let dependencies = package["dependencies"].as_array().map_or(&[][..], Vec::as_slice);
    dependencies
        .iter()
        .filter_map(|dependency| forbidden_edge(room, dependency))
        .map(|message| Finding::whole("Cargo.toml", message))
        .collect()
}

/// Why a dependency must not be; `None` when it may.
fn forbidden_edge(room: &Room, dependency: &Value) -> Option<String> {
    let other = text(dependency, "name");
    let is_for_tests = text(dependency, "kind") == "dev";
    let is_ours = ROOMS.iter().any(|room| room.name == other);
    if is_ours {
        let may = room.may_name.contains(&other) || (is_for_tests && FOR_TESTS.contains(&other));
        return (!may).then(|| format!("`{}` may not depend on `{other}`", room.name));
    }
    let (_, homes) = AT_HOME.iter().find(|(name, _)| *name == other)?;
    (!is_for_tests && !homes.contains(&room.name)).then(|| {
        let homes = homes.join("`, `");
        format!("`{}` may not depend on `{other}`, which is for `{homes}`", room.name)
    })
}

/// A member's text; a missing one or `null` (how cargo writes "normal") is empty.
fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn count(package: &str, dependency: &str, kind: Option<&str>) -> usize {
        let metadata = json!({ "packages": [{
            "name": package,
            "dependencies": [{ "name": dependency, "kind": kind }],
        }]});
        crate_edges(&metadata).len()
    }

    #[test]
    fn edges_point_down() {
        assert_eq!(count("surecopy-cli", "surecopy", None), 0);
        assert_eq!(count("surecopy-cli", "surecopy-engine", None), 1);
        assert_eq!(count("surecopy-engine", "surecopy", None), 1);
        assert_eq!(count("surecopy-fs", "surecopy-engine", Some("build")), 1);
        assert_eq!(count("surecopy-testkit", "surecopy-engine", None), 1);
        assert_eq!(count("surecopy-index", "surecopy-database", None), 0);
        assert_eq!(count("surecopy-index", "surecopy-ledger", None), 1);
        assert_eq!(count("surecopy-database", "surecopy-engine", None), 1);
    }

    #[test]
    fn tests_may_name_the_test_kit_and_nothing_above_them() {
        assert_eq!(count("surecopy-fs", "surecopy-testkit", Some("dev")), 0);
        assert_eq!(count("surecopy-fs", "surecopy-testkit", None), 1);
        assert_eq!(count("surecopy-fs", "surecopy", Some("dev")), 1);
        assert_eq!(count("surecopy-engine", "tempfile", Some("dev")), 0);
    }

    #[test]
    fn some_crates_are_at_home_in_few() {
        assert_eq!(count("surecopy-fs", "rustix", None), 0);
        assert_eq!(count("surecopy-engine", "rustix", None), 1);
        assert_eq!(count("surecopy-engine", "rustix", Some("dev")), 0);
        assert_eq!(count("surecopy", "clap", None), 1);
        assert_eq!(count("surecopy-index", "notify", None), 0);
        assert_eq!(count("surecopy", "notify", None), 1);
        assert_eq!(count("surecopy-ledger", "rusqlite", None), 0);
        assert_eq!(count("surecopy", "rusqlite", None), 1);
        assert_eq!(count("surecopy-cli", "rusqlite", Some("dev")), 0);
    }

    #[test]
    fn unknown_crates_and_empty_metadata_are_found() {
        assert_eq!(count("surecopy-none", "serde", None), 1);
        assert_eq!(crate_edges(&json!({})).len(), 1);
    }
}
