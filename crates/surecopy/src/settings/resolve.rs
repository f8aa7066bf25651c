//! Values in force, and where each came from.

use surecopy_engine::{
    ConflictPolicy, CopySpec, DigestAlgorithm, Limits, MAX_WORKERS, Preserve, ReadBack,
    ReflinkMode, StrategyChoice, VerifyPolicy,
};

use super::bytes::format_bytes;
use super::error::{SettingError, SettingWarning};
use super::nearest::nearest;
use super::origin::Origin;
use super::profile;
use super::setting::{Refusal, Setting, Stored};
use super::table::SETTINGS;
use super::values::Values;
use crate::config::ConfigFile;
use crate::environment;

/// Everything that was said about settings, as text. [`config::gather`](crate::config::gather)
/// fills it from the user's environment and configuration file.
#[derive(Debug, Clone, Default)]
pub struct SettingSources {
    /// The configuration file, if there is one.
    pub config: Option<ConfigFile>,
    /// What is wrong with a configuration file that is left out of account, in words.
    pub config_warning: Option<String>,
    /// Names of environment variables (`SURECOPY_…`) and their values.
    pub environment: Vec<(String, String)>,
    /// Names of settings and their values, from the command line. The last of a name counts.
    pub flags: Vec<(String, String)>,
}

/// Values in force, and where each came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    values: Values,
    /// In the order of the table.
    origins: Vec<Origin>,
    warnings: Vec<SettingWarning>,
}

/// One value in force.
#[derive(Clone)]
pub struct Resolved<'a> {
    /// The setting.
    pub setting: &'static Setting,
    /// Its value, as text that [`Settings::set`] reads again.
    pub text: String,
    /// Where it came from.
    pub origin: &'a Origin,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            values: Values::default(),
            origins: vec![Origin::Default; SETTINGS.len()],
            warnings: Vec::new(),
        }
    }
}

impl Settings {
    /// Takes every source in the order of precedence.
    ///
    /// # Errors
    ///
    /// The first name that is not known or value that is not allowed.
    pub fn resolve(sources: &SettingSources) -> Result<Self, SettingError> {
        let mut settings = Self::default();
        let warning = sources.config_warning.clone();
        settings.warnings.extend(warning.map(|message| SettingWarning { name: None, message }));
        if let Some(config) = &sources.config {
            for (name, text) in config.entries() {
                settings.set(&name, &text, Origin::ConfigFile(config.path().to_owned()))?;
            }
        }
        for (variable, text) in &sources.environment {
            let origin = Origin::Environment(variable.clone());
            settings.set(&environment::setting_name(variable), text, origin)?;
        }
        for (name, text) in &sources.flags {
            settings.set(name, text, Origin::Flag)?;
        }
        Ok(settings)
    }

    /// Sets one value from text.
    ///
    /// A profile gives values only to settings that nobody named, whatever the order of calls. From
    /// a configuration file, a `verify_policy` that cannot be read counts as `all`, with a warning.
    ///
    /// # Errors
    ///
    /// There is no such setting, or the value is not allowed; then nothing has changed.
    pub fn set(&mut self, name: &str, text: &str, origin: Origin) -> Result<(), SettingError> {
        let Some(index) = SETTINGS.iter().position(|setting| setting.name == name) else {
            let suggestion = nearest(name, SETTINGS.iter().map(|setting| setting.name));
            return Err(SettingError::Unknown { name: name.to_owned(), origin, suggestion });
        };
        let setting = &SETTINGS[index];
        let warning = self.store(setting, text, &origin)?;
        self.origins[index] = origin;
        let name = Some(setting.name);
        self.warnings.retain(|known| known.name != name);
        self.warnings.extend(warning.map(|message| SettingWarning { name, message }));
        if setting.name == "profile" {
            self.apply_profile();
        }
        Ok(())
    }

    /// What was accepted, but does not count as it was said.
    pub fn warnings(&self) -> &[SettingWarning] {
        &self.warnings
    }

