//! Copiers of tempting designs, which the checks of other parts must catch.

use anyhow::{Result, bail, ensure};

use super::{
    bad_disks, bind_mounts, kill_matrix, power_cut, prepared, same_target, source_changes,
};
use crate::careless::{Design, mapping};
use crate::lab::Lab;

/// Holds a design to what surecopy is held to. That must fail, for the reason that the design is wrong.
fn caught(
    lab: &Lab,
    design: Design,
    check: impl Fn(&Lab) -> Result<String>,
    reason: &str,
) -> Result<String> {
    fails(&design.in_place_of_the_program(lab)?, &format!("{design:?}"), check, reason)
}

fn fails(
    careless: &Lab,
    name: &str,
    check: impl Fn(&Lab) -> Result<String>,
    reason: &str,
) -> Result<String> {
    match check(careless) {
        Ok(figures) => bail!("{name} was not caught: {figures}"),
        Err(error) => {
            let said = format!("{error:#}");
            ensure!(said.contains(reason), "{name} was caught for another reason: {said}");
            Ok(said.lines().take(2).collect::<Vec<_>>().join(" "))
        }
    }
}

pub(crate) fn moves_target_away(lab: &Lab) -> Result<String> {
    caught(lab, Design::MovesTargetAway, kill_matrix::of_a_copy, "is gone")
}

pub(crate) fn times_after_publish(lab: &Lab) -> Result<String> {
    caught(lab, Design::TimesAfterPublish, kill_matrix::of_a_copy, " instead of (")
}

pub(crate) fn no_flush(lab: &Lab) -> Result<String> {
    caught(lab, Design::NoFlush, power_cut::after_the_report, "after shutdown")
}

pub(crate) fn fixed_names(lab: &Lab) -> Result<String> {
    caught(lab, Design::FixedNames, same_target::at_once, "the target is ")
}

pub(crate) fn trusts_size(lab: &Lab) -> Result<String> {
    caught(lab, Design::TrustsSize, source_changes::while_it_is_copied, "neither")
}

pub(crate) fn directory_time_alone(lab: &Lab) -> Result<String> {
    caught(lab, Design::DirectoryTimeAlone, prepared::changes, "after changes")
}

pub(crate) fn older_than_index(lab: &Lab) -> Result<String> {
    caught(lab, Design::OlderThanIndex, prepared::changes, "after changes")
}

pub(crate) fn compares_from_memory(lab: &Lab) -> Result<String> {
    caught(lab, Design::ComparesFromMemory, bad_disks::once_and_always, "not refused, Wrong")
}

pub(crate) fn explains_away(lab: &Lab) -> Result<String> {
    caught(lab, Design::ExplainsAway, bad_disks::once_and_always, "not refused, Wrong")
}

/// SIGBUS.
pub(crate) fn maps_the_source(lab: &Lab) -> Result<String> {
    let careless = mapping::in_place_of_the_program(lab)?;
    fails(&careless, "mapping", source_changes::while_it_is_copied, "ended by signal 7")
}

pub(crate) fn compares_paths(lab: &Lab) -> Result<String> {
    caught(lab, Design::ComparesPaths, bind_mounts::onto_itself, "not refused")
}
