//! From arguments to a job: which options are which settings, which combinations make no sense.
//! The one step between what was typed and what the library is asked for.

use std::path::PathBuf;
use std::sync::Arc;

use surecopy::jobs::Ledger;
use surecopy::preparation::PrepareMode;
use surecopy::settings::{Origin, Settings};
use surecopy::{ConflictPolicy, CopyRequest, Job, Preserve};

use super::args::{ConflictArg, CopyArgs};
use super::preserve;
use crate::failure::Failure;
use crate::settings;
use crate::terminal::Terminal;

/// A job that is ready, and the settings that it was made with.
pub(super) struct Request {
    pub(super) job: Job,
    pub(super) settings: Settings,
    /// Where the job is recorded.
    pub(super) ledger: Option<Arc<Ledger>>,
}

/// Resolves everything that was typed. Nothing is written.
pub(super) fn resolve(args: &CopyArgs, terminal: Terminal) -> Result<Request, Failure> {
    let (sources, destination) = paths(args)?;
    let settings = settings(args)?;
    if settings.on_conflict() == ConflictPolicy::Ask
        && !args.dry_run
        && let Some(obstacle) = terminal.obstacle_to_asking
    {
        return Err(Failure::usage(format!(
            "nobody can be asked: {obstacle}; choose another policy with --on-conflict"
        )));
    }
    if settings.on_conflict() == ConflictPolicy::Ask && args.output.json {
        return Err(Failure::usage("--json is for programs, and --on-conflict ask is for people"));
    }
    if args.targets.checksum {
        compares_by_content(&settings)?;
    }
    let mut request = CopyRequest::new(sources, destination)
        .exact_target(args.no_target_directory)
        .settings(settings.clone())
        .filter(args.filters.filter()?)
        .dry_run(args.dry_run)
        .fail_fast(args.way.fail_fast)
        .checksum(args.targets.checksum)
        .replace_read_only(args.targets.replace_read_only)
        .keep_replaced(args.targets.keep_replaced)
        .accept_changed_content(args.targets.accept_changed_content);
    if let Some(index) = args.from.path() {
        request = request.index(index).prepare_mode(args.from.mode());
    } else if args.from.mode() == PrepareMode::IndexOnly {
        args.from.index.needed_path()?;
    }
    let ledger = ledger(args)?;
    if let Some(ledger) = &ledger {
        request = request.ledger(Arc::clone(ledger));
    }
    let job = request.prepare().map_err(|error| Failure::of_copy(&error))?;
    Ok(Request { job, settings, ledger })
}

/// The ledger that the job goes into. A dry run leaves no job, and makes no ledger.
fn ledger(args: &CopyArgs) -> Result<Option<Arc<Ledger>>, Failure> {
    if args.record.no_ledger || args.dry_run {
        return Ok(None);
    }
    let ledger = args.record.ledger.create().map_err(|mut failure| {
        // What is replaced can only be kept where it is recorded.
        failure.hint = (!args.targets.keep_replaced)
            .then(|| "put that right, or copy without a ledger: --no-ledger".to_owned());
        failure
    })?;
    Ok(Some(Arc::new(ledger)))
}

/// Only one policy compares at all. With another one, `-c` would promise a look that nobody takes.
fn compares_by_content(settings: &Settings) -> Result<(), Failure> {
    let policy = settings.get("on_conflict").map_err(Failure::usage)?;
    if settings.on_conflict() == ConflictPolicy::Update {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "--checksum applies only to --on-conflict update, and `{}` is in force (from {})",
        policy.text, policy.origin
    )))
}

/// Sources, and the destination behind them.
fn paths(args: &CopyArgs) -> Result<(Vec<PathBuf>, PathBuf), Failure> {
    let (destination, sources) =
        args.paths.split_last().filter(|(_, sources)| !sources.is_empty()).ok_or_else(|| {
            Failure::usage("say what to copy and where to: surecopy copy SRC... DST")
        })?;
    Ok((sources.iter().map(PathBuf::from).collect(), PathBuf::from(destination)))
}

/// The settings in force, options included.
fn settings(args: &CopyArgs) -> Result<Settings, Failure> {
    let mut settings = settings::in_force(args.settings.config.as_deref(), flags(args)?)?;
    let base = if args.targets.archive { Preserve::ALL } else { settings.preserve() };
    let kept = match &args.targets.preserve {
        Some(list) => preserve::read(list, base).map_err(Failure::usage)?,
        None => base,
    };
    if kept != settings.preserve() {
        let names = kept.kept();
        let text = if names.is_empty() { "none".to_owned() } else { names.join(",") };
        settings.set("preserve", &text, Origin::Flag).map_err(Failure::usage)?;
    }
    Ok(settings)
}

/// Every option that is a setting, as the setting. `--set` comes first: an option with a name of
/// its own is the more deliberate of the two.
fn flags(args: &CopyArgs) -> Result<Vec<(String, String)>, Failure> {
    let mut flags = Vec::new();
    for pair in &args.settings.set {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("--set takes KEY=VALUE, not `{pair}`")))?;
        flags.push((key.trim().to_owned(), value.trim().to_owned()));
    }
    let conflict = args.targets.on_conflict.map(ConflictArg::as_str);
    let newer = args.targets.update.then_some(ConflictArg::Newer.as_str());
    let words = [
        ("verify_policy", args.proof.verify.map(|word| word.as_str())),
        ("read_back", args.proof.read_back.map(|word| word.as_str())),
        ("digest", args.proof.digest.map(|word| word.as_str())),
        ("strategy", args.way.strategy.map(|word| word.as_str())),
        ("reflink", args.way.reflink.map(|word| word.as_str())),
        ("on_conflict", conflict.or(newer)),
        ("profile", args.settings.profile.as_deref()),
    ];
    let numbers = [("jobs", args.way.jobs), ("retries", args.way.retries)];
    flags.extend(
        words.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.to_owned()))),
    );
    flags.extend(
        numbers.into_iter().filter_map(|(name, n)| Some((name.to_owned(), n?.to_string()))),
    );
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::super::args::{DigestArg, ReadBackArg, ReflinkArg, StrategyArg, VerifyArg};
    use super::*;

    /// Every word of an option is a value of its setting, and the other way round.
    #[test]
    fn options_and_settings_have_the_same_words() {
        fn words<T: ValueEnum>() -> Vec<String> {
            let words = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
            words.map(|value| value.get_name().to_owned()).collect()
        }
        let rows = [
            ("verify_policy", words::<VerifyArg>()),
            ("read_back", words::<ReadBackArg>()),
            ("digest", words::<DigestArg>()),
            ("strategy", words::<StrategyArg>()),
            ("reflink", words::<ReflinkArg>()),
            ("on_conflict", words::<ConflictArg>()),
        ];
        for (name, words) in rows {
            let setting = surecopy::settings::find(name).unwrap();
            let surecopy::settings::Kind::Choice(known) = setting.kind else {
                panic!("{name} is no choice");
            };
            let mut known: Vec<&str> = known.to_vec();
            let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
            known.sort_unstable();
            words.sort_unstable();
            assert_eq!(words, known, "{name}");
        }
    }
}
