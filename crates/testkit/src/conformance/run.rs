//! The table of cases, and how they are run.
//!
//! Every case gets a fresh directory beneath the given root and leaves it there: whoever gave the
//! root removes it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use surecopy_fs::FileSystem;

use super::stage::{Stage, fine, os};
use super::{attributes, cache, copying, data, directories, links, names, opening, publishing};

/// One rule of the contract.
pub struct Case<F: FileSystem> {
    /// The rule, as a name.
    pub name: &'static str,
    /// Fails by panicking.
    pub run: fn(&Stage<'_, F>),
}

/// Where cases are run.
pub struct Lab<'a> {
    /// An existing directory, as the file system under test sees it.
    pub root: &'a Path,
    /// Makes a named pipe there, if there is a way: the trait cannot.
    pub make_fifo: Option<&'a (dyn Fn(&Path) + Sync)>,
    /// Tells whether somebody holds the advisory lock of a file there, if there is a way to ask
    /// past the file system under test.
    pub is_locked: Option<&'a (dyn Fn(&Path) -> bool + Sync)>,
}

impl<'a> Lab<'a> {
    /// A place with nothing but the trait.
    pub fn at(root: &'a Path) -> Self {
        Self { root, make_fifo: None, is_locked: None }
    }
}

macro_rules! table {
    ($($module:ident: $($case:ident),+;)+) => {
        vec![$($(Case { name: stringify!($case), run: $module::$case::<F> },)+)+]
    };
}

/// Every rule of the contract.
pub fn cases<F: FileSystem>() -> Vec<Case<F>> {
    table! {
        directories:
            a_root_may_be_given_through_a_link,
            directories_are_opened_beneath_and_never_through_a_link,
            the_empty_path_opens_a_handle_of_its_own,
            the_parent_of_the_top_is_the_top,
            a_new_directory_is_private_and_new,
            only_empty_directories_are_removed,
            only_what_is_no_directory_is_removed_as_file,
            a_removed_file_stays_readable_while_it_is_open,
            a_listing_is_complete_every_time,
            a_listing_ends_when_enough_was_seen,
            directories_are_listed_without_anything_else,
            a_directory_that_may_not_be_listed_says_so,
            a_directory_that_may_not_be_searched_says_so,
            one_directory_is_listed_by_several_threads;
        names:
            names_of_255_bytes_are_the_longest,
            any_bytes_are_a_name,
            paths_may_be_longer_than_any_limit,
            what_is_no_plain_name_leads_nowhere;
        links:
            the_text_of_a_link_is_kept_byte_for_byte,
            a_link_never_takes_a_name_that_is_taken,
            nothing_is_opened_or_made_through_a_link,
            a_hard_link_is_the_same_file,
            a_hard_link_to_a_link_is_a_link,
            a_link_has_times_and_an_owner_of_its_own;
        opening:
            a_new_file_is_private_empty_and_new,
            a_new_file_is_locked_while_its_handle_lives,
            a_lock_is_seen_as_long_as_it_is_held,
            only_regular_files_are_asked_for_a_lock,
            only_regular_files_are_sources,
            a_source_cannot_be_written,
            reading_a_source_leaves_no_trace,
            what_is_called_unreadable_cannot_be_opened,
            what_is_called_unwritable_takes_no_names,
            reads_past_the_cache_show_the_content;
        data:
            reads_end_where_the_file_ends,
            what_was_never_written_reads_as_zeros,
            a_length_can_be_set_both_ways,
            reserving_room_changes_no_content,
            data_is_found_and_never_missed,
            one_handle_serves_several_threads,
            a_file_too_large_is_refused;
        copying:
            a_clone_is_whole_and_independent,
            a_range_arrives_where_it_was,
            an_empty_file_copies_to_an_empty_file;
        cache:
            everything_can_be_flushed,
            dropped_pages_are_counted_as_gone,
            equal_files_compare_equal_and_are_shown,
            the_first_difference_is_found_exactly,
            a_comparison_stops_when_told,
            a_file_cut_off_under_a_map_is_survived;
        publishing:
            a_new_name_is_only_published_when_free,
            an_exchange_keeps_both,
            a_replacement_takes_the_name_over,
            a_link_is_replaced_itself,
            a_name_is_never_missing_while_replaced;
        attributes:
            metadata_tells_the_same_by_name_and_by_handle,
            permissions_are_kept_bit_for_bit,
            an_owner_comes_before_permissions,
            times_are_kept_as_precisely_as_promised,
            a_change_moves_the_times,
            attributes_come_back_sorted_and_whole,
            a_volume_knows_itself;
    }
}

/// Holds a file system to every rule, in an existing directory.
///
/// # Panics
/// When any case fails, after all of them have run.
pub fn run<F: FileSystem>(fs: &F, root: &Path) {
    run_in(fs, &Lab::at(root));
}

/// Holds a file system to every rule.
///
/// # Panics
/// When any case fails, after all of them have run.
pub fn run_in<F: FileSystem>(fs: &F, lab: &Lab<'_>) {
    let broken = broken_rules(fs, lab);
    let place = lab.root.display();
    assert!(broken.is_empty(), "{} rules broken at {place}: {broken:#?}", broken.len());
}

/// The rules that a file system breaks. Each has told why by then.
pub fn broken_rules<F: FileSystem>(fs: &F, lab: &Lab<'_>) -> Vec<&'static str> {
    cases::<F>()
        .iter()
        .filter(|case| catch_unwind(AssertUnwindSafe(|| run_case(fs, lab, case))).is_err())
        .map(|case| case.name)
        .collect()
}

fn run_case<F: FileSystem>(fs: &F, lab: &Lab<'_>, case: &Case<F>) {
    eprintln!("case {}", case.name);
    let root = fine("open the root", fs.open_root(lab.root));
    fine("make a stage", fs.create_dir(&root, os(case.name)));
    let path = lab.root.join(case.name);
    let dir = fine("open the stage", fs.open_root(&path));
    (case.run)(&Stage { fs, dir, path, make_fifo: lab.make_fifo, is_locked: lab.is_locked });
}
