//! How much of a scan is done where nobody knows how much there is: each directory is taken to be worth as
//! much as those beside it, and as much as what stands in the one above.

/// A part of all that is scanned, in units so small that they can be split again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScanShare(u64);

impl ScanShare {
    const WHOLE: u64 = 1 << 62;

    /// One of so many sources.
    pub(crate) fn of_one_in(sources: usize) -> Self {
        Self(Self::WHOLE / (sources as u64).max(1))
    }

    /// What a directory itself is worth, and each of so many directories in it.
    pub(crate) fn split(self, directories: usize) -> (Self, Self) {
        let directories = directories as u64;
        let each = self.0 / (directories + 1);
        (Self(self.0 - each * directories), Self(each))
    }

    pub(super) fn units(self) -> u64 {
        self.0
    }

    /// From 0 to 1.
    pub(super) fn of_whole(units: u64) -> f64 {
        (units as f64 / Self::WHOLE as f64).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_in_splitting() {
        let mut pending = vec![(ScanShare::of_one_in(1), 6usize)];
        let mut sum = 0;
        while let Some((share, depth)) = pending.pop() {
            let (own, each) = share.split(depth);
            sum += own.units();
            pending.extend((0..depth).map(|_| (each, depth - 1)));
        }
        assert_eq!(ScanShare::of_whole(sum), 1.0);
        let (own, each) = ScanShare::of_one_in(2).split(1);
        assert_eq!(ScanShare::of_whole(own.units() + each.units()), 0.5);
    }
}
