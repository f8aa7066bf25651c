//! Which entries take part.

use crate::program::{Folder, of_type};

fn folder() -> Folder {
    let folder = Folder::new();
    for name in ["a.c", "a.o", "keep.o", "sub/b.c", "sub/b.o", "cache/x", "sub/cache/y"] {
        folder.write(format!("src/{name}"), name);
    }
    folder
}

/// The files that arrive.
fn arrived(folder: &Folder, arguments: &[&str], input: &[u8]) -> Vec<String> {
    let mut all = vec!["copy"];
    all.extend(arguments);
    all.extend(["src/", "new"]);
    folder.run_with_input(&all, input).all_done();
    let listing = folder.listing();
    let files = listing.iter().filter_map(|path| path.strip_prefix("new/"));
    files.filter(|path| folder.path("new").join(path).is_file()).map(str::to_owned).collect()
}

#[test]
fn rules_in_their_order() {
    let rows: [(&[&str], &[&str]); 4] = [
        (&["--exclude", "*.o", "--exclude", "cache/"], &["a.c", "sub/b.c"]),
        (
            &["--include", "keep.o", "--exclude", "*.o", "--exclude", "cache"],
            &["a.c", "keep.o", "sub/b.c"],
        ),
        (&["--exclude", "*.o", "--include", "keep.o", "--exclude", "cache"], &["a.c", "sub/b.c"]),
        (&["--exclude", "/cache", "--exclude", "*.[co]"], &["sub/cache/y"]),
    ];
    for (arguments, expected) in rows {
        assert_eq!(arrived(&folder(), arguments, b""), expected, "{arguments:?}");
    }
}

#[test]
fn files_of_rules_stand_in_the_order_too() {
    let folder = folder();
    folder.write("rules", "# objects\n*.o\ncache/\n").write("wanted", "keep.o\n");
    let arguments = ["--include-from", "wanted", "--exclude-from", "rules"];
    assert_eq!(arrived(&folder, &arguments, b""), ["a.c", "keep.o", "sub/b.c"]);
}

#[test]
fn a_list_of_paths() {
    let list = b"a.c\nsub/cache\n";
    let expected = ["a.c", "sub/cache/y"];
    assert_eq!(arrived(&folder(), &["--files-from", "-"], list), expected);
    let list = b"a.c\0sub/cache\0";
    assert_eq!(arrived(&folder(), &["--files-from", "-", "--from0"], list), expected);
}

#[test]
fn a_listed_path_that_is_not_there_is_said_and_the_others_arrive() {
    let folder = folder();
    folder.write("list", "a.c\ngone.c\n");
    let (code, objects) = folder.run_json(&["--files-from", "list", "src/", "new"]);
    assert_eq!(code, 1);
    assert_eq!(folder.read("new/a.c"), "a.c");
    let said = objects.iter().any(|object| {
        let is_missing = object["error"]["code"] == "SOURCE_MISSING";
        is_missing && object["source"].as_str().is_some_and(|path| path.ends_with("gone.c"))
    });
    assert!(said, "{objects:#?}");
    assert_eq!(of_type(&objects, "report")[0]["exit_code"], 1);
}
