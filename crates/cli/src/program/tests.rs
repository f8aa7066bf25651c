//! Whether the definition of the command line is sound, and whether the commands and options that the documents
//! show are those that the program has.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Command;
use clap::error::ErrorKind;

use super::definition;

/// Where commands are shown, from the top of the repository.
const DOCUMENTS: &[&str] =
    &["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs", "docs/formats"];

/// What stands for something else in a command, and something that it may stand for.
const PLACEHOLDERS: &[(&str, &str)] = &[
    ("JOB", "12"),
    ("DAYS", "30"),
    ("SHELL", "bash"),
    ("LIST", "timestamps"),
    ("KEY=VALUE", "retries=2"),
    ("NAME=VALUE", "retries=2"),
    ("KEY", "retries"),
    ("VALUE", "2"),
];

/// Options of other programs.
const OTHERS: &[&str] = &["--backup", "--backup-dir", "--fsync", "--inplace", "--shard"];

/// Code in a document: the spans in its text, and the lines that stand by themselves.
#[derive(Default)]
struct Code {
    spans: Vec<String>,
    lines: Vec<String>,
}

impl Code {
    fn of(text: &str) -> Self {
        let (mut code, mut paragraph, mut is_fenced) = (Self::default(), String::new(), false);
        for line in text.lines().chain([""]) {
            if line.trim_start().starts_with("```") {
                is_fenced = !is_fenced;
            } else if is_fenced {
                code.lines.push(line.to_owned());
            } else {
                paragraph.push_str(line);
                paragraph.push(' ');
            }
            // A span ends with its paragraph, or its row.
            if is_fenced || line.is_empty() || line.starts_with('|') {
                let spans = paragraph.split('`').skip(1).step_by(2);
                code.spans.extend(spans.map(|span| span.trim().to_owned()));
                paragraph.clear();
            }
        }
        code
    }

    /// The words behind the name of the program, for each time that it is called.
    fn commands(&self) -> impl Iterator<Item = Vec<String>> {
        let spans = self.spans.iter().filter_map(|span| span.strip_prefix("surecopy "));
        let lines = self.lines.iter().filter_map(|line| {
            let line = line.trim_start();
            let line = line.strip_prefix("$ ").unwrap_or(line);
            let is_name = |before: &str| before.is_empty() || before.ends_with(['/', '"']);
            let (_, rest) = line.split_once("surecopy ").filter(|(before, _)| is_name(before))?;
            rest.split('"').next()
        });
        spans.chain(lines).map(words)
    }

    /// Options with their values that stand by themselves.
    fn options(&self) -> impl Iterator<Item = Vec<String>> {
        let spans = self.spans.iter().filter(|span| span.starts_with("--"));
        spans.map(|span| words(span)).filter(|words| !OTHERS.contains(&words[0].as_str()))
    }
}

/// The words of a command as a shell gives them, the first of those that one can choose from.
fn words(text: &str) -> Vec<String> {
    let text = text.split(" # ").next().unwrap_or_default();
    let words = text.split_whitespace();
    let of_command = words.take_while(|word| !["|", ">", "&&", "…"].contains(word));
    of_command
        .map(|word| {
            let word = word.trim_matches(['[', ']', '\'']).trim_end_matches("...");
            let word = word.split('|').next().unwrap_or_default();
            let stands_for = PLACEHOLDERS.iter().find(|(name, _)| *name == word);
            stands_for.map_or(word, |(_, what)| what).to_owned()
        })
        .collect()
}

/// Why the program would not take these words; that some are lacking is no reason.
fn objection(program: &Command, words: &[String]) -> Option<String> {
    let words = ["surecopy"].into_iter().chain(words.iter().map(String::as_str));
    let error = program.clone().try_get_matches_from(words).err()?;
    let is_lacking = matches!(
        error.kind(),
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            | ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
    );
    (!is_lacking).then(|| error.to_string())
}

/// Every command of the program, as the words that lead to it.
fn all(program: &Command, above: &[String]) -> Vec<Vec<String>> {
    let beneath = program.get_subcommands().flat_map(|command| {
        let path = [above, &[command.get_name().to_owned()]].concat();
        [vec![path.clone()], all(command, &path)].concat()
    });
    beneath.collect()
}

/// Whether some command has an option of this name.
fn has(program: &Command, name: &str) -> bool {
    program.get_arguments().any(|option| option.get_long() == Some(name))
        || program.get_subcommands().any(|command| has(command, name))
}

/// What is wrong with the commands and options in this text, and how many there are.
fn check(text: &str) -> (Vec<String>, usize) {
    let (program, code) = (definition(), Code::of(text));
    let (mut wrong, mut count) = (Vec::new(), 0);
    for mut words in code.commands() {
        count += 1;
        // Where none is named, it is about copying.
        if words.first().is_some_and(|word| word.starts_with('-')) {
            words.insert(0, "copy".to_owned());
        }
        wrong.extend(objection(&program, &words).map(|why| format!("{}: {why}", words.join(" "))));
    }
    let commands = all(&program, &[]);
    for option in code.options() {
        count += 1;
        let is_taken = match option.as_slice() {
            [name] if !name.contains('=') => has(&program, name.trim_start_matches('-')),
            words => commands
                .iter()
                .any(|path| objection(&program, &[path.as_slice(), words].concat()).is_none()),
        };
        if !is_taken {
            wrong.push(format!("no command has {}", option.join(" ")));
        }
    }
    (wrong, count)
}

fn documents() -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for name in DOCUMENTS {
        let path = top.join(name);
        if path.is_dir() {
            let entries = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
            found.extend(entries.filter(|path| path.extension().is_some_and(|end| end == "md")));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn the_definition_is_sound() {
    definition().debug_assert();
}

#[test]
fn commands_and_options_in_the_documents_are_those_of_the_program() {
    let (mut wrong, mut count) = (String::new(), 0);
    for path in documents() {
        let (found, of) = check(&fs::read_to_string(&path).unwrap());
        count += of;
        for what in found {
            writeln!(wrong, "{}: {what}", path.display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count > 150, "{count} commands and options are found");
}

#[test]
fn what_the_program_does_not_have_is_found() {
    let cases = [
        ("`surecopy copy -n SRC DST`, `surecopy index` and `surecopy\nresume [JOB]`", 0),
        ("```sh\nsurecopy copy --verify all a b   # so\n$ surecopy index add PATH...\n```", 0),
        ("`--verify all` and `--keep-replaced`", 0),
        ("`surecopy copy --verify-all SRC DST`", 1),
        ("`surecopy repair`", 1),
        ("```\n$ surecopy index forget a\n```", 1),
        ("```ini\nExecStart=/usr/bin/surecopy watch --quite\n```", 1),
        ("{\"next\": \"surecopy resume --again 12\"}", 0),
        ("```json\n \"surecopy resume --again 12\"\n```", 1),
        ("`--verify some`", 1),
        ("`--verified`", 1),
        ("| `--verified` |\n| `surecopy copy a b` |", 1),
    ];
    for (text, expected) in cases {
        let (wrong, count) = check(text);
        assert_eq!(wrong.len(), expected, "{text}: {wrong:?} of {count}");
    }
}
