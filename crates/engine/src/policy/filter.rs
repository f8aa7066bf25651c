//! Which entries take part: ordered include and exclude rules, and lists of names.
//!
//! The rules are rsync's in the common cases. The first rule that matches an entry decides; what
//! no rule matches takes part. An excluded directory is not entered.

use std::collections::BTreeSet;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use surecopy_fs::RelPath;

/// What a rule does with what it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleAction {
    /// It takes part.
    Include,
    /// It does not.
    Exclude,
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    action: RuleAction,
    /// As it was written.
    pattern: String,
    /// A path that any of these matches is matched.
    matchers: Vec<GlobMatcher>,
    directories_only: bool,
    anchored: bool,
}

/// A pattern that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid pattern {pattern:?}: {reason}")]
pub struct InvalidPattern {
    /// The pattern.
    pub pattern: String,
    /// Why.
    pub reason: String,
}

impl Rule {
    /// Reads a pattern.
    ///
    /// - `*` and `?` stop at `/`, `**` does not, `[…]` is a set, `{a,b}` either.
    /// - A pattern that begins with `/` or has a `/` inside is matched against the whole path
    ///   beneath the source; with `/` at its beginning only there, otherwise at any depth.
    /// - A pattern without `/` is matched against the last name.
    /// - A pattern that ends in `/` matches directories only.
    pub fn new(action: RuleAction, pattern: &str) -> Result<Self, InvalidPattern> {
        let fail = |reason: String| InvalidPattern { pattern: pattern.to_owned(), reason };
        let (body, directories_only) = match pattern.strip_suffix('/') {
            Some(body) => (body, true),
            None => (pattern, false),
        };
        let (body, at_root) = match body.strip_prefix('/') {
            Some(body) => (body, true),
            None => (body, false),
        };
        if body.is_empty() {
            return Err(fail("the pattern is empty".to_owned()));
        }
        if let Some(excess) = excess(body) {
            return Err(fail(excess));
        }
        let anchored = at_root || body.contains('/');
        // Two patterns, not one with both in braces: a comma in the body would part it.
        let mut globs = vec![body.to_owned()];
        if anchored && !at_root {
            globs.push(format!("**/{body}"));
        }
        let matchers = globs
            .iter()
            .map(|glob| matcher(glob).map_err(|error| fail(error.kind().to_string())))
            .collect::<Result<_, _>>()?;
        Ok(Self { action, pattern: pattern.to_owned(), matchers, directories_only, anchored })
    }

    /// What it does with what it matches.
    pub fn action(&self) -> RuleAction {
        self.action
    }

    /// The pattern, as it was written.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    fn matches(&self, path: &RelPath, is_directory: bool) -> bool {
        if self.directories_only && !is_directory {
            return false;
        }
        let matched = if self.anchored { Some(path.as_path()) } else { path.name().map(Path::new) };
        matched.is_some_and(|text| self.matchers.iter().any(|matcher| matcher.is_match(text)))
    }
}

/// Longer than any path that a pattern has to tell from others; with more, matchers take megabytes each.
const LONGEST_PATTERN_BYTES: usize = 32 * 1024;

/// So many braces may stand in one another: each takes room on the stack.
const DEEPEST_BRACES: usize = 50;

/// Why a pattern is not even looked at: what makes matchers gives up with the whole program at these.
fn excess(pattern: &str) -> Option<String> {
    if pattern.len() > LONGEST_PATTERN_BYTES {
        return Some(format!("it is longer than {LONGEST_PATTERN_BYTES} bytes"));
    }
    let (mut depth, mut is_escaped) = (0_usize, false);
    for byte in pattern.bytes() {
        match byte {
            _ if is_escaped => {}
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        is_escaped = byte == b'\\' && !is_escaped;
        if depth > DEEPEST_BRACES {
            return Some(format!("more than {DEEPEST_BRACES} braces stand in one another"));
        }
    }
    None
}

fn matcher(glob: &str) -> Result<GlobMatcher, globset::Error> {
    let glob = GlobBuilder::new(glob).literal_separator(true).backslash_escape(true).build()?;
    Ok(glob.compile_matcher())
}

/// All rules of a job.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    rules: Vec<Rule>,
    only: Option<BTreeSet<RelPath>>,
}

