//! The networks that play against each other: all that a training goes on from.

use super::discriminator::Discriminator;
use super::generator::Generator;
use crate::io::tensors::Tensors;
use crate::random::SplitMix64;
use crate::train::GanSettings;
use crate::train::network::{Adam, AdamSettings, Forward, Parameters};

pub(super) struct Players {
    pub generator: Generator<f32>,
    /// Running average of the generator.
    pub average: Generator<f32>,
    pub discriminator: Discriminator<f32>,
    generator_adam: Adam<f32>,
    discriminator_adam: Adam<f32>,
}

impl Players {
    /// `poses` (rows, 63) are what an encoder will read.
    pub fn new(settings: &GanSettings, poses: &[f32], seed: u64) -> Self {
        let mut random = SplitMix64(seed);
        let average = Generator::new(settings, "", poses, &mut random.clone());
        let generator = Generator::new(settings, "generator.", poses, &mut random);
        let discriminator = Discriminator::new(&mut random);
        let adam = |parameters: &Parameters<f32>, rate: f64| {
            let settings = AdamSettings {
                rate,
                betas: settings.betas,
                ..AdamSettings::default()
            };
            Adam::new(settings, parameters)
        };
        Self {
            generator_adam: adam(&generator.parameters, settings.generator_rate),
            discriminator_adam: adam(&discriminator.parameters, settings.discriminator_rate),
            generator,
            average,
            discriminator,
        }
    }

    pub fn set_rates(&mut self, generator: f64, discriminator: f64) {
        self.generator_adam.settings.rate = generator;
        self.discriminator_adam.settings.rate = discriminator;
    }

    /// A step of the generator, which its average follows with at most the share `keep` of the old;
    /// early on it averages over a tenth of the steps so far.
    pub fn move_generator(&mut self, pass: Forward<f32>, keep: f64) {
        self.generator_adam
            .step(&mut self.generator.parameters, pass);
        let steps = self.generator_adam.steps as f64;
        let new = 1.0 - keep.min(steps / (9.0 + steps)) as f32;
        let averages = self.average.parameters.batches_mut();
        for (average, number) in averages.zip(self.generator.parameters.batches_mut()) {
            for (average, number) in average.numbers_mut().iter_mut().zip(number.numbers()) {
                *average += new * (number - *average);
            }
        }
    }

    pub fn move_discriminator(&mut self, pass: Forward<f32>) {
        self.discriminator_adam
            .step(&mut self.discriminator.parameters, pass);
    }

    pub fn save(&self) -> Tensors {
        let mut state = Tensors::default();
        let (generator, discriminator) = (&self.generator, &self.discriminator);
        generator.save(&mut state);
        self.average.save(&mut state);
        discriminator.parameters.save(&mut state);
        self.generator_adam
            .save("generator_adam", &generator.parameters, &mut state);
        self.discriminator_adam
            .save("discriminator_adam", &discriminator.parameters, &mut state);
        state
    }

    pub fn restore(&mut self, from: &Tensors) -> Result<(), String> {
        self.generator.restore(from)?;
        self.average.restore(from)?;
        self.discriminator.parameters.restore(from)?;
        let (generator, discriminator) = (&self.generator, &self.discriminator);
        self.generator_adam
            .restore("generator_adam", &generator.parameters, from)?;
        self.discriminator_adam
            .restore("discriminator_adam", &discriminator.parameters, from)
    }
}
