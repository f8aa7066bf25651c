//! What is known when something that ran has ended, and how the program ends by it.

use surecopy::Report;

use super::renderer::Renderer;
use crate::exit::ExitStatus;

/// What is known when work has ended.
pub(crate) trait Ended: Send + 'static {
    /// How the program ends.
    fn status(&self) -> ExitStatus;

    /// Shows the last of it.
    fn show(&self, renderer: &mut Renderer, status: ExitStatus);
}

impl Ended for Report {
    fn status(&self) -> ExitStatus {
        ExitStatus::of(self)
    }

    fn show(&self, renderer: &mut Renderer, status: ExitStatus) {
        match renderer {
            Renderer::Human(view) => view.end(self),
            Renderer::Json(lines) => lines.report(self, status),
        }
    }
}
