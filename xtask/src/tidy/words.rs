//! Words that may not stand in some part of the code.

use super::code::{Line, Source, has_word};
use super::finding::Finding;

/// A word that is allowed in one place at most.
struct ForbiddenWord {
    /// As it stands in the code.
    word: &'static str,
    /// Where it may stand: a path's beginning. `None`: nowhere.
    home: Option<&'static str>,
    /// What to do instead.
    advice: &'static str,
}

static FORBIDDEN_WORDS: &[ForbiddenWord] = &[
    ForbiddenWord {
        word: "unsafe",
        home: Some("crates/fs/src/os/"),
        advice: "unsafe code lives in crates/fs/src/os only",
    },
    ForbiddenWord { word: "todo!", home: None, advice: "finish it, or file an issue" },
    ForbiddenWord { word: "unimplemented!", home: None, advice: "unsupported is a value" },
    ForbiddenWord { word: "dbg!", home: None, advice: "take the debugging aid out" },
    ForbiddenWord {
        word: "#[allow(",
        home: None,
        advice: "use #[expect(…, reason = \"…\")], which speaks up when it is no longer needed",
    },
    ForbiddenWord {
        word: "#![allow(",
        home: None,
        advice: "use #![expect(…, reason = \"…\")], which speaks up when it is no longer needed",
    },
];

/// Words that no code may hold, or only the code that is their home.
pub(crate) fn forbidden_words(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in FORBIDDEN_WORDS {
        if rule.home.is_some_and(|home| source.path.starts_with(home)) {
            continue;
        }
        for line in source.lines.iter().filter(|line| contains(&line.code, rule.word)) {
            let message = format!("`{}`: {}", rule.word, rule.advice);
            findings.push(Finding::at(source.path, line.number, message));
        }
    }
    findings
}

/// Whole words for identifiers, any occurrence for attributes.
fn contains(code: &str, word: &str) -> bool {
    if word.starts_with('#') { code.contains(word) } else { has_word(code, word) }
}

/// The rooms that must not reach for the system themselves, and the modules of `std` they may not
/// name. `cli` is a program: it has an exit status, which is in `std::process`.
static STD_MODULES: &[(&str, &[&str])] = &[
    ("engine", &["fs", "env", "net", "process"]),
    ("ledger", &["fs", "env", "net", "process"]),
    ("index", &["fs", "env", "net", "process"]),
    ("database", &["fs", "env", "net", "process"]),
    ("surecopy", &["fs", "env", "net", "process"]),
    ("cli", &["fs", "env", "net"]),
];

/// Rooms to which time is handed in, and the clocks they may not read by themselves.
static AMBIENT_CLOCKS: &[(&str, &[&str])] = &[
    ("engine", &["Instant::now", "SystemTime::now"]),
    ("index", &["Instant::now", "SystemTime::now"]),
    ("database", &["Instant::now", "SystemTime::now"]),
];

/// A room that tells the time by itself cannot be tested at another time.
pub(crate) fn ambient_clocks(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (room, clocks) in AMBIENT_CLOCKS.iter().filter(|(room, _)| source.is_in(room)) {
        for line in source.product_lines() {
            findings.extend(clocks.iter().filter(|clock| line.code.contains(**clock)).map(
                |clock| {
                    let message = format!("`{clock}` in {room}: let the caller hand in the time");
                    Finding::at(source.path, line.number, message)
                },
            ));
        }
    }
    findings
}

/// Files in which a room may do so after all: path, what, why.
static STD_EXCEPTIONS: &[(&str, &[&str], &str)] = &[
    ("crates/surecopy/src/config.rs", &["fs"], "settings come from a file before there is a job"),
    (
        "crates/surecopy/src/environment.rs",
        &["env"],
        "settings come from the environment before there is a job",
    ),
    ("crates/cli/src/terminal.rs", &["env"], "what the terminal and the log are to show"),
    ("crates/cli/src/commands/man.rs", &["fs"], "manual pages are written into a directory"),
    ("crates/cli/src/commands/audit/export.rs", &["fs"], "an audit log is written into a file"),
    ("crates/cli/src/commands/copy/filters.rs", &["fs"], "patterns and lists come from files"),
];

