//! Rules about the documents, and about text that gives away the machine it was written on.

use super::finding::Finding;
use crate::workspace::TextFile;

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const DECISIONS: &str = "docs/adr/";
const MAXIMUM_ARCHITECTURE_LINES: usize = 200;

/// Decisions that nobody finds, because the map does not lead to them.
pub(crate) fn decisions_are_linked(files: &[TextFile]) -> Vec<Finding> {
    let map = files.iter().find(|file| file.path == ARCHITECTURE).map_or("", |file| &file.text);
    files
        .iter()
        .filter(|file| file.path.starts_with(DECISIONS) && file.path.ends_with(".md"))
        .filter(|file| !map.contains(&format!("({})", file.path)))
        .map(|file| Finding::whole(&file.path, format!("not linked from {ARCHITECTURE}")))
        .collect()
}

/// A map too long to be read.
pub(crate) fn architecture_is_short(files: &[TextFile]) -> Vec<Finding> {
    let Some(map) = files.iter().find(|file| file.path == ARCHITECTURE) else {
        return vec![Finding::whole(ARCHITECTURE, "is missing")];
    };
    let lines = map.text.lines().count();
    if lines <= MAXIMUM_ARCHITECTURE_LINES {
        return Vec::new();
    }
    let message = format!("{lines} lines: over {MAXIMUM_ARCHITECTURE_LINES}, nobody reads it");
    vec![Finding::whole(&map.path, message)]
}

/// Links between documents that lead nowhere.
pub(crate) fn dead_links(files: &[TextFile]) -> Vec<Finding> {
    let exists = |wanted: &str| {
        let folder = format!("{}/", wanted.trim_end_matches('/'));
        files.iter().any(|file| file.path == wanted || file.path.starts_with(&folder))
    };
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        for (line, number) in file.text.lines().zip(1..) {
            for link in links(line) {
                let Some(wanted) = resolve(&file.path, link) else { continue };
                if !exists(&wanted) {
                    let message = format!("links to {wanted}, which does not exist");
                    findings.push(Finding::at(&file.path, number, message));
                }
            }
        }
    }
    findings
}

/// The targets of `[text](target)` on one line.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

/// Where a link leads, relative to the root; `None` when it leaves the repository, names a place in
/// its own page, or is a picture (pictures are not text, and so not among the files).
fn resolve(from: &str, link: &str) -> Option<String> {
    let link = link.split('#').next().unwrap_or_default();
    let is_picture = [".png", ".gif", ".jpg", ".webp"].iter().any(|end| link.ends_with(end));
    if link.is_empty() || link.contains("://") || link.starts_with("mailto:") || is_picture {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Folders that exist on somebody's machine only. Split, so that this table does not find itself.
static PRIVATE_FOLDERS: &[&str] = &[concat!("/ro", "ot/"), concat!("/tmp/", "target-")];

/// Paths of the machine that a text was written on; `root` is the checkout's own.
pub(crate) fn machine_paths(files: &[TextFile], root: &str) -> Vec<Finding> {
    // A checkout at `/src` or `/` would find itself in every other line.
    let is_telling = root.matches('/').count() >= 2;
    let mut folders = PRIVATE_FOLDERS.to_vec();
    if is_telling {
        folders.push(root);
    }
    let mut findings = Vec::new();
    for file in files {
        for (line, number) in file.text.lines().zip(1..) {
            findings.extend(folders.iter().filter(|folder| line.contains(**folder)).map(
                |folder| {
                    let message = format!("`{folder}` exists on one machine only");
                    Finding::at(&file.path, number, message)
                },
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn unlinked_decisions_are_found() {
        let linked = file("docs/adr/0001-a.md", "");
        let unlinked = file("docs/adr/0002-b.md", "");
        let map = file(ARCHITECTURE, "see [a](docs/adr/0001-a.md), 0002-b.md");
        let found = decisions_are_linked(&[linked, unlinked, map]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "docs/adr/0002-b.md");
    }

    #[test]
    fn dead_links_are_found() {
        let page =
            "[a](b.md) [c](../README.md#top) [d](https://example.org/x) [e](#here)\n[f](gone.md)";
        let files =
            [file("docs/a.md", page), file("docs/b.md", "[adr](./adr/)"), file("README.md", "")];
        let found = dead_links(&files);
        let places: Vec<(&str, usize)> =
            found.iter().map(|finding| (finding.path.as_str(), finding.line)).collect();
        assert_eq!(places, [("docs/a.md", 2), ("docs/b.md", 1)]);
    }

    #[test]
    fn a_long_or_missing_map_is_found() {
        assert_eq!(architecture_is_short(&[]).len(), 1);
        assert_eq!(architecture_is_short(&[file(ARCHITECTURE, &"x\n".repeat(200))]).len(), 0);
        assert_eq!(architecture_is_short(&[file(ARCHITECTURE, &"x\n".repeat(201))]).len(), 1);
    }

    #[test]
    fn machine_paths_are_found() {
        let root = "/home/ada/surecopy";
        let files = [
            file("a.md", "fine\nbuilt in /home/ada/surecopy/target\n"),
            file("b.md", &format!("{}cache\n", PRIVATE_FOLDERS[0])),
            file("c.md", "/home/grace/data is an example\n"),
        ];
        let found = machine_paths(&files, root);
        let places: Vec<(&str, usize)> =
            found.iter().map(|finding| (finding.path.as_str(), finding.line)).collect();
        assert_eq!(places, [("a.md", 2), ("b.md", 1)]);
        assert_eq!(machine_paths(&files[2..], "/home").len(), 0);
    }
}
