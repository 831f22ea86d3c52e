//! The training loop: epochs of shuffled batches, validation, learning rates, early stopping.

use std::time::Instant;

use super::data::{PoseData, mirror_some};
use super::plan::{CourseSettings, Schedule};
use super::trainee::Trainee;
use crate::io::FileError;
use crate::io::tensors::Tensors;
use crate::random::SplitMix64;

/// Where a training stands; together with the network's state all that it takes to go on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Course {
    /// The epoch in progress, from 0, and its steps so far.
    pub epoch: usize,
    pub step: usize,
    pub random: SplitMix64,
    /// Losses summed over the epoch's steps.
    pub sums: Vec<f64>,
    pub history: Vec<EpochRow>,
    /// On the settings' learning rates.
    pub factor: f64,
    /// Epochs since the first measure was best, and since the rates were lowered.
    pub since_best: usize,
    pub since_lowered: usize,
    pub best: Option<Best>,
    /// Of all parts of the training.
    pub seconds: f64,
}

/// A finished epoch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EpochRow {
    pub steps: f64,
    pub seconds: f64,
    pub factor: f64,
    /// Means over the epoch's steps.
    pub losses: Vec<f64>,
    pub measures: Vec<f64>,
}

/// The weights with the lowest first measure.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Best {
    pub epoch: usize,
    pub weights: Tensors,
}

/// Why a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All epochs were gone through, or a mixture's starts.
    Completed,
    /// No gain on the validation for `train.patience` epochs.
    EarlyStop,
    /// `train.max_time` was used up.
    TimeLimit,
    /// The caller's progress returned false.
    Interrupted,
    /// A loss or measure was not finite; the weights are the best from before.
    Diverged,
}

/// What a training says while it goes on.
pub struct TrainProgress<'a> {
    /// From 0; of a mixture the start.
    pub epoch: usize,
    pub epochs: usize,
    /// Steps of this epoch; of a mixture iterations.
    pub step: usize,
    pub steps: usize,
    pub losses: Vec<(&'a str, f64)>,
    /// The last validation's.
    pub measures: Vec<(&'a str, f64)>,
    pub steps_per_second: f64,
    /// Seconds until the last epoch or the time limit; it may stop earlier.
    pub remaining: f64,
    /// Something that its owner should hear at once.
    pub remark: Option<String>,
}

/// What the loop calls.
pub(crate) struct Hooks<'a> {
    /// Returns whether to go on.
    pub progress: &'a mut dyn FnMut(&TrainProgress<'_>) -> bool,
    /// Writes a checkpoint, or says why it could not.
    pub save: &'a mut dyn FnMut(&dyn Trainee, &Course) -> Result<(), String>,
}

impl Course {
    pub fn new(seed: u64, losses: usize) -> Self {
        Self {
            epoch: 0,
            step: 0,
            random: SplitMix64(seed),
            sums: vec![0.0; losses],
            history: Vec::new(),
            factor: 1.0,
            since_best: 0,
            since_lowered: 0,
            best: None,
            seconds: 0.0,
        }
    }
}

/// Goes on from `course` until a reason to end; equal inputs give equal bits, however often interrupted.
pub(crate) fn follow(
    trainee: &mut dyn Trainee,
    data: &PoseData,
    settings: &CourseSettings,
    course: &mut Course,
    hooks: &mut Hooks<'_>,
) -> Result<Ending, FileError> {
    let clock = Clock::new(course);
    let mut rounds = Rounds {
        steps: data.train.len() / settings.batch,
        settings,
        clock,
        hooks,
    };
    while course.epoch < settings.epochs {
        if course.since_best >= settings.patience {
            return Ok(Ending::EarlyStop);
        }
        if let Some(ending) = rounds.epoch(trainee, data, course)? {
            return Ok(ending);
        }
        rounds.save(trainee, course);
    }
    Ok(match course.since_best >= settings.patience {
        true => Ending::EarlyStop,
        false => Ending::Completed,
    })
}

struct Rounds<'a, 'h> {
    settings: &'a CourseSettings,
    /// Of an epoch.
    steps: usize,
    clock: Clock,
    hooks: &'a mut Hooks<'h>,
}