    /// Every setting with its value, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = Resolved<'_>> {
        SETTINGS.iter().zip(&self.origins).map(|(setting, origin)| Resolved {
            setting,
            text: setting.text(&self.values),
            origin,
        })
    }

    /// One setting with its value.
    ///
    /// # Errors
    ///
    /// There is no such setting.
    pub fn get(&self, name: &str) -> Result<Resolved<'_>, SettingError> {
        self.iter().find(|resolved| resolved.setting.name == name).ok_or_else(|| {
            let suggestion = nearest(name, SETTINGS.iter().map(|setting| setting.name));
            SettingError::Unknown { name: name.to_owned(), origin: Origin::Flag, suggestion }
        })
    }

    /// Sizes and thresholds.
    pub fn limits(&self) -> Limits {
        self.values.limits
    }

    /// Which files are verified.
    pub fn verify_policy(&self) -> VerifyPolicy {
        self.values.verify_policy
    }

    /// How they are read back.
    pub fn read_back(&self) -> ReadBack {
        self.values.read_back
    }

    /// The digest algorithm.
    pub fn digest(&self) -> DigestAlgorithm {
        self.values.digest
    }

    /// How strategies are chosen.
    pub fn strategy(&self) -> StrategyChoice {
        self.values.strategy
    }

    /// Whether blocks may be shared with the source.
    pub fn reflink(&self) -> ReflinkMode {
        self.values.reflink
    }

    /// What happens to targets that exist.
    pub fn on_conflict(&self) -> ConflictPolicy {
        self.values.on_conflict
    }

    /// What is kept besides content.
    pub fn preserve(&self) -> Preserve {
        self.values.preserve
    }

    /// How often an item is begun again.
    pub fn retries(&self) -> u32 {
        u32::try_from(self.values.retries).unwrap_or(u32::MAX)
    }

    /// How many items are worked on at once: what was asked for, or a number that fits this
    /// computer's processor.
    pub fn workers(&self) -> usize {
        workers_on_this_machine(self.values.jobs)
    }

    /// Whether the source's digest comes from the copy buffer.
    pub fn buffer_reuse(&self) -> bool {
        self.values.buffer_reuse
    }

    /// Whether sparse files that lose their holes are warned of.
    pub fn sparse_file_warning(&self) -> bool {
        self.values.sparse_file_warning
    }

    /// How often progress is drawn.
    pub fn progress_updates_per_second(&self) -> u32 {
        u32::try_from(self.values.progress_updates_per_second).unwrap_or(u32::MAX)
    }

    /// How long finished jobs stay in the ledger, in days.
    pub fn ledger_keep_days(&self) -> u64 {
        self.values.ledger_keep_days
    }

    /// The profile in force; `none` when there is none.
    pub fn profile(&self) -> &'static str {
        self.values.profile
    }

    /// Writes the values into a job.
    pub fn fill(&self, spec: &mut CopySpec) {
        spec.limits = self.limits();
        spec.verify = self.verify_policy();
        spec.read_back = self.read_back();
        spec.digest = self.digest();
        spec.strategy = self.strategy();
        spec.reflink = self.reflink();
        spec.conflict = self.on_conflict();
        spec.preserve = self.preserve();
        spec.retries = self.retries();
        spec.workers = self.workers();
        spec.buffer_reuse = self.buffer_reuse();
        spec.sparse_file_warning = self.sparse_file_warning();
    }

    /// Changes a value that is at hand in its own type, as a caller of the library has it.
    pub(crate) fn change(&mut self, name: &str, change: impl FnOnce(&mut Values)) {
        change(&mut self.values);
        for (setting, origin) in SETTINGS.iter().zip(&mut self.origins) {
            if setting.name == name {
                *origin = Origin::Flag;
            }
        }
    }

    /// Stores a text; says what was made of it if that is something else.
    fn store(
        &mut self,
        setting: &'static Setting,
        text: &str,
        origin: &Origin,
    ) -> Result<Option<String>, SettingError> {
        match setting.store(&mut self.values, text) {
            Ok(Stored::AsGiven) => Ok(None),
            Ok(Stored::Clamped(used)) => Ok(Some(format!(
                "`{}` goes from {}: {} is used instead of {text}",
                setting.name,
                setting.kind.allowed(),
                format_bytes(used)
            ))),
            // Doubt about a stored policy costs time, never proof.
            Err(_)
                if setting.name == "verify_policy" && matches!(origin, Origin::ConfigFile(_)) =>
            {
                self.values.verify_policy = VerifyPolicy::from_stored(text);
                Ok(Some(format!(
                    "`verify_policy` in {origin} cannot be read (`{text}`): {} is used",
                    self.values.verify_policy.as_str()
                )))
            }
            Err(Refusal::Invalid(expected)) => Err(SettingError::Invalid {
                name: setting.name,
                text: text.to_owned(),
                origin: origin.clone(),
                expected,
            }),
            Err(Refusal::OutOfRange) => Err(SettingError::OutOfRange {
                name: setting.name,
                text: text.to_owned(),
                origin: origin.clone(),
                range: setting.kind.allowed(),
            }),
        }
    }

    /// Gives every setting that nobody named its default, or what the profile says.
    fn apply_profile(&mut self) {
        let name = self.values.profile;
        for (setting, origin) in SETTINGS.iter().zip(&mut self.origins) {
            if !origin.is_implied() || setting.name == "profile" {
                continue;
            }
            let row = profile::rows(name).iter().find(|row| row.name == setting.name);
            let text = row.map_or(setting.default, |row| row.value);
            // The tables hold only what can be stored; a test sees to that.
            if setting.store(&mut self.values, text).is_ok() {
                *origin = if row.is_some() { Origin::Profile(name) } else { Origin::Default };
            }
        }
    }
}

/// How many workers a number of jobs means, 0 among them, on this machine.
pub(crate) fn workers_on_this_machine(jobs: u64) -> usize {
    workers(jobs, std::thread::available_parallelism().map_or(2, usize::from))
}

pub(super) fn workers(jobs: u64, cores: usize) -> usize {
    match usize::try_from(jobs) {
        Ok(0) => cores.clamp(2, 8),
        Ok(jobs) => jobs.min(MAX_WORKERS),
        Err(_) => MAX_WORKERS,
    }
}
