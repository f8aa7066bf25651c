//! The scripts that make a random tree, and change it.

use crate::random::Random;

/// Names that somebody has tripped over; a number is put behind each, so that none comes twice.
const NAMES: &[&[u8]] = &[
    b"plain",
    b" lead",
    b"-rf",
    b"--",
    b"*",
    b"$HOME",
    b"'",
    b"\"",
    b"\\",
    b"new\nline",
    b"\xff\xfe",
    b"\x1b[31m",
    b"\xc2\x9b1m",
    b"~",
    b"..x",
    b".hidden",
    b"e\xcc\x81",
    b"#",
    b"%s",
    b"\xe2\x80\xae",
    b"a:b",
    b"tab\t",
    b"\x01\x7f",
    b"con.",
    b"{a,b}",
    b"?[x]",
];

/// Lengths with which something begins or ends.
const SIZES: &[u64] = &[0, 1, 4_095, 4_096, 4_097, 70_000, 131_072, 1_200_000];

/// Seconds since 1970: long before, just before, then, later, and far away.
const TIMES: &[&str] = &[
    "-2147483000.000000001",
    "-1.500000000",
    "0.000000000",
    "0.000000001",
    "1000000000.123456789",
    "1500000000.999999999",
    "4102444800.5",
];

/// A tree that is made, and changed, by scripts of a shell.
#[derive(Debug)]
pub struct RandomTree {
    random: Random,
    /// Only the superuser can give files away, or read what nobody may read.
    is_privileged: bool,
    has_attributes: bool,
    number: u64,
    directories: Vec<Vec<u8>>,
    /// Paths that have no other name.
    files: Vec<Vec<u8>>,
    linked: Vec<Vec<u8>>,
    links: Vec<Vec<u8>>,
}

impl RandomTree {
    /// A tree that is always the same for the same seed and rights.
    pub fn new(seed: u64, is_privileged: bool, has_attributes: bool) -> Self {
        Self {
            random: Random::new(seed),
            is_privileged,
            has_attributes,
            number: 0,
            directories: vec![b".".to_vec()],
            files: Vec::new(),
            linked: Vec::new(),
            links: Vec::new(),
        }
    }

    /// The script of bash that makes it, with so many entries, in the empty directory where it is run.
    pub fn script(&mut self, entries: u64) -> String {
        let mut lines = vec!["set -e".to_owned()];
        for _ in 0..entries {
            let line = match self.random.below(12) {
                0..=2 => self.directory(),
                3..=6 => self.file(),
                7 | 8 => self.symlink(),
                9 | 10 => self.hard_link(),
                _ => self.pipe(),
            };
            lines.push(line);
        }
        // Times last, those of directories after all that is made in them: the deepest first.
        let all: Vec<Vec<u8>> =
            [&self.files[..], &self.linked, &self.links].into_iter().flatten().cloned().collect();
        for path in &all {
            let is_link = self.links.contains(path);
            lines.extend(self.properties(path, is_link, false));
        }
        for path in self.directories.clone().iter().rev() {
            lines.extend(self.properties(path, false, true));
        }
        lines.join("\n")
    }

    /// The script that changes it, where it was made before. Nothing becomes something of another kind, and
    /// no name becomes one of another file: what programs do then they do not agree on.
    pub fn changes(&mut self) -> String {
        let mut lines = vec!["set -e".to_owned()];
        for _ in 0..4 + self.random.below(10) {
            lines.push(match self.random.below(8) {
                0 => self.directory(),
                1 | 2 => self.file(),
                3 => self.symlink(),
                4 if !self.files.is_empty() => self.gone(),
                5 if !self.links.is_empty() => {
                    let path = self.random.pick(&self.links).clone();
                    format!("ln -sfn elsewhere {}", quoted(&path))
                }
                _ => self.rewritten(),
            });
        }
        lines.join("\n")
    }

    fn new_name(&mut self) -> Vec<u8> {
        self.number += 1;
        let mut name = self.random.pick(NAMES).to_vec();
        name.extend(self.number.to_string().bytes());
        if self.random.below(20) == 0 {
            name.resize(255, b'x');
        }
        let above = self.random.pick(&self.directories);
        [above, &b"/"[..], &name].concat()
    }

