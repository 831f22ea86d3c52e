//! Adam (Kingma & Ba 2015) on a network's flat vector of numbers.

#[derive(Clone, Debug)]
pub(super) struct Adam {
    pub rate: f64,
    pub betas: [f64; 2],
    pub steps: u64,
    pub first: Vec<f32>,
    pub second: Vec<f32>,
}

impl Adam {
    pub fn new(count: usize, rate: f64, betas: [f64; 2]) -> Self {
        Self {
            rate,
            betas,
            steps: 0,
            first: vec![0.0; count],
            second: vec![0.0; count],
        }
    }

    /// One step down the gradient, at `scale` times the rate.
    pub fn step(&mut self, numbers: &mut [f32], gradient: &[f32], scale: f64) {
        self.steps += 1;
        let age = self.steps as f64;
        let [beta1, beta2] = self.betas;
        let rate = (scale * self.rate / (1.0 - beta1.powf(age))) as f32;
        let correction = (1.0 - beta2.powf(age)).sqrt().recip() as f32;
        let (keep1, keep2) = (beta1 as f32, beta2 as f32);
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((number, g), (first, second)) in numbers.iter_mut().zip(gradient).zip(moments) {
            *first = keep1 * *first + (1.0 - keep1) * g;
            *second = keep2 * *second + (1.0 - keep2) * g * g;
            *number -= rate * *first / (second.sqrt() * correction + 1e-8);
        }
    }
}
