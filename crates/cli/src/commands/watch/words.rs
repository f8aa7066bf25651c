//! What a watch tells, in words.

use std::path::Path;

use surecopy::index::{LostReason, WatchFact};

use crate::amounts::Span;
use crate::human::{directories as in_words, validated};
use crate::shown::{Plain, Shown};

/// One thing that is said.
pub(super) enum Said {
    /// It is as it should be.
    News(String),
    /// Something has changed.
    Detail(String),
    /// Something goes wrong.
    Warning(String),
}

/// What is said of a fact about the location at this path.
pub(super) fn said(fact: &WatchFact, path: Option<&Path>) -> Said {
    let place = path.map_or_else(|| "a location".to_owned(), |path| Shown(path).to_string());
    match fact {
        WatchFact::Started { directories, closed, is_network, .. } => {
            let mut line = format!("watching {place}: {}", in_words(*directories));
            if *closed > 0 {
                line.push_str(&format!(", and {closed} that cannot be read"));
            }
            if *is_network {
                line.push_str("; what other machines do is found only when all of it is looked at");
            }
            Said::News(line)
        }
        WatchFact::Checked { fresh, stale, gone, confidence, .. } => {
            let found = validated(*fresh, *stale, *gone, confidence.as_str());
            Said::News(format!("{place}: {found}"))
        }
        WatchFact::Marked { directories, .. } => {
            Said::Detail(format!("{place}: {} changed", in_words(*directories)))
        }
        WatchFact::Lost { reason: LostReason::Forgotten, .. } => {
            Said::News(format!("{place}: removed from the index, and not watched any more"))
        }
        WatchFact::Lost { reason, rest, .. } => {
            let next = match rest {
                Some(rest) => format!("looked at again in {}", Span(*rest)),
                None => "looked at again when it is there".to_owned(),
            };
            let reason = reason.to_string();
            Said::Warning(format!("{place}: changes may be missed: {}; {next}", Plain(&reason)))
        }
        WatchFact::Returned { .. } => Said::News(format!("{place}: there again")),
        WatchFact::NotChecked { message, .. } => {
            Said::Warning(format!("{place}: not looked at, and tried again: {}", Plain(message)))
        }
        WatchFact::Delayed { message } => {
            Said::Warning(format!("not written yet, and tried again: {}", Plain(message)))
        }
    }
}