impl Rounds<'_, '_> {
    /// The rest of an epoch with its validation.
    fn epoch(
        &mut self,
        trainee: &mut dyn Trainee,
        data: &PoseData,
        course: &mut Course,
    ) -> Result<Option<Ending>, FileError> {
        trainee.begin_epoch(course.epoch);
        let mut draw = data.train.epoch(self.settings.seed, course.epoch);
        let mut batch = Vec::new();
        for _ in 0..course.step {
            if !draw.next_batch(self.settings.batch, &mut batch)? {
                break;
            }
        }
        while draw.next_batch(self.settings.batch, &mut batch)? {
            trainee.scale_learning_rate(self.factor(course));
            if self.settings.mirror {
                mirror_some(&mut batch, &mut course.random);
            }
            // On one of rayon's threads none of the many short sweeps has to wake another first.
            let losses = rayon::scope(|_| trainee.step(&batch, &mut course.random));
            if losses.iter().any(|x| !x.is_finite()) {
                return Ok(Some(Ending::Diverged));
            }
            course.step += 1;
            self.clock.steps += 1;
            course
                .sums
                .iter_mut()
                .zip(&losses)
                .for_each(|(sum, x)| *sum += x);
            course.seconds = self.clock.seconds();
            let go_on = self.tell(trainee, course, &losses, None);
            let late = course.seconds >= self.settings.max_time;
            if !go_on || late {
                self.save(trainee, course);
                return Ok(Some(if go_on {
                    Ending::TimeLimit
                } else {
                    Ending::Interrupted
                }));
            }
            if self.clock.checkpoint_is_due(self.settings.checkpoint_every) {
                self.save(trainee, course);
            }
        }
        let measures = trainee.validate(&data.val);
        if measures.iter().any(|x| !x.is_finite()) {
            return Ok(Some(Ending::Diverged));
        }
        course.seconds = self.clock.seconds();
        self.close_epoch(trainee, course, measures);
        Ok(None)
    }

    /// Records the epoch, keeps the weights if they are the best, lowers the rates at a plateau.
    fn close_epoch(&mut self, trainee: &dyn Trainee, course: &mut Course, measures: Vec<f64>) {
        let best = course
            .best
            .as_ref()
            .map(|b| course.history[b.epoch].measures[0]);
        let gained = best.is_none_or(|best| measures[0] < best);
        let steps = course.step.max(1) as f64;
        let factor = self.factor(course);
        course.history.push(EpochRow {
            steps: course.step as f64,
            seconds: course.seconds,
            factor,
            losses: course.sums.iter().map(|sum| sum / steps).collect(),
            measures,
        });
        course.since_best += 1;
        course.since_lowered += 1;
        if gained {
            course.since_best = 0;
            course.since_lowered = 0;
            course.best = Some(Best {
                epoch: course.epoch,
                weights: trainee.weights(),
            });
        }
        if let Schedule::Plateau { after, by } = self.settings.schedule
            && course.since_lowered >= after
        {
            course.factor *= by;
            course.since_lowered = 0;
        }
        course.epoch += 1;
        course.step = 0;
        course.sums.fill(0.0);
    }

    fn factor(&self, course: &Course) -> f64 {
        match self.settings.schedule {
            Schedule::Constant => 1.0,
            Schedule::Plateau { .. } => course.factor,
            Schedule::Cosine => {
                let done = course.epoch * self.steps + course.step;
                let share = done as f64 / (self.settings.epochs * self.steps).max(1) as f64;
                0.5 * (1.0 + (std::f64::consts::PI * share.min(1.0)).cos())
            }
        }
    }

    fn tell(
        &mut self,
        trainee: &dyn Trainee,
        course: &Course,
        losses: &[f64],
        remark: Option<String>,
    ) -> bool {
        let rate = self.clock.rate();
        let all = self.settings.epochs * self.steps;
        let left = all.saturating_sub(course.epoch * self.steps + course.step) as f64 / rate;
        let last = course.history.last().map_or(&[][..], |row| &row.measures);
        let named = |names: &[&'static str], values: &[f64]| {
            names.iter().copied().zip(values.iter().copied()).collect()
        };
        (self.hooks.progress)(&TrainProgress {
            epoch: course.epoch,
            epochs: self.settings.epochs,
            step: course.step,
            steps: self.steps,
            losses: named(trainee.losses(), losses),
            measures: named(trainee.measures(), last),
            steps_per_second: rate,
            remaining: left.min((self.settings.max_time - course.seconds).max(0.0)),
            remark,
        })
    }

    /// A checkpoint that cannot be written is no reason to lose the training: one from before stays.
    fn save(&mut self, trainee: &dyn Trainee, course: &Course) {
        if let Err(reason) = (self.hooks.save)(trainee, course) {
            let remark = format!("{reason}; a checkpoint from before stays as it is");
            self.tell(trainee, course, &[], Some(remark));
        }
        self.clock.saved = Instant::now();
    }
}

/// Wall time over all parts of a training.
struct Clock {
    before: f64,
    begun: Instant,
    saved: Instant,
    steps: usize,
}

impl Clock {
    fn new(course: &Course) -> Self {
        Self {
            before: course.seconds,
            begun: Instant::now(),
            saved: Instant::now(),
            steps: 0,
        }
    }

    fn seconds(&self) -> f64 {
        self.before + self.begun.elapsed().as_secs_f64()
    }

    /// Steps per second of this part.
    fn rate(&self) -> f64 {
        self.steps as f64 / self.begun.elapsed().as_secs_f64().max(1e-9)
    }

    fn checkpoint_is_due(&self, every: f64) -> bool {
        self.saved.elapsed().as_secs_f64() >= every
    }
}
