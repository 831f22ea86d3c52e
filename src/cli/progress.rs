//! Progress on the terminal: stage, frames done, rate and remaining time.

use std::time::Duration;

use fitrun::FitProgress;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar that shows itself only when a fit takes long enough to wait for.
pub(super) struct Bar {
    bar: ProgressBar,
    stage: Option<usize>,
    started: std::time::Instant,
}

/// A fit that is done by then needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);

impl Bar {
    pub fn new() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            stage: None,
            started: std::time::Instant::now(),
        }
    }

    pub fn show(&mut self, event: &FitProgress<'_>) {
        if self.started.elapsed() < PATIENCE {
            return;
        }
        let progress = event.progress;
        if self.stage != Some(event.stage_index) {
            self.stage = Some(event.stage_index);
            self.bar.finish_and_clear();
            self.bar = match progress.problems {
                1 => ProgressBar::new_spinner().with_style(style(
                    "{prefix}  {spinner} evaluation {pos}, {per_sec}, {elapsed}  {msg}",
                )),
                n => ProgressBar::new(n as u64).with_style(style(
                    "{prefix}  {wide_bar} {pos}/{len} frames, {per_sec}, {eta} left  {msg}",
                )),
            };
            let number = event.stage_index + 1;
            self.bar
                .set_prefix(format!("{} ({number}/{})", event.stage, event.stages));
        }
        let position = match progress.problems {
            1 => progress.rounds,
            _ => progress.done,
        };
        self.bar.set_position(position as u64);
        self.bar.set_message(format!("E = {:.4e}", progress.cost));
    }

    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
