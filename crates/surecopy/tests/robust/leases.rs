//! A source on which another process holds a lease, as file servers do on what their clients have
//! open: the kernel asks for it back, and the copy waits until it is given.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use surecopy::CopyRequest;

use crate::place::{AtEnd, Place, alongside, skipped};
use crate::running::run;

/// Takes a lease, says so, and gives it back a while after it is asked for. Perl, because the
/// standard library cannot take one.
const HOLDER: &str = r#"
    $| = 1;
    my ($asked, $set_lease, $for_writing, $none) = (0, 1024, 1, 2);
    $SIG{IO} = sub { $asked = 1 };
    open(my $file, "+<", $ARGV[0]) or die "open: $!";
    unless (fcntl($file, $set_lease, $for_writing)) { print "none: $!\n"; exit 0 }
    print "held\n";
    select(undef, undef, undef, 0.01) until $asked;
    select(undef, undef, undef, 0.3);
    fcntl($file, $set_lease, $none) or die "release: $!";
    print "released\n";
"#;

/// The holder, and the first line it says.
fn hold(path: &Path) -> Result<(Child, BufReader<std::process::ChildStdout>, String), String> {
    let mut holder = Command::new("perl")
        .args(["-e", HOLDER])
        .arg(path)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("there is no perl to hold a lease: {error}"))?;
    let mut said = BufReader::new(holder.stdout.take().expect("it is piped"));
    let mut line = String::new();
    said.read_line(&mut line).expect("text");
    Ok((holder, said, line))
}

#[test]
fn a_source_under_a_lease_is_copied_when_it_is_released() {
    let _machine = alongside();
    let place = Place::new();
    let source = place.file("source", 10_000);
    let (holder, mut said, line) = match hold(&source) {
        Ok(held) => held,
        Err(reason) => return skipped(&reason),
    };
    let mut holder = AtEnd::new(holder, |holder| {
        holder.kill().ok();
        holder.wait().ok();
    });
    if line != "held\n" {
        return skipped(&format!("leases are not to be had here: {line}"));
    }
    let ended = run(CopyRequest::new([&source], place.at("target")));
    assert_eq!(ended.codes(), [], "{ended:?}");
    assert_eq!(fs::read(&source).unwrap(), fs::read(place.at("target")).unwrap());
    // It was asked, and it was waited for.
    let mut line = String::new();
    said.read_line(&mut line).expect("text");
    assert_eq!(line, "released\n");
    assert!(holder.wait().expect("it ends").success());
}