/// `std::fs` and its like in rooms that speak to the system only through `surecopy-fs`.
pub(crate) fn forbidden_std_modules(source: &Source) -> Vec<Finding> {
    let Some((room, modules)) = STD_MODULES.iter().find(|(room, _)| source.is_in(room)) else {
        return Vec::new();
    };
    let excepted: &[&str] = STD_EXCEPTIONS
        .iter()
        .find(|(path, ..)| *path == source.path)
        .map_or(&[], |(_, modules, _)| modules);
    let lines: Vec<&Line> = source.product_lines().collect();
    std_modules(&lines)
        .into_iter()
        .filter(|(_, module)| {
            modules.contains(&module.as_str()) && !excepted.contains(&module.as_str())
        })
        .map(|(line, module)| {
            let message =
                format!("`std::{module}` in {room}: what the system is asked belongs in crates/fs");
            Finding::at(source.path, line, message)
        })
        .collect()
}

/// Every module of `std` that the lines name, as `std::name` or inside `std::{…}`.
fn std_modules(lines: &[&Line]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut group: Option<usize> = None;
    for line in lines {
        let mut rest = line.code.as_str();
        if group.is_none() {
            while let Some(at) = rest.find("std::") {
                let is_own_word = !rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                rest = &rest[at + "std::".len()..];
                if is_own_word && rest.starts_with('{') {
                    group = Some(0);
                    break;
                }
                if is_own_word {
                    found.push((line.number, leading_word(rest)));
                }
            }
        }
        if let Some(depth) = &mut group {
            let is_closed = group_members(rest, depth, &mut |word| found.push((line.number, word)));
            if is_closed {
                group = None;
            }
        }
    }
    found
}

/// Hands out the first word of each member of a `{…}` group; true when the group has ended.
fn group_members(code: &str, depth: &mut usize, each: &mut dyn FnMut(String)) -> bool {
    let mut is_at_member = *depth <= 1;
    for (at, c) in code.char_indices() {
        match c {
            '{' => *depth += 1,
            '}' => {
                *depth -= 1;
                if *depth == 0 {
                    return true;
                }
            }
            ',' if *depth == 1 => is_at_member = true,
            ' ' => {}
            _ if is_at_member && *depth == 1 => {
                each(leading_word(&code[at..]));
                is_at_member = false;
            }
            _ => {}
        }
    }
    false
}

