//! Random trees, copied by three programs and compared.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use surecopy_testkit::differential::Trial;

use crate::lab::Lab;
use crate::volume::{Fs, Volume};

/// How long trials are made on each volume.
const TIME: Duration = Duration::from_secs(6);

/// With owners, set-id bits, attributes and what nobody may read. The seed of a trial stands in its failure.
pub(crate) fn random_trees(lab: &Lab) -> Result<String> {
    let first = number("SURECOPY_LAB_SEED")?.unwrap_or(80_000);
    let time = number("SURECOPY_LAB_SECONDS")?.map_or(TIME, Duration::from_secs);
    let mut figures = vec![format!("seeds from {first}")];
    for fs in Fs::ALL {
        let volume = Volume::loopback(lab, fs, 4 * fs.smallest())?;
        let (began, mut trials, mut entries) = (Instant::now(), 0, 0);
        while trials < 6 || began.elapsed() < time {
            entries += trial(lab, &volume.join("trial"), first + trials, true)?;
            trials += 1;
        }
        figures.push(format!("{}: {trials} trials, {entries} entries", fs.name()));
    }
    careless(lab)?;
    Ok(figures.join(", "))
}

fn number(name: &str) -> Result<Option<u64>> {
    Ok(std::env::var(name).ok().map(|text| text.parse()).transpose()?)
}

fn trial(lab: &Lab, folder: &Path, seed: u64, is_careful: bool) -> Result<usize> {
    fs::create_dir(folder)?;
    let ours = |options: &[&str], source: &Path, target: &Path| {
        let kept: &[&str] = if is_careful { &["-a"] } else { &["--preserve", "none"] };
        let copied = lab.copy(&[kept, options].concat(), source, target);
        let copied = copied.map_err(|error| format!("{error:#}"))?;
        copied.ensure_ok().map_err(|error| format!("{error:#}"))
    };
    let (is_privileged, has_attributes, has_rsync) = (true, true, true);
    let trial = Trial { folder, is_privileged, has_attributes, has_rsync, ours: &ours };
    let compared = trial.run(seed).map_err(anyhow::Error::msg)?;
    fs::remove_dir_all(folder)?;
    Ok(compared)
}

/// A copy that keeps nothing but content is found to differ.
fn careless(lab: &Lab) -> Result<()> {
    let folder = lab.new_path("careless");
    match trial(lab, &folder, 80_000, false) {
        Ok(_) => bail!("a careless copy is not found"),
        Err(error) => {
            ensure!(format!("{error:#}").contains("ours differs"), "{error:#}");
            Ok(())
        }
    }
}
