//! The nearest known name to one that is not known.

/// The known name with the fewest letters changed; `None` when none is near.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let (changes, best) = known
        .into_iter()
        .map(|candidate| (changes_between(&name, candidate), candidate))
        .min_by_key(|(changes, _)| *changes)?;
    // A third of the letters: beyond that a guess is more confusing than none.
    (changes <= best.len().max(name.len()) / 3).then_some(best)
}

/// How many letters have to be inserted, removed or replaced.
fn changes_between(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, left) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, right) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let known = ["verify_policy", "read_back", "retries", "jobs"];
        let rows = [
            ("verify_polcy", Some("verify_policy")),
            ("Verify-Policy", Some("verify_policy")),
            ("readback", Some("read_back")),
            ("job", Some("jobs")),
            ("retrys", Some("retries")),
            ("colour", None),
            ("", None),
        ];
        for (name, expected) in rows {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
        assert_eq!(nearest("jobs", []), None);
    }

    #[test]
    fn changes_are_counted() {
        let rows = [("", "", 0), ("", "abc", 3), ("abc", "abc", 0), ("kitten", "sitting", 3)];
        for (left, right, expected) in rows {
            assert_eq!(changes_between(left, right), expected, "{left} {right}");
            assert_eq!(changes_between(right, left), expected, "{right} {left}");
        }
    }
}
