//! Progress of a training on the terminal: epoch, steps, rate, remaining time, losses.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use fitrun::TrainProgress;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar that shows itself only when a training takes long enough to wait for.
pub(super) struct Bar {
    bar: ProgressBar,
    epoch: Option<usize>,
    started: Instant,
    /// Last line where nobody watches a bar.
    said: Instant,
}

/// A training that is done by then needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two lines in a file.
const SELDOM: Duration = Duration::from_secs(20);

impl Bar {
    pub fn new() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            epoch: None,
            started: Instant::now(),
            said: Instant::now(),
        }
    }

    pub fn show(&mut self, event: &TrainProgress<'_>) {
        if let Some(remark) = &event.remark {
            self.bar.suspend(|| eprintln!("warning: {remark}"));
        }
        if self.started.elapsed() < PATIENCE {
            return;
        }
        if !std::io::stderr().is_terminal() {
            return self.say(event);
        }
        if self.epoch.is_none() {
            let template = "{prefix}  {wide_bar} {pos}/{len}  {msg}";
            let style = ProgressStyle::with_template(template);
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            self.bar = ProgressBar::new(0).with_style(style);
        }
        if self.epoch != Some(event.epoch) {
            self.epoch = Some(event.epoch);
            self.bar.set_length(event.steps as u64);
            self.bar
                .set_prefix(format!("{}/{}", event.epoch + 1, event.epochs));
        }
        self.bar.set_position(event.step as u64);
        self.bar.set_message(figures(event));
    }

    fn say(&mut self, event: &TrainProgress<'_>) {
        if self.said.elapsed() < SELDOM {
            return;
        }
        self.said = Instant::now();
        let place = format!("{}/{}", event.epoch + 1, event.epochs);
        eprintln!(
            "{place}, {}/{}  {}",
            event.step,
            event.steps,
            figures(event)
        );
    }

    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// Rate, remaining time, loss and the last validation.
fn figures(event: &TrainProgress<'_>) -> String {
    let left = Duration::from_secs_f64(event.remaining.clamp(0.0, 1e9));
    let figure = |(name, value): &(&str, f64)| format!("{name} {value:.4}");
    let loss = event.losses.first().map(figure).unwrap_or_default();
    let measure = event.measures.first().map(figure);
    let measure = measure.map(|m| format!(", val {m}")).unwrap_or_default();
    format!(
        "{:.1}/s, at most {} left  {loss}{measure}",
        event.steps_per_second,
        indicatif::HumanDuration(left)
    )
}
