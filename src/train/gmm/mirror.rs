//! Mixtures that are their own mirror image: components in pairs, and some that stand alone.

use nalgebra::{DMatrix, DVector};

/// Turns a sample into its mirror image.
pub type Mirror = fn(&mut [f64]);

/// Which component is the mirror image of which: first the pairs, then those that are their own.
pub(super) struct Pairs {
    mirror: Mirror,
    other: Vec<usize>,
}

/// What a maximisation says of a component.
pub(super) struct Moments {
    pub(super) weight: f64,
    pub(super) mean: DVector<f64>,
    pub(super) covariance: DMatrix<f64>,
}

impl Pairs {
    /// Starts differ in how many components are their own image.
    pub(super) fn new(mirror: Mirror, components: usize, start: usize) -> Self {
        let alone = (components % 2 + 2 * (start % 3)).min(components);
        let paired = components - alone;
        let other = |k: usize| if k < paired { k ^ 1 } else { k };
        Self {
            mirror,
            other: (0..components).map(other).collect(),
        }
    }

    /// The image of a centre that is there already; the first of a pair and those alone have none.
    pub(super) fn image_of_drawn(
        &self,
        cluster: usize,
        centres: &DMatrix<f64>,
    ) -> Option<DVector<f64>> {
        let other = self.other[cluster];
        (other < cluster).then(|| self.image(&centres.column(other).into_owned()))
    }

    /// Makes each centre the image of its counterpart.
    pub(super) fn even_centres(&self, centres: &mut DMatrix<f64>) {
        let before = centres.clone();
        for (k, mut centre) in centres.column_iter_mut().enumerate() {
            let image = self.image(&before.column(self.other[k]).into_owned());
            centre += image;
            centre *= 0.5;
        }
    }

    /// Makes each component the image of its counterpart: with every sample's image among the samples
    /// they are but for rounding.
    pub(super) fn even(&self, moments: &[Moments]) -> Vec<Moments> {
        let even = |(k, own): (usize, &Moments)| {
            let other = &moments[self.other[k]];
            Moments {
                weight: 0.5 * (own.weight + other.weight),
                mean: 0.5 * (&own.mean + self.image(&other.mean)),
                covariance: 0.5 * (&own.covariance + self.image_of_square(&other.covariance)),
            }
        };
        moments.iter().enumerate().map(even).collect()
    }

    fn image(&self, sample: &DVector<f64>) -> DVector<f64> {
        let mut image = sample.clone();
        (self.mirror)(image.as_mut_slice());
        image
    }

    /// M C Mᵀ of a symmetric C.
    fn image_of_square(&self, square: &DMatrix<f64>) -> DMatrix<f64> {
        let rows = square.nrows();
        let columns = |mut matrix: DMatrix<f64>| {
            matrix
                .as_mut_slice()
                .chunks_exact_mut(rows)
                .for_each(self.mirror);
            matrix
        };
        columns(columns(square.clone()).transpose())
    }
}
