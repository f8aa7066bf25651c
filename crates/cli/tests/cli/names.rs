//! Names that are not friendly: they arrive as they are, they are shown without their powers, and
//! programs get their exact bytes.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use crate::program::{Folder, of_type};

const ODD: [&[u8]; 8] = [
    b"new\nline",
    b"\x1b]0;title\x07",
    b"\x1b[31mred",
    b"caf\xe9",
    "gnp.\u{202e}exe".as_bytes(),
    b"two  spaces ",
    b"-n",
    b"quo\"te\\",
];

fn folder() -> Folder {
    let folder = Folder::new();
    for name in ODD {
        let mut path = b"src/".to_vec();
        path.extend(name);
        folder.write(OsString::from_vec(path), "content");
    }
    folder
}

#[test]
fn row_33_they_arrive_as_they_are_and_are_shown_as_escapes() {
    let folder = folder();
    let ended = folder.run(&["copy", "-v", "src/", "dst"]).all_done();
    for name in ODD {
        let target = folder.path("dst").join(OsStr::from_bytes(name));
        assert_eq!(std::fs::read(&target).unwrap(), b"content", "{}", target.display());
    }
    let output = format!("{}{}", ended.stdout, ended.stderr);
    let dangerous = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!output.contains(dangerous), "{output:?}");
    for shown in [
        r#""dst/new\nline""#,
        r#""dst/\x1b[31mred""#,
        r#""dst/caf\xe9""#,
        r#""dst/gnp.\u{202e}exe""#,
        r#""dst/quo\"te\\""#,
    ] {
        assert!(output.contains(shown), "{shown} in {output}");
    }
}

#[test]
fn row_33_programs_get_the_exact_bytes() {
    let folder = folder();
    let (code, objects) = folder.run_json(&["src/", "dst"]);
    assert_eq!(code, 0);
    let items = of_type(&objects, "item");
    let item = |name: &str| {
        let found = items.iter().find(|item| item["target"].as_str().unwrap().ends_with(name));
        found.unwrap_or_else(|| panic!("{name} in {items:#?}"))
    };
    assert!(item("new\nline")["target_bytes"].is_null());
    let bytes = item("caf\u{fffd}")["target_bytes"].as_str().unwrap();
    assert!(bytes.ends_with("636166e9"), "{bytes}");
}

#[test]
fn row_33_an_error_message_has_no_powers_either() {
    let folder = Folder::new();
    let ended = folder.run(&["copy", "\x1b[31mgone", "b"]);
    assert_eq!(ended.code, 4);
    assert!(ended.stderr.contains(r"\x1b[31mgone"), "{:?}", ended.stderr);
    assert!(!ended.stderr.contains('\x1b'));
}

#[test]
fn row_33_a_source_that_begins_with_a_minus_follows_two_of_them() {
    let folder = Folder::new();
    folder.write("-n", "content");
    folder.run(&["copy", "--", "-n", "copy"]).all_done();
    assert_eq!(folder.read("copy"), "content");
}
