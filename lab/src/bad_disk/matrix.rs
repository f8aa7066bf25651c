//! Every program on every bad disk.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use super::bench::{Bench, on_each};
use super::outcome::{Left, Outcome};
use super::programs::PROGRAMS;
use crate::child::Running;
use crate::copier::{self, Copied};
use crate::disks::{Fault, Kind, marks};
use crate::lab::Lab;
use crate::snapshot::ensure_no_partials;
use crate::tree;
use crate::volume::Fs;

/// Of the file that is copied, in bytes: with a last block that is no whole one.
const LENGTH: usize = (2 << 20) + 777;

/// The block of it that is hit, somewhere in the middle.
const BLOCK: u32 = 300;

/// What the disks do, always.
const FAULTS: &[Kind] = &[
    Kind::Drop,
    Kind::Stale,
    Kind::Flip,
    Kind::Swap,
    Kind::Rot,
    Kind::WriteError,
    Kind::Dead,
    Kind::ReadError,
    Kind::FlipOnRead,
];

/// Whether others than ours meet the fault: none of them reads from the disk what it has written.
fn is_for_all(fault: Kind) -> bool {
    !matches!(fault, Kind::ReadError | Kind::FlipOnRead)
}

/// One copy to one bad disk.
pub(crate) struct Cell {
    pub(crate) fs: Fs,
    pub(crate) fault: Kind,
    /// Its place among the programs.
    pub(crate) program: usize,
    pub(crate) is_replacing: bool,
    pub(crate) outcome: Outcome,
    /// How often the disk did what it does.
    pub(crate) fired: u32,
    /// What was said, when it is ours.
    pub(crate) told: Option<Copied>,
}

impl Cell {
    pub(crate) fn is_ours(&self) -> bool {
        PROGRAMS[self.program].is_ours()
    }

    /// For messages.
    pub(crate) fn name(&self) -> String {
        let Self { fs, fault, outcome, fired, .. } = self;
        let mode = if self.is_replacing { "replacing" } else { "new" };
        let program = PROGRAMS[self.program].name;
        format!("{program}, {}, {fault:?}, {mode}: {outcome:?}, {fired} times", fs.name())
    }
}

/// Has every program copy to each of the disks, with every file system.
pub(crate) fn all(lab: &Lab) -> Result<Vec<Cell>> {
    let cells = on_each(|fs| {
        let mut matrix = Matrix::new(lab, fs)?;
        let row =
            |fault: &Kind| matrix.row(*fault).with_context(|| format!("{} {fault:?}", fs.name()));
        FAULTS.iter().map(row).collect::<Result<Vec<_>>>()
    })?;
    Ok(cells.into_iter().flatten().flatten().collect())
}

/// The copies of one file system.
struct Matrix<'a> {
    lab: &'a Lab,
    fs: Fs,
    bench: Bench,
}

/// A copy that is going to be made.
struct Planned {
    program: usize,
    fault: Kind,
    old: Option<Vec<u8>>,
    source: PathBuf,
    target: PathBuf,
    content: Vec<u8>,
}

impl<'a> Matrix<'a> {
    fn new(lab: &'a Lab, fs: Fs) -> Result<Self> {
        Ok(Self { lab, fs, bench: Bench::new(lab, fs)? })
    }

    /// Has every program copy to a disk that does this.
    fn row(&mut self, fault: Kind) -> Result<Vec<Cell>> {
        let mut planned = Vec::new();
        for (number, program) in PROGRAMS.iter().enumerate() {
            if program.is_known()? && (program.is_ours() || is_for_all(fault)) {
                for is_replacing in [false, true] {
                    planned.push(self.plan(number, fault, is_replacing)?);
                }
            }
        }
        // After that nobody else can write to the volume: each has one to itself.
        let together = if fault == Kind::Dead { 1 } else { planned.len() };
        let mut cells = Vec::new();
        for planned in planned.chunks(together) {
            cells.extend(self.copy_all(planned)?);
        }
        fs::remove_dir_all(self.bench.path().join("targets"))?;
        fs::remove_dir_all(self.bench.elsewhere("sources"))?;
        Ok(cells)
    }

    fn plan(&self, program: usize, fault: Kind, is_replacing: bool) -> Result<Planned> {
        let mode = if is_replacing { "replaced" } else { "new" };
        let name = format!("targets/{program}-{mode}");
        let dir = self.bench.path().join(&name);
        fs::create_dir_all(&dir)?;
        let target = dir.join("target");
        // What is found in a place that was used before is never what is written now.
        let file = fault as u32 * 100 + u32::try_from(program)? * 2 + u32::from(is_replacing);
        let content = marks::content(file, LENGTH);
        let source = self.bench.elsewhere("sources").join(format!("{program}-{mode}"));
        fs::create_dir_all(self.bench.elsewhere("sources"))?;
        fs::write(&source, &content)?;
        let old = is_replacing.then(|| vec![b'o'; LENGTH - 5000]);
        if let Some(old) = &old {
            tree::write_old(&target, old)?;
        }
        Ok(Planned { program, fault, old, source, target, content })
    }

    fn copy_all(&mut self, planned: &[Planned]) -> Result<Vec<Cell>> {
        self.bench.settle();
        let mut said = Vec::new();
        for planned in planned {
            said.push(self.copy(planned)?);
        }
        self.bench.mount_again()?;
        let found = planned.iter().zip(said);
        found.map(|(planned, said)| self.look(planned, said)).collect()
    }

    fn copy(&self, planned: &Planned) -> Result<(i32, u32, Option<Copied>)> {
        let program = &PROGRAMS[planned.program];
        self.bench.set(Fault::always(planned.fault, BLOCK))?;
        let mut command = program.command(self.lab, &planned.source, &planned.target);
        let output = Running::start(&mut command)?.output()?;
        self.bench.settle();
        let told = program.is_ours().then(|| copier::read(&output)).transpose()?;
        Ok((copier::exit_status(&output), self.bench.fired()?, told))
    }

    fn look(
        &self,
        planned: &Planned,
        (status, fired, told): (i32, u32, Option<Copied>),
    ) -> Result<Cell> {
        let left = Left::look(&planned.target, &planned.content, planned.old.as_deref())?;
        let cell = Cell {
            fs: self.fs,
            fault: planned.fault,
            program: planned.program,
            is_replacing: planned.old.is_some(),
            outcome: Outcome { status, left },
            fired,
            told,
        };
        if PROGRAMS[planned.program].is_ours() {
            let dir = planned.target.parent().context("it is in a folder")?;
            // When nothing can be written any more, nothing can be removed.
            if planned.fault != Kind::Dead {
                ensure_no_partials(dir).with_context(|| cell.name())?;
            }
        }
        ensure!(fs::read(&planned.source)? == planned.content, "{}: the source", cell.name());
        Ok(cell)
    }
}
