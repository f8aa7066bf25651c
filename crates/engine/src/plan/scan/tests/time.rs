//! For `cargo xtask bench scan`: a tree listed by the scan alone.

use surecopy_fs::{FileKind, FileSystem, FsError, NativeFs, RelPath};

use crate::control::Control;
use crate::plan::{Bounds, Entry, ScanSink, Source, scan};
use crate::policy::Filter;
use crate::report::{Progress, ScanShare};
use crate::spec::{CopySpec, Mapping};

#[derive(Default)]
struct Count {
    entries: u64,
    bytes: u64,
}

impl ScanSink for Count {
    fn entry(&mut self, entry: Entry) -> bool {
        self.entries += 1;
        self.bytes += entry.metadata.size;
        true
    }

    fn unreadable(&mut self, path: RelPath, _: Option<FileKind>, error: FsError) {
        panic!("{path:?}: {error}");
    }
}

#[test]
#[ignore = "for the benchmark, which names a directory in SURECOPY_SCAN"]
fn list_a_tree() {
    let top = std::env::var_os("SURECOPY_SCAN").expect("SURECOPY_SCAN names a directory");
    let fs = NativeFs::new();
    let root = fs.open_root(top.as_ref()).expect("it is a directory");
    let mapping = Mapping {
        source_root: top.into(),
        source: RelPath::root(),
        destination_root: "/".into(),
        target: RelPath::root(),
    };
    let (filter, control) = (Filter::default(), Control::new());
    let mut bounds = Bounds::of(&CopySpec::new(Vec::new()));
    if let Ok(listers) = std::env::var("SURECOPY_LISTERS") {
        bounds.listers = listers.parse().expect("SURECOPY_LISTERS is a number");
    }
    let source = Source {
        fs: &fs,
        root: &root,
        mapping: 0,
        top: &mapping.source,
        filter: &filter,
        catalog: None,
        progress: &Progress::new(),
        share: ScanShare::of_one_in(1),
        control: &control,
        bounds,
    };
    let mut count = Count::default();
    scan(&source, &mut count).expect("nobody cancels it");
    println!("{} entries, {} bytes", count.entries, count.bytes);
}
