//! Copiers of tempting designs, which the checks of other parts must catch.

use anyhow::{Result, bail, ensure};

use super::{kill_matrix, power_cut, prepared, same_target, source_changes};
use crate::careless::Design;
use crate::lab::Lab;

/// Holds a design to what surecopy is held to. That must fail, for the reason that the design is wrong.
fn caught(
    lab: &Lab,
    design: Design,
    check: impl Fn(&Lab) -> Result<String>,
    reason: &str,
) -> Result<String> {
    let careless = design.in_place_of_the_program(lab)?;
    match check(&careless) {
        Ok(figures) => bail!("{design:?} was not caught: {figures}"),
        Err(error) => {
            let said = format!("{error:#}");
            ensure!(said.contains(reason), "{design:?} was caught for another reason: {said}");
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
