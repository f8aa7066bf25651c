//! Settings: one table of everything that can be set, and the values in force with where each of
//! them came from.
//!
//! [`SETTINGS`] is the table. [`Settings`] are values; [`Settings::resolve`] makes them of
//! everything that was said, in this order of precedence: command line, `SURECOPY_*` environment
//! variables, configuration file, profile, default.
//!
//! ```
//! use surecopy::settings::{Origin, Settings};
//!
//! let mut settings = Settings::default();
//! settings.set("staged_chunk_bytes", "8MiB", Origin::Flag)?;
//! assert_eq!(settings.limits().staged_chunk_bytes, 8 << 20);
//!
//! let error = settings.set("staged_chunk_bytes", "9MiB", Origin::Flag).unwrap_err();
//! assert!(error.to_string().contains("1MiB to 8MiB"));
//! # Ok::<(), surecopy::settings::SettingError>(())
//! ```

mod bytes;
mod error;
mod nearest;
mod origin;
mod profile;
mod resolve;
mod setting;
mod table;
#[cfg(test)]
mod tests;
mod values;

pub use bytes::{InvalidBytes, format_bytes, parse_bytes};
pub use error::{SettingError, SettingWarning};
pub use origin::Origin;
pub use profile::{PROFILES, Profile, ProfileRow};
pub(crate) use resolve::workers_on_this_machine;
pub use resolve::{Resolved, SettingSources, Settings};
pub use setting::{Kind, Setting};
pub use table::{SETTINGS, find};
