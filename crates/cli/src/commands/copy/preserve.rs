//! What `--preserve` and `-a` mean.

use surecopy::Preserve;

/// Reads a list. A name without a sign starts from nothing: the list is then exactly what is kept.
/// With signs only, the list changes `base`.
pub(super) fn read(list: &str, base: Preserve) -> Result<Preserve, String> {
    let words: Vec<&str> = list.split(',').map(str::trim).collect();
    let is_exact = words.iter().any(|word| !word.starts_with(['+', '-']));
    let mut preserve = if is_exact { Preserve::NONE } else { base };
    for word in words {
        let (keep, name) = match word.strip_prefix('-') {
            Some(name) => (false, name),
            None => (true, word.strip_prefix('+').unwrap_or(word)),
        };
        switch(&mut preserve, name, keep)?;
    }
    Ok(preserve)
}

fn switch(preserve: &mut Preserve, name: &str, keep: bool) -> Result<(), String> {
    let group = match name {
        "none" if keep => return Ok(()),
        "all" => Preserve::ALL.kept(),
        "default" => Preserve::DEFAULT.kept(),
        name => vec![name],
    };
    for name in group {
        preserve.set(name, keep).ok_or_else(|| unknown(name))?;
    }
    Ok(())
}

fn unknown(name: &str) -> String {
    let names: Vec<&str> = Preserve::names().collect();
    format!("--preserve knows no `{name}`: there are {}, and default, all, none", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_exact_and_signs_change_the_base() {
        let rows: [(&str, &[&str]); 7] = [
            ("timestamps,permissions", &["timestamps", "permissions"]),
            ("none", &[]),
            ("none,+links", &["links"]),
            ("-xattrs,-acls", &["timestamps", "permissions", "links", "holes"]),
            ("+owner,-xattrs,-acls,-holes", &["timestamps", "permissions", "links", "owner"]),
            ("default,-timestamps,-xattrs,-acls,-holes", &["permissions", "links"]),
            ("-all,+links", &["links"]),
        ];
        for (list, expected) in rows {
            assert_eq!(read(list, Preserve::DEFAULT).unwrap().kept(), expected, "{list}");
        }
        assert_eq!(read("all", Preserve::NONE), Ok(Preserve::ALL));
    }

    #[test]
    fn unknown_names_are_refused() {
        for list in ["mode", "", "timestamps,", "+", "-none"] {
            let error = read(list, Preserve::DEFAULT).unwrap_err();
            assert!(error.contains("timestamps, permissions"), "{list}: {error}");
        }
    }
}
