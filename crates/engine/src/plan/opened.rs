//! Opening the roots of a mapping, and asking of them what must be known before anything is scanned.

use std::sync::Arc;

use surecopy_fs::{FileId, FileSystem, FsError, Metadata, Node, Volume};

use super::collector::Collector;
use crate::error::Side;
use crate::loss::Place;
use crate::preflight::{check_job, own_directories, volume_identity};
use crate::record::RootIdentity;
use crate::roots::Root;
use crate::spec::Mapping;
use crate::volumes::Volumes;

/// The roots of a mapping, and what was asked about them.
pub(super) struct Opened<F: FileSystem> {
    pub(super) root: Root<F>,
    pub(super) own_directories: Vec<FileId>,
    pub(super) source_volume: Arc<Volume>,
    pub(super) destination_volume: Arc<Volume>,
    pub(super) identity: RootIdentity,
}

impl<F: FileSystem> Opened<F> {
    /// Opens them, unless something speaks against that, which is said.
    pub(super) fn open(
        fs: &F,
        mapping: &Mapping,
        volumes: &Volumes,
        sink: &mut Collector<'_>,
    ) -> Option<Self> {
        let opened = match Root::<F>::open(fs, mapping) {
            (Ok(source), Ok(destination)) => (source, destination),
            (source, destination) => {
                if let Err(error) = source {
                    sink.root_problem(&error, Side::Source, mapping);
                }
                if let Err(error) = destination {
                    sink.root_problem(&error, Side::Destination, mapping);
                }
                return None;
            }
        };
        let (source, destination) = opened;
        let facts = Facts::gather(fs, mapping, volumes, &source, &destination);
        let Facts {
            source_volume,
            destination_volume,
            identity,
            metadata,
            places,
            own_directories,
        } = match facts {
            Ok(facts) => facts,
            Err((side, error)) => {
                sink.root_problem(&error, side, mapping);
                return None;
            }
        };
        let (source_place, destination_place) = places;
        let mut own_directories = own_directories;
        let errors = check_job(fs, mapping, &metadata, &destination, &destination_volume);
        if !errors.is_empty() {
            // What the scan would say of them has been said.
            own_directories.clear();
        }
        errors.into_iter().for_each(|error| sink.job_problem(error, Some(mapping)));
        let root = Root {
            mapping: mapping.clone(),
            source: source.into(),
            destination: destination.into(),
            source_place,
            destination_place,
        };
        Some(Self { root, own_directories, source_volume, destination_volume, identity })
    }
}

/// What is asked about a mapping's roots before anything is scanned.
struct Facts {
    source_volume: Arc<Volume>,
    destination_volume: Arc<Volume>,
    identity: RootIdentity,
    /// Of the mapping's source.
    metadata: Metadata,
    /// Of the source and of the destination.
    places: (Place, Place),
    own_directories: Vec<FileId>,
}

impl Facts {
    /// Errors come with the side that they are about.
    fn gather<F: FileSystem>(
        fs: &F,
        mapping: &Mapping,
        volumes: &Volumes,
        source: &F::Dir,
        destination: &F::Dir,
    ) -> Result<Self, (Side, FsError)> {
        let at_source = |error| (Side::Source, error);
        let at_destination = |error| (Side::Destination, error);
        let metadata = match mapping.source.split() {
            None => fs.metadata(Node::Dir(source)),
            Some((parent, name)) => {
                fs.open_dir(source, &parent).and_then(|dir| fs.metadata_at(&dir, &name))
            }
        };
        let identity = RootIdentity {
            source: volume_identity(fs, source, &mapping.source).map_err(at_source)?,
            destination: volume_identity(fs, destination, &mapping.target)
                .map_err(at_destination)?,
        };
        let metadata = metadata.map_err(at_source)?;
        let source_volume = volumes.of_root(fs, source).map_err(at_source)?;
        let destination_volume = volumes.of_root(fs, destination).map_err(at_destination)?;
        let (from, to) = ((source, source_volume.id), (destination, destination_volume.id));
        let places = (
            Place::of_source(fs, mapping, from, &metadata).map_err(at_source)?,
            Place::of_destination(fs, mapping, to).map_err(at_destination)?,
        );
        Ok(Self {
            identity,
            metadata,
            places,
            source_volume,
            destination_volume,
            own_directories: own_directories(fs, destination, mapping).map_err(at_destination)?,
        })
    }
}
