//! Progress on the terminal: stage, frames done, rate and remaining time.

use std::fmt::Write;
use std::time::Duration;

use fitrun::FitProgress;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

/// A bar that shows itself only when a fit takes long enough to wait for.
pub(super) struct Bar {
    bar: ProgressBar,
    /// Stage, and window of it.
    part: Option<(usize, usize)>,
    started: std::time::Instant,
}

/// A fit that is done by then needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);

impl Bar {
    pub fn new() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            part: None,
            started: std::time::Instant::now(),
        }
    }

    pub fn show(&mut self, event: &FitProgress<'_>) {
        if self.started.elapsed() < PATIENCE {
            return;
        }
        let progress = event.progress;
        let part = Some((event.stage_index, event.window.map_or(0, |w| w.0)));
        if self.part != part {
            self.part = part;
            self.bar.finish_and_clear();
            self.bar = match progress.problems {
                1 => ProgressBar::new_spinner().with_style(style(
                    "{prefix}  {spinner} evaluation {pos}, {rate}, {elapsed}  {msg}",
                )),
                n => ProgressBar::new(n as u64).with_style(style(
                    "{prefix}  {wide_bar} {pos}/{len} frames, {rate}, {eta} left  {msg}",
                )),
            };
            let number = event.stage_index + 1;
            let window = event.window.map_or(String::new(), |(window, windows)| {
                format!(", window {}/{windows}", window + 1)
            });
            let stages = event.stages;
            self.bar
                .set_prefix(format!("{} ({number}/{stages}{window})", event.stage));
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
    let style = ProgressStyle::with_template(template);
    let rate = |state: &ProgressState, to: &mut dyn Write| {
        let rate = state.per_sec();
        let digits = if rate < 10.0 { 1 } else { 0 };
        // A terminal that takes no text has no bar either.
        let _ = write!(to, "{rate:.digits$}/s");
    };
    style
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", rate)
}
