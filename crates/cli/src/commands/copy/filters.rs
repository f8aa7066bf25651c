//! `--include`, `--exclude` and lists of names. The order of rules on the command line is their
//! order in the filter, files of rules included.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};
use surecopy::{Filter, RelPath, Rule, RuleAction, path_from_bytes};

use crate::failure::Failure;
use crate::shown::Shown;

/// Stands for stdin where a file is expected.
const STDIN: &str = "-";

/// What was said about which entries take part.
#[derive(Debug, Clone, Default)]
pub(super) struct FilterArgs {
    rules: Vec<RuleSource>,
    files_from: Option<PathBuf>,
    from0: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum RuleSource {
    Pattern(RuleAction, String),
    File(RuleAction, PathBuf),
}

const PATTERNS: [(&str, RuleAction); 2] =
    [("exclude", RuleAction::Exclude), ("include", RuleAction::Include)];
const FILES: [(&str, RuleAction); 2] =
    [("exclude-from", RuleAction::Exclude), ("include-from", RuleAction::Include)];

// By hand: derived arguments do not tell in which order different options stood.
impl Args for FilterArgs {
    fn augment_args(command: Command) -> Command {
        let option = |name: &'static str, value: &'static str, help: &'static str| {
            Arg::new(name).long(name).value_name(value).help(help).action(ArgAction::Append)
        };
        let path = value_parser!(PathBuf);
        command
            .next_help_heading("Which entries")
            .arg(option(
                "exclude",
                "PATTERN",
                "Leave out what matches; of all rules, in their order, the first that matches decides",
            ))
            .arg(option("include", "PATTERN", "Take what matches, whatever later rules say"))
            .arg(
                option("exclude-from", "FILE", "Read --exclude patterns from a file, one a line")
                    .value_parser(path.clone()),
            )
            .arg(
                option("include-from", "FILE", "Read --include patterns from a file, one a line")
                    .value_parser(path.clone()),
            )
            .arg(
                Arg::new("files-from")
                    .long("files-from")
                    .value_name("FILE")
                    .help("Copy only the paths listed in a file, relative to the source; - is stdin")
                    .value_parser(path),
            )
            .arg(
                Arg::new("from0")
                    .long("from0")
                    .help("In files of paths and patterns, entries end in NUL instead of newline")
                    .action(ArgAction::SetTrue),
            )
            .next_help_heading(None)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for FilterArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut rules: Vec<(usize, RuleSource)> = Vec::new();
        for (name, action) in PATTERNS {
            let values = matches.get_many::<String>(name).into_iter().flatten().cloned();
            let indices = matches.indices_of(name).into_iter().flatten();
            rules.extend(indices.zip(values.map(|text| RuleSource::Pattern(action, text))));
        }
        for (name, action) in FILES {
            let values = matches.get_many::<PathBuf>(name).into_iter().flatten().cloned();
            let indices = matches.indices_of(name).into_iter().flatten();
            rules.extend(indices.zip(values.map(|path| RuleSource::File(action, path))));
        }
        rules.sort_by_key(|(index, _)| *index);
        Ok(Self {
            rules: rules.into_iter().map(|(_, rule)| rule).collect(),
            files_from: matches.get_one::<PathBuf>("files-from").cloned(),
            from0: matches.get_flag("from0"),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl FilterArgs {
    /// Reads the files and the patterns.
    pub(super) fn filter(&self) -> Result<Filter, Failure> {
        self.stdin_is_read_once()?;
        let mut rules = Vec::new();
        for source in &self.rules {
            match source {
                RuleSource::Pattern(action, text) => rules.push(rule(*action, text)?),
                RuleSource::File(action, path) => rules.extend(self.rules_in(*action, path)?),
            }
        }
        let filter = Filter::new(rules);
        match &self.files_from {
            None => Ok(filter),
            Some(path) => Ok(filter.only(self.paths_in(path)?)),
        }
    }

    /// Whoever comes second would find nothing there, and copy everything or nothing.
    fn stdin_is_read_once(&self) -> Result<(), Failure> {
        let rules = self.rules.iter().filter_map(|rule| match rule {
            RuleSource::File(_, path) => Some(path),
            RuleSource::Pattern(..) => None,
        });
        let readers =
            rules.chain(&self.files_from).filter(|path| path.as_path() == Path::new(STDIN));
        if readers.count() > 1 {
            return Err(Failure::usage("- stands for stdin, which can be read only once"));
        }
        Ok(())
    }

    /// Patterns, one an entry. Empty lines and lines that begin with `#` or `;` are comments; a
    /// sign and a space before a pattern override which kind of file it stands in.
    fn rules_in(&self, action: RuleAction, path: &Path) -> Result<Vec<Rule>, Failure> {
        let text = String::from_utf8(read(path)?)
            .map_err(|_| Failure::usage(format!("{} is not UTF-8", Shown(path))))?;
        let separator = if self.from0 { '\0' } else { '\n' };
        text.split(separator)
            .map(|line| if self.from0 { line } else { line.strip_suffix('\r').unwrap_or(line) })
            .filter(|line| !line.trim().is_empty() && !line.starts_with(['#', ';']))
            .map(|line| match (line.strip_prefix("+ "), line.strip_prefix("- ")) {
                (Some(pattern), _) => rule(RuleAction::Include, pattern),
                (_, Some(pattern)) => rule(RuleAction::Exclude, pattern),
                (None, None) => rule(action, line),
            })
            .collect()
    }

    /// Paths, one an entry. Every entry is a path, comments do not exist: a file may have any name.
    /// Only one that ends in a carriage return needs `--from0`: lists from Windows end lines in one.
    fn paths_in(&self, path: &Path) -> Result<Vec<RelPath>, Failure> {
        let separator = if self.from0 { b'\0' } else { b'\n' };
        read(path)?
            .split(|byte| *byte == separator)
            .map(
                |entry| if self.from0 { entry } else { entry.strip_suffix(b"\r").unwrap_or(entry) },
            )
            .filter(|entry| !entry.is_empty())
            .map(|entry| {
                let not_a_path =
                    || Failure::usage(format!("{} lists what is no path", Shown(path)));
                let listed = path_from_bytes(entry.to_vec()).ok_or_else(not_a_path)?;
                let listed = listed.as_path();
                RelPath::new(listed).map_err(|_| {
                    Failure::usage(format!(
                        "{} lists {}, which is not a path beneath the source",
                        Shown(path),
                        Shown(listed)
                    ))
                })
            })
            .collect()
    }
}

fn rule(action: RuleAction, pattern: &str) -> Result<Rule, Failure> {
    // Such a pattern matches nothing. Whether it was meant from here or from the source, nobody
    // knows, so it is not guessed at.
    let is_seen_from_here = |start: &str| {
        pattern.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if is_seen_from_here(".") || is_seen_from_here("..") {
        return Err(Failure::usage(format!(
            "pattern {pattern:?} matches nothing: patterns look at paths beneath the source; /NAME \
             is directly beneath it, NAME is at any depth"
        )));
    }
    Rule::new(action, pattern).map_err(Failure::usage)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut content = Vec::new();
    let result = if path == Path::new(STDIN) {
        std::io::stdin().lock().read_to_end(&mut content).map(|_| content)
    } else {
        std::fs::read(path)
    };
    result.map_err(|error| Failure::usage(format!("cannot read {}: {error}", Shown(path))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> FilterArgs {
        let command = FilterArgs::augment_args(Command::new("test").no_binary_name(true));
        let matches = command.try_get_matches_from(arguments).unwrap();
        FilterArgs::from_arg_matches(&matches).unwrap()
    }

    #[test]
    fn the_order_of_different_options_is_kept() {
        let args = parse(&[
            "--include=a",
            "--exclude=b",
            "--exclude-from=f",
            "--include=c",
            "--exclude=d",
        ]);
        use RuleAction::{Exclude, Include};
        assert_eq!(
            args.rules,
            [
                RuleSource::Pattern(Include, "a".to_owned()),
                RuleSource::Pattern(Exclude, "b".to_owned()),
                RuleSource::File(Exclude, PathBuf::from("f")),
                RuleSource::Pattern(Include, "c".to_owned()),
                RuleSource::Pattern(Exclude, "d".to_owned()),
            ]
        );
    }

    #[test]
    fn files_of_rules_have_comments_and_signs() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rules");
        std::fs::write(&file, "# no\n\n; no\n+ keep.o\n*.o\r\n").unwrap();
        let filter = parse(&["--exclude-from", file.to_str().unwrap()]).filter().unwrap();
        let admits = |name| filter.admits(&RelPath::new(name).unwrap(), false);
        assert!(admits("keep.o") && admits("# no") && !admits("a.o"));
    }

    #[test]
    fn files_of_paths_have_neither() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("list");
        std::fs::write(&file, b"# a name\0new\nline\0\xff").unwrap();
        let filter = parse(&["--from0", "--files-from", file.to_str().unwrap()]).filter().unwrap();
        let listed: Vec<_> = filter.listed().unwrap().map(|path| path.as_encoded_bytes()).collect();
        assert_eq!(listed, [b"# a name".as_slice(), b"new\nline", b"\xff"]);
    }

    #[test]
    fn lines_may_end_as_on_windows() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("list");
        let file = file.to_str().unwrap();
        let listed = |arguments: &[&str], text: &str| {
            std::fs::write(file, text).unwrap();
            let filter = parse(&[arguments, &["--files-from", file]].concat()).filter().unwrap();
            let paths = filter.listed().unwrap().map(|path| path.as_path().to_owned());
            paths.collect::<Vec<_>>()
        };
        assert_eq!(listed(&[], "a\r\n./b\r\n\r\n"), [Path::new("a"), Path::new("b")]);
        assert_eq!(listed(&["--from0"], "a\r\0"), [Path::new("a\r")]);
        std::fs::write(file, "a\r\0").unwrap();
        let filter = parse(&["--from0", "--exclude-from", file]).filter().unwrap();
        let admits = |name| filter.admits(&RelPath::new(name).unwrap(), false);
        assert!(admits("a") && !admits("a\r"));
    }

    #[test]
    fn stdin_is_not_read_twice() {
        let twice = parse(&["--exclude-from", "-", "--files-from", "-"]);
        let failure = twice.filter().unwrap_err();
        assert!(failure.message.contains("only once"), "{}", failure.message);
    }

    #[test]
    fn patterns_that_look_from_elsewhere_are_refused() {
        for pattern in ["./a", ".", "./", "../a", ".."] {
            let failure = parse(&["--exclude", pattern]).filter().unwrap_err();
            assert!(failure.message.contains("/NAME"), "{pattern}: {}", failure.message);
        }
        for pattern in [".a", "..a/", ".*", "/.a", "a/.b"] {
            assert!(parse(&["--exclude", pattern]).filter().is_ok(), "{pattern}");
        }
    }

    #[test]
    fn paths_outside_the_source_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("list");
        for entry in ["/etc/passwd", "../up", "a/../../up"] {
            std::fs::write(&file, entry).unwrap();
            let failure = parse(&["--files-from", file.to_str().unwrap()]).filter().unwrap_err();
            assert!(failure.message.contains(entry), "{}", failure.message);
        }
    }
}
