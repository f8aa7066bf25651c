//! Small, medium and large files, as counted in reports.

/// The class of a file by its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SizeClass {
    /// Read whole in one read.
    Small,
    /// In between.
    Medium,
    /// Copied as a group of its own.
    Large,
}

impl SizeClass {
    /// The class of a file of this size, given the two limits (each exclusive).
    pub fn of(size_bytes: u64, small_limit_bytes: u64, medium_limit_bytes: u64) -> SizeClass {
        if size_bytes < small_limit_bytes {
            SizeClass::Small
        } else if size_bytes < medium_limit_bytes {
            SizeClass::Medium
        } else {
            SizeClass::Large
        }
    }

    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            SizeClass::Small => "small",
            SizeClass::Medium => "medium",
            SizeClass::Large => "large",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_belong_to_the_class_above() {
        let rows = [
            (0, SizeClass::Small),
            (9, SizeClass::Small),
            (10, SizeClass::Medium),
            (19, SizeClass::Medium),
            (20, SizeClass::Large),
        ];
        for (size, class) in rows {
            assert_eq!(SizeClass::of(size, 10, 20), class, "{size}");
        }
    }
}