impl Filter {
    /// Rules in order, without a list of names.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self { rules, only: None }
    }

    /// Only these paths beneath the source take part, with what lies beneath them.
    pub fn only(mut self, paths: impl IntoIterator<Item = RelPath>) -> Self {
        self.only = Some(paths.into_iter().collect());
        self
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The listed paths, if there is a list.
    pub fn listed(&self) -> Option<impl Iterator<Item = &RelPath>> {
        self.only.as_ref().map(|only| only.iter())
    }

    /// Whether there is a list, and nothing is in it.
    pub(crate) fn lists_nothing(&self) -> bool {
        self.only.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// Whether exactly this path is in the list.
    pub(crate) fn lists(&self, path: &RelPath) -> bool {
        self.only.as_ref().is_some_and(|only| only.contains(path))
    }

    /// Whether an entry takes part, given that the directory it stands in does.
    pub fn admits(&self, path: &RelPath, is_directory: bool) -> bool {
        self.is_listed(path, is_directory) && !self.is_excluded(path, is_directory)
    }

    /// Whether the rules leave an entry out, whatever is listed.
    pub(crate) fn is_excluded(&self, path: &RelPath, is_directory: bool) -> bool {
        self.rules
            .iter()
            .find(|rule| rule.matches(path, is_directory))
            .is_some_and(|rule| rule.action == RuleAction::Exclude)
    }

    /// A path is listed when it, or a directory above it, is in the list; a directory also when
    /// something beneath it is.
    fn is_listed(&self, path: &RelPath, is_directory: bool) -> bool {
        let Some(only) = &self.only else { return true };
        let mut above = Some(path.clone());
        while let Some(candidate) = above {
            if only.contains(&candidate) {
                return true;
            }
            above = candidate.parent();
        }
        is_directory
            && only.range(path.clone()..).next().is_some_and(|listed| listed.starts_with(path))
    }
}

#[cfg(test)]
mod tests {
    use surecopy_testkit::fuzz::Verdict;

    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::new(text).unwrap()
    }

    fn excluded(pattern: &str, text: &str, is_directory: bool) -> bool {
        let rule = Rule::new(RuleAction::Exclude, pattern).unwrap();
        !Filter::new(vec![rule]).admits(&path(text), is_directory)
    }

    #[test]
    fn patterns_that_matchers_give_up_at_are_refused() {
        let nested = |depth| "{".repeat(depth) + "a" + &"}".repeat(depth);
        for refused in [nested(51), nested(251), nested(100_000), "a".repeat(32 * 1024 + 1)] {
            let refused = Rule::new(RuleAction::Exclude, &refused);
            let reason = refused.unwrap_err().reason;
            assert!(reason.contains("braces") || reason.contains("bytes"), "{reason}");
        }
        assert!(excluded(&nested(50), "a", false));
        assert!(excluded(&"\\{".repeat(200), &"{".repeat(200), false));
        // As much as there may be of everything that has a meaning can be made a matcher of.
        for token in ["?", "*", "**/", "[!a]", "[a-z]", "{a,b}", "{,a}", "\\?", "\u{ff}", "a/"] {
            let pattern = token.repeat(32 * 1024 / token.len() - 1) + "a";
            Rule::new(RuleAction::Exclude, &pattern).unwrap();
        }
    }

    #[test]
    fn fuzz_patterns() {
        let samples = ["*.tmp", "/sub/**/c/", "{a,b{c,d}}[!e-g]?", "\\*x[]]", "gr\u{fc}n/*"];
        let samples = samples.map(|text| text.as_bytes().to_vec()).into();
        surecopy_testkit::fuzz::hold("fuzz_patterns", 120, samples, |input| {
            let Ok(text) = std::str::from_utf8(input) else { return Verdict::Refused };
            let rule = Rule::new(RuleAction::Exclude, text);
            if let Ok(rule) = &rule {
                assert_eq!(rule.pattern(), text);
                let filter = Filter::new(vec![rule.clone()]);
                for name in ["a", "sub/x/c", "grün/b"] {
                    filter.admits(&path(name), true);
                }
            }
            Verdict::from(&rule)
        });
    }

    #[test]
    fn patterns() {
        let rows = [
            // pattern, path, is directory, excluded
            ("*.o", "a.o", false, true),
            ("*.o", "deep/down/a.o", false, true),
            ("*.o", "a.oo", false, false),
            ("cache/", "cache", true, true),
            ("cache/", "cache", false, false),
            ("cache/", "x/cache", true, true),
            ("/cache", "cache", true, true),
            ("/cache", "x/cache", true, false),
            ("a/b", "a/b", false, true),
            ("a/b", "x/a/b", false, true),
            ("a/*", "a/b/c", false, false),
            ("a/**", "a/b/c", false, true),
            ("/a/b", "x/a/b", false, false),
            ("file?", "file1", false, true),
            ("[ab]c", "ac", false, true),
            ("[ab]c", "cc", false, false),
            ("a,b/c", "a,b/c", false, true),
            ("a,b/c", "x/a,b/c", false, true),
            ("a,b/c", "a", false, false),
            ("a,b/c", "b/c", false, false),
            ("{a,b}/c", "x/b/c", false, true),
        ];
        for (pattern, text, is_directory, expected) in rows {
            assert_eq!(excluded(pattern, text, is_directory), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_first_match_decides() {
        let filter = Filter::new(vec![
            Rule::new(RuleAction::Include, "keep.tmp").unwrap(),
            Rule::new(RuleAction::Exclude, "*.tmp").unwrap(),
        ]);
        assert!(filter.admits(&path("keep.tmp"), false));
        assert!(!filter.admits(&path("other.tmp"), false));
        assert!(filter.admits(&path("other.txt"), false));
    }

    #[test]
    fn a_list_brings_the_directories_above_and_everything_beneath() {
        let filter = Filter::default().only([path("a/b"), path("c.txt"), path("a-b")]);
        for (text, is_directory, expected) in [
            ("a", true, true),
            ("a", false, false),
            ("a/b", true, true),
            ("a/b/deep/file", false, true),
            ("a/c", false, false),
            ("c.txt", false, true),
            ("c", true, false),
        ] {
            assert_eq!(filter.admits(&path(text), is_directory), expected, "{text}");
        }
    }

    #[test]
    fn names_that_are_not_utf8_can_be_matched() {
        use std::ffi::OsStr;
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            let rule = Rule::new(RuleAction::Exclude, "*.jpg").unwrap();
            let odd = RelPath::root().join(OsStr::from_bytes(b"\xff.jpg"));
            assert!(!Filter::new(vec![rule]).admits(&odd, false));
        }
    }

    #[test]
    fn broken_patterns_say_what_is_wrong() {
        for pattern in ["", "/", "a[b"] {
            assert!(Rule::new(RuleAction::Exclude, pattern).is_err(), "{pattern}");
        }
    }
}
