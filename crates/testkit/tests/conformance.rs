//! Every file system of this crate keeps the contract, whatever its volume offers.

use std::path::Path;

use surecopy_testkit::conformance::{Lab, run_in};
use surecopy_testkit::{CrashFs, FakeFs, FaultFs, VolumeSettings};

fn holds(settings: VolumeSettings) {
    let fake = FakeFs::new();
    fake.mount("/lab", settings);
    let make_fifo = |path: &Path| {
        fake.fifo(path);
    };
    let is_locked = |path: &Path| fake.is_lock_held(path);
    let lab = Lab {
        make_fifo: Some(&make_fifo),
        is_locked: Some(&is_locked),
        ..Lab::at(Path::new("/lab"))
    };
    run_in(&fake, &lab);
    assert_eq!(fake.open_handles(), 0, "every handle was closed");
}

#[test]
fn the_fake_keeps_the_contract_as_every_kind_of_volume() {
    for name in ["ext4", "btrfs", "xfs", "tmpfs", "nfs", "vfat", "exfat", "cifs", "brandnewfs"] {
        eprintln!("volume {name}");
        holds(VolumeSettings::of(name));
    }
}

#[test]
fn the_fake_keeps_the_contract_without_anything_optional() {
    holds(VolumeSettings::default().without_extras());
}

#[test]
fn the_fake_keeps_the_contract_with_short_reads_and_writes() {
    let fake = FakeFs::new();
    fake.dir("/lab").limit_transfers(777);
    run_in(&fake, &Lab::at(Path::new("/lab")));
}

#[test]
fn counting_calls_changes_nothing() {
    let fake = FakeFs::new();
    fake.dir("/lab");
    let counting = FaultFs::counting(fake);
    run_in(&counting, &Lab::at(Path::new("/lab")));
    assert!(counting.calls() > 1000 && !counting.fired());
}

#[test]
fn being_ready_for_a_crash_changes_nothing() {
    let fake = FakeFs::new();
    fake.dir("/lab");
    let crash = CrashFs::new(fake);
    run_in(&crash, &Lab::at(Path::new("/lab")));
    assert!(crash.steps() > 1000 && !crash.fired());
}