fn leading_word(code: &str) -> String {
    code.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Words by which a condition asks for the operating system.
static PLATFORM_WORDS: &[&str] = &["target_os", "target_family", "windows", "unix"];

/// Conditions on the operating system outside the crate that knows about operating systems.
pub(crate) fn platform_conditions(source: &Source) -> Vec<Finding> {
    if source.is_in("fs") {
        return Vec::new();
    }
    source
        .product_lines()
        .filter(|line| asks_for_platform(&line.code))
        .map(|line| {
            let message = "a condition on the operating system: that belongs in crates/fs";
            Finding::at(source.path, line.number, message)
        })
        .collect()
}

fn asks_for_platform(code: &str) -> bool {
    ["cfg(", "cfg!(", "cfg_attr("].iter().any(|opening| {
        code.find(opening)
            .is_some_and(|at| PLATFORM_WORDS.iter().any(|word| has_word(&code[at..], word)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: fn(&Source) -> Vec<Finding>, path: &str, text: &str, lines: &[usize]) {
        let found: Vec<usize> =
            rule(&Source::read(path, text)).into_iter().map(|finding| finding.line).collect();
        assert_eq!(found, lines, "{path}: {text}");
    }

    #[test]
    fn unsafe_has_one_home() {
        let text = "fn f() {\n    unsafe { g() }\n}\n";
        check(forbidden_words, "crates/engine/src/a.rs", text, &[2]);
        check(forbidden_words, "crates/fs/src/path.rs", text, &[2]);
        check(forbidden_words, "crates/fs/tests/a.rs", text, &[2]);
        check(forbidden_words, "crates/fs/src/os/linux/map.rs", text, &[]);
        check(forbidden_words, "crates/engine/src/a.rs", "#![deny(unsafe_code)]\n", &[]);
    }

    #[test]
    fn left_over_work_is_found_in_tests_too() {
        check(forbidden_words, "crates/fs/tests/a.rs", "todo!()\n", &[1]);
        check(forbidden_words, "crates/fs/src/a.rs", "x\nunimplemented!()\n", &[2]);
        check(forbidden_words, "crates/fs/src/a.rs", "dbg!(x)\n", &[1]);
        check(forbidden_words, "crates/fs/src/a.rs", "// dbg!(x)\n", &[]);
        check(forbidden_words, "crates/fs/src/a.rs", "#[allow(dead_code)]\n", &[1]);
        check(forbidden_words, "crates/fs/src/a.rs", "#![allow(dead_code)]\n", &[1]);
        check(forbidden_words, "crates/fs/src/a.rs", "#[expect(dead_code)]\n", &[]);
    }

    #[test]
    fn the_engine_does_not_reach_for_the_system() {
        let path = "crates/engine/src/a.rs";
        check(forbidden_std_modules, path, "use std::fs::File;\n", &[1]);
        check(forbidden_std_modules, path, "use std::io;\nlet x = std::env::var(k);\n", &[2]);
        check(forbidden_std_modules, path, "use std::{io, fs};\n", &[1]);
        check(forbidden_std_modules, path, "use std::{\n    io,\n    fs::File,\n};\n", &[3]);
        check(forbidden_std_modules, path, "use std::{path::{Path, fs}, io};\n", &[]);
        check(forbidden_std_modules, path, "use surecopy_std::fs;\n", &[]);
        let test = "#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
        check(forbidden_std_modules, path, test, &[]);
        check(forbidden_std_modules, "crates/testkit/src/a.rs", "use std::fs;\n", &[]);
    }

    #[test]
    fn the_command_line_asks_the_kernel_nothing() {
        let path = "crates/cli/src/signals.rs";
        let text = "let x = std::fs::read_to_string(\"/proc/self/status\");\n";
        check(forbidden_std_modules, path, text, &[1]);
        check(forbidden_std_modules, path, "use std::process::ExitCode;\n", &[]);
        check(forbidden_std_modules, "crates/cli/tests/a.rs", text, &[]);
    }

    #[test]
    fn the_engine_has_no_clock_of_its_own() {
        let text = "let a = Instant::now();\nlet b = std::time::SystemTime::now();\nclock.now();\n";
        check(ambient_clocks, "crates/engine/src/a.rs", text, &[1, 2]);
        check(ambient_clocks, "crates/engine/tests/a.rs", text, &[]);
        check(ambient_clocks, "crates/surecopy/src/a.rs", text, &[]);
    }

    #[test]
    fn exceptions_are_for_one_file_and_what_they_name() {
        check(
            forbidden_std_modules,
            "crates/surecopy/src/environment.rs",
            "std::env::var(k)\n",
            &[],
        );
        check(forbidden_std_modules, "crates/surecopy/src/config.rs", "use std::net;\n", &[1]);
        check(forbidden_std_modules, "crates/surecopy/src/copy.rs", "std::env::var(k)\n", &[1]);
        check(forbidden_std_modules, "crates/cli/src/terminal.rs", "std::env::var(k)\n", &[]);
        check(forbidden_std_modules, "crates/cli/src/terminal.rs", "use std::fs;\n", &[1]);
    }

    #[test]
    fn platforms_are_named_in_fs_only() {
        let path = "crates/cli/src/a.rs";
        check(platform_conditions, path, "#[cfg(target_os = \"linux\")]\n", &[1]);
        check(platform_conditions, path, "if cfg!(windows) {}\n", &[1]);
        check(platform_conditions, path, "#[cfg(not(unix))]\n", &[1]);
        check(platform_conditions, path, "#[cfg(feature = \"windows\")]\n", &[]);
        check(
            platform_conditions,
            path,
            "#[cfg(test)]\nmod t {\n#[cfg(unix)]\nfn f() {}\n}\n",
            &[],
        );
        check(platform_conditions, "crates/fs/src/os/mod.rs", "#[cfg(unix)]\n", &[]);
    }
}
