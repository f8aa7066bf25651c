//! Taking a name out of a document, with its own comment and no other.

use toml_edit::{Decor, DocumentMut, Item};

/// Says whether the name was there.
pub(super) fn unset(document: &mut DocumentMut, name: &str) -> bool {
    // What stands above a name belongs to it, and would go whole.
    let above = match document.get(name) {
        Some(Item::Table(table)) => prefix_of(table.decor()),
        _ => document.key(name).map(|key| prefix_of(key.leaf_decor())).unwrap_or_default(),
    };
    let next = document.iter().map(|(known, _)| known).skip_while(|known| *known != name).nth(1);
    let next = next.map(str::to_owned);
    if document.remove(name).is_none() {
        return false;
    }
    let kept = not_about_it(&above);
    if let Some(mut next) = next.and_then(|next| document.key_mut(&next)) {
        let decor = next.leaf_decor_mut();
        decor.set_prefix(joined(kept, &prefix_of(decor)));
    } else {
        let trailing = joined(kept, document.trailing().as_str().unwrap_or_default());
        document.set_trailing(trailing);
    }
    true
}

/// What stands above a name: empty lines and comments.
fn prefix_of(decor: &Decor) -> String {
    decor.prefix().and_then(|text| text.as_str()).unwrap_or_default().to_owned()
}

/// The part of what stands above a name that an empty line parts from it, such as a heading of the
/// file; with that line.
fn not_about_it(above: &str) -> &str {
    let above = above.trim_end_matches([' ', '\t']);
    let about_it = above.split_inclusive('\n').rev().take_while(|line| !line.trim().is_empty());
    &above[..above.len() - about_it.map(str::len).sum::<usize>()]
}

/// Both, with one empty line where both have one.
fn joined(upper: &str, lower: &str) -> String {
    let lower = if upper.is_empty() { lower } else { lower.strip_prefix('\n').unwrap_or(lower) };
    format!("{upper}{lower}")
}
