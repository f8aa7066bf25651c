//! Looking over sources before anything is decided about them: what there is, and how much.
//!
//! It is the scan of a copy without a destination. Nothing is planned and nothing is written. With a
//! catalog, directories that have not changed are not listed, and what is remembered of them is handed
//! on as it is: a survey says what there is to the best of what is known, and a copy looks.

mod report;
mod sink;
mod whole;

pub use report::SurveyReport;
pub use sink::{SurveySink, Surveyed};
pub use whole::{SurveySource, SurveySpec, survey};
