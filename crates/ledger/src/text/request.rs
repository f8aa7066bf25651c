//! What was asked for, as JSON: everything that is not of the machine and the moment.

use serde::{Deserialize, Serialize};
use surecopy_engine::{
    ConflictPolicy, CopySpec, DigestAlgorithm, Filter, Limits, Mapping, Preserve, ReadBack,
    ReflinkMode, Rule, RuleAction, StrategyChoice, VerifyPolicy,
};
use surecopy_fs::RelPath;

use crate::error::{Fault, Result};
use crate::text::path_text::{from_members, rel, to_members};
use crate::text::words::word;

/// A [`CopySpec`], without what is found out anew for each run: the user and their rights, the mask,
/// how many files may be open, and the number of the run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestText {
    mappings: Vec<MappingText>,
    rules: Vec<RuleText>,
    only: Option<Vec<PathText>>,
    strategy: String,
    reflink: String,
    verify: String,
    read_back: String,
    digest: String,
    buffer_reuse: bool,
    on_conflict: String,
    checksum: bool,
    preserve: Vec<String>,
    retries: u32,
    fail_fast: bool,
    replace_read_only: bool,
    keep_replaced: bool,
    accept_changed_content: bool,
    accept_volume: bool,
    sparse_file_warning: bool,
    workers: usize,
    dry_run: bool,
    limits: LimitsText,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingText {
    source_root: PathText,
    source: PathText,
    destination_root: PathText,
    target: PathText,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PathText {
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    action: RuleActionText,
    pattern: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[serde(rename_all = "snake_case")]
enum RuleActionText {
    Include,
    Exclude,
}

/// [`Limits`]: the names are those of the settings.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsText {
    copy_strategy_threshold_bytes: u64,
    staged_chunk_bytes: u64,
    verify_threshold_bytes: u64,
    mmap_window_bytes: u64,
    memory_budget_bytes: u64,
    low_memory_bytes: u64,
    buffer_size_bytes: u64,
    small_file_limit_bytes: u64,
    medium_file_limit_bytes: u64,
    maximum_copy_file_size_bytes: Option<u64>,
    free_disk_space_margin_bytes: u64,
    group_max_files: u64,
    group_max_bytes: u64,
    group_max_millis: u64,
}

/// Writes a request down.
pub(crate) fn to_text(spec: &CopySpec) -> Result<String> {
    let filter = &spec.filter;
    let request = RequestText {
        mappings: spec.mappings.iter().map(MappingText::new).collect(),
        rules: filter.rules().iter().map(RuleText::new).collect(),
        only: filter.listed().map(|listed| listed.map(PathText::of_rel).collect()),
        strategy: spec.strategy.as_str().to_owned(),
        reflink: spec.reflink.as_str().to_owned(),
        verify: spec.verify.as_str().to_owned(),
        read_back: spec.read_back.as_str().to_owned(),
        digest: spec.digest.as_str().to_owned(),
        buffer_reuse: spec.buffer_reuse,
        on_conflict: spec.conflict.as_str().to_owned(),
        checksum: spec.by_content,
        preserve: spec.preserve.kept().into_iter().map(str::to_owned).collect(),
        retries: spec.retries,
        fail_fast: spec.fail_fast,
        replace_read_only: spec.replace_read_only,
        keep_replaced: spec.keep_replaced,
        accept_changed_content: spec.accept_changed_content,
        accept_volume: spec.accept_volume,
        sparse_file_warning: spec.sparse_file_warning,
        workers: spec.workers,
        dry_run: spec.dry_run,
        limits: LimitsText::new(&spec.limits),
    };
    Ok(serde_json::to_string(&request)?)
}

/// Reads a request. What is of the machine and the moment is at its default.
pub(crate) fn from_text(text: &str) -> Result<CopySpec> {
    let request: RequestText = serde_json::from_str(text)?;
    let mappings = request.mappings.into_iter().map(MappingText::read);
    let mut spec = CopySpec::new(mappings.collect::<Result<_>>()?);
    let rules = request.rules.into_iter().map(RuleText::read);
    spec.filter = Filter::new(rules.collect::<Result<_>>()?);
    if let Some(only) = request.only {
        let only = only.into_iter().map(PathText::read_rel);
        spec.filter = spec.filter.only(only.collect::<Result<Vec<_>>>()?);
    }
    spec.strategy = word(StrategyChoice::from_text, &request.strategy)?;
    spec.reflink = word(ReflinkMode::from_text, &request.reflink)?;
    spec.verify = word(VerifyPolicy::from_text, &request.verify)?;
    spec.read_back = word(ReadBack::from_text, &request.read_back)?;
    spec.digest = word(DigestAlgorithm::from_text, &request.digest)?;
    spec.buffer_reuse = request.buffer_reuse;
    spec.conflict = word(ConflictPolicy::from_text, &request.on_conflict)?;
    spec.by_content = request.checksum;
    spec.preserve = Preserve::NONE;
    for name in &request.preserve {
        let unknown = || Fault::content(format!("the property {name:?}, which is not known"));
        spec.preserve.set(name, true).ok_or_else(unknown)?;
    }
    spec.retries = request.retries;
    spec.fail_fast = request.fail_fast;
    spec.replace_read_only = request.replace_read_only;
    spec.keep_replaced = request.keep_replaced;
    spec.accept_changed_content = request.accept_changed_content;
    spec.accept_volume = request.accept_volume;
    spec.sparse_file_warning = request.sparse_file_warning;
    spec.workers = request.workers;
    spec.dry_run = request.dry_run;
    spec.limits = request.limits.read();
    Ok(spec)
}

impl MappingText {
    fn new(mapping: &Mapping) -> Self {
        Self {
            source_root: PathText::new(&mapping.source_root),
            source: PathText::of_rel(&mapping.source),
            destination_root: PathText::new(&mapping.destination_root),
            target: PathText::of_rel(&mapping.target),
        }
    }

    fn read(self) -> Result<Mapping> {
        Ok(Mapping {
            source_root: self.source_root.read()?,
            source: self.source.read_rel()?,
            destination_root: self.destination_root.read()?,
            target: self.target.read_rel()?,
        })
    }
}

impl PathText {
    fn new(path: &std::path::Path) -> Self {
        let (path, path_bytes) = to_members(path);
        Self { path: path.into_owned(), path_bytes }
    }

    fn of_rel(path: &RelPath) -> Self {
        Self::new(path.as_path())
    }

    fn read(self) -> Result<std::path::PathBuf> {
        from_members(&self.path, self.path_bytes.as_deref())
    }

    fn read_rel(self) -> Result<RelPath> {
        rel(&self.read()?)
    }
}

impl RuleText {
    fn new(rule: &Rule) -> Self {
        let action = match rule.action() {
            RuleAction::Include => RuleActionText::Include,
            RuleAction::Exclude => RuleActionText::Exclude,
        };
        Self { action, pattern: rule.pattern().to_owned() }
    }

    fn read(self) -> Result<Rule> {
        let action = match self.action {
            RuleActionText::Include => RuleAction::Include,
            RuleActionText::Exclude => RuleAction::Exclude,
        };
        Rule::new(action, &self.pattern).map_err(|error| Fault::content(error.to_string()))
    }
}

macro_rules! limits {
    ($($name:ident),+ $(,)?) => {
        impl LimitsText {
            fn new(limits: &Limits) -> Self {
                let Limits { $($name),+ } = *limits;
                Self { $($name),+ }
            }

            fn read(self) -> Limits {
                let Self { $($name),+ } = self;
                Limits { $($name),+ }
            }
        }
    };
}

limits!(
    copy_strategy_threshold_bytes,
    staged_chunk_bytes,
    verify_threshold_bytes,
    mmap_window_bytes,
    memory_budget_bytes,
    low_memory_bytes,
    buffer_size_bytes,
    small_file_limit_bytes,
    medium_file_limit_bytes,
    maximum_copy_file_size_bytes,
    free_disk_space_margin_bytes,
    group_max_files,
    group_max_bytes,
    group_max_millis,
);

#[cfg(test)]
pub(crate) mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::PathBuf;

    use super::*;

    /// A request with something in every list.
    pub(crate) fn full() -> CopySpec {
        let odd = PathBuf::from(OsStr::from_bytes(b"/caf\xe9"));
        let mut spec = CopySpec::new(vec![Mapping {
            source_root: odd.clone(),
            source: RelPath::new(OsStr::from_bytes(b"\xff")).unwrap(),
            destination_root: PathBuf::from("/to"),
            target: RelPath::new("in").unwrap(),
        }]);
        spec.filter = Filter::new(vec![
            Rule::new(RuleAction::Include, "keep.tmp").unwrap(),
            Rule::new(RuleAction::Exclude, "/a/**/").unwrap(),
        ])
        .only([RelPath::new("one").unwrap(), RelPath::new(OsStr::from_bytes(b"\xfe")).unwrap()]);
        spec.limits.maximum_copy_file_size_bytes = None;
        spec.limits.group_max_millis = u64::MAX;
        spec.workers = 64;
        spec.retries = 9;
        spec
    }

    #[test]
    fn every_choice_is_the_same_after_it_was_written() {
        let mut spec = full();
        let flags: [fn(&mut CopySpec) -> &mut bool; 9] = [
            |spec| &mut spec.buffer_reuse,
            |spec| &mut spec.by_content,
            |spec| &mut spec.fail_fast,
            |spec| &mut spec.replace_read_only,
            |spec| &mut spec.keep_replaced,
            |spec| &mut spec.accept_changed_content,
            |spec| &mut spec.accept_volume,
            |spec| &mut spec.sparse_file_warning,
            |spec| &mut spec.dry_run,
        ];
        let same = |spec: &CopySpec| {
            let text = to_text(spec).unwrap();
            let read = from_text(&text).unwrap();
            assert_eq!(format!("{read:?}"), format!("{spec:?}"), "{text}");
        };
        same(&spec);
        for flag in flags {
            *flag(&mut spec) ^= true;
            same(&spec);
        }
        macro_rules! each {
            ($($field:ident: $kind:ty),+ $(,)?) => {$(
                for value in <$kind>::ALL {
                    spec.$field = value;
                    same(&spec);
                }
            )+};
        }
        each!(
            strategy: StrategyChoice,
            reflink: ReflinkMode,
            verify: VerifyPolicy,
            read_back: ReadBack,
            digest: DigestAlgorithm,
            conflict: ConflictPolicy,
        );
        for name in Preserve::names() {
            spec.preserve = Preserve::NONE;
            spec.preserve.set(name, true).unwrap();
            same(&spec);
        }
        assert!(from_text("{}").is_err());
    }
}