    fn directory(&mut self) -> String {
        let path = self.new_name();
        self.directories.push(path.clone());
        format!("mkdir {}", quoted(&path))
    }

    fn file(&mut self) -> String {
        let path = self.new_name();
        self.files.push(path.clone());
        format!("{}{}", self.content(&path), self.attribute(&path))
    }

    /// Of another length than any content before it, so that no two programs see the same file in it.
    fn content(&mut self, path: &[u8]) -> String {
        self.number += 1;
        let (path, number) = (quoted(path), self.number);
        let size = *self.random.pick(SIZES) + number;
        match self.random.below(6) {
            0 => format!("truncate -s {} {path}", number * 3_000),
            1 => format!(
                "truncate -s {} {path}; echo {number} | dd of={path} bs=1 seek={} conv=notrunc status=none",
                900_000 + number,
                500_000 + number,
            ),
            2 => format!(": > {path}"),
            _ => format!("yes {number} | head -c {size} > {path}"),
        }
    }

    fn attribute(&mut self, path: &[u8]) -> String {
        if !self.has_attributes || self.random.below(4) > 0 {
            return String::new();
        }
        format!("; setfattr -n user.lab.{} -v 'a value' {}", self.number, quoted(path))
    }

    fn symlink(&mut self) -> String {
        let path = self.new_name();
        let to: Vec<u8> = match self.random.below(6) {
            0 => b"nowhere/at all".to_vec(),
            1 => b"/etc/passwd".to_vec(),
            2 => b"..".to_vec(),
            3 => path.rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_vec(),
            4 => b"x/".repeat(500),
            _ => b"\xff \n*".to_vec(),
        };
        self.links.push(path.clone());
        format!("ln -sn -- {} {}", quoted(&to), quoted(&path))
    }

    fn hard_link(&mut self) -> String {
        if self.files.is_empty() {
            return self.file();
        }
        let (new, at) = (self.new_name(), self.random.below(self.files.len() as u64));
        let old = self.files.swap_remove(at as usize);
        let line = format!("ln {} {}", quoted(&old), quoted(&new));
        self.linked.extend([old, new]);
        line
    }

    fn pipe(&mut self) -> String {
        format!("mkfifo {}", quoted(&self.new_name()))
    }

    fn gone(&mut self) -> String {
        let at = self.random.below(self.files.len() as u64);
        format!("rm -f {}", quoted(&self.files.swap_remove(at as usize)))
    }

    /// Another content in the same file, now or as if it had been long ago.
    fn rewritten(&mut self) -> String {
        if self.files.is_empty() {
            return self.file();
        }
        let path = self.random.pick(&self.files).clone();
        let content = self.content(&path);
        let quoted = quoted(&path);
        let time = if self.random.below(3) == 0 {
            format!("; touch -d @-2147483600 {quoted}")
        } else {
            String::new()
        };
        format!("chmod u+rw {quoted}; {content}{time}")
    }

    fn properties(&mut self, path: &[u8], is_link: bool, is_directory: bool) -> Vec<String> {
        let mut lines = Vec::new();
        let name = quoted(path);
        if self.is_privileged && self.random.below(3) == 0 {
            let (user, group) = (self.random.below(70_000), self.random.below(70_000));
            lines.push(format!("chown -h {user}:{group} {name}"));
        }
        if !is_link && self.random.below(2) == 0 {
            let mode = match (is_directory, self.is_privileged, self.random.below(6)) {
                (true, _, 0) => 0o1777,
                (true, _, 1) => 0o2755,
                (true, true, 2) => 0o000,
                (true, ..) => 0o700,
                (false, true, 0) => 0o000,
                (false, _, 1) => 0o4755,
                (false, _, 2) => 0o2711 | 0o400,
                (false, _, 3) => 0o6444,
                (false, ..) => 0o640,
            };
            lines.push(format!("chmod {mode:o} {name}"));
        }
        if self.random.below(3) > 0 {
            lines.push(format!("touch -hd @{} {name}", self.random.pick(TIMES)));
        }
        lines
    }
}

/// For bash; behind `./`, so that nothing is an option.
fn quoted(path: &[u8]) -> String {
    let mut text = "$'".to_owned();
    for byte in path {
        let is_plain = byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_');
        if is_plain {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text + "'"
}
