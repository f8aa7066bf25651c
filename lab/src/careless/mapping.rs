//! A copier that maps its source. It is written in C: to map a file that others may cut short is nothing that
//! the lab's language lets pass.

use std::fs;

use anyhow::Result;

use crate::lab::Lab;
use crate::tool;

/// The same lab, with that copier in the place of the program.
pub(crate) fn in_place_of_the_program(lab: &Lab) -> Result<Lab> {
    lab.need("cc", "gcc")?;
    let (text, program) = (lab.new_path("mapping.c"), lab.new_path("mapping"));
    fs::write(&text, include_str!("mapping.c"))?;
    let words = ["-O1", "-Wall", "-o"].map(AsRef::as_ref);
    tool::run("cc", words.into_iter().chain([program.as_os_str(), text.as_os_str()]))?;
    lab.with_program(program)
}
