//! A decoder's weights in the graph's numbers, in the forms that decoding and its Jacobian read.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use super::jacobian::Packed;
use super::layer::Layer;
use super::network::Decoder;
use crate::graph::product::{Rows2, add_a_bt};
use crate::graph::{LANES, Scalar};

pub(super) struct Weights<E> {
    pub layers: [Layer<E>; 3],
    /// The first layer's, (hidden, latent in whole lanes).
    pub first: Vec<E>,
    through: OnceLock<Packed<E>>,
    last: OnceLock<Packed<E>>,
}

/// What was converted before, in f32 and in f64; a copy begins anew.
#[derive(Debug, Default)]
pub(super) struct Converted([OnceLock<Arc<dyn Any + Send + Sync>>; 2]);

impl<E: Scalar> Weights<E> {
    fn new(decoder: &Decoder) -> Self {
        let first = &decoder.layers[0];
        let padded = first.inputs.next_multiple_of(LANES);
        let pad = |row: &[f64]| -> Vec<E> {
            let number = |k: usize| row.get(k).copied().unwrap_or(0.0);
            (0..padded).map(|k| E::of(number(k))).collect()
        };
        Self {
            first: first
                .weight
                .chunks_exact(first.inputs)
                .flat_map(pad)
                .collect(),
            layers: std::array::from_fn(|k| Layer::new(&decoder.layers[k])),
            through: OnceLock::new(),
            last: OnceLock::new(),
        }
    }

    /// Those of a decoder; converted once.
    pub fn of(decoder: &Decoder) -> Arc<Self> {
        let place = &decoder.converted.0[usize::from(size_of::<E>() > 4)];
        let any = place.get_or_init(|| Arc::new(Self::new(decoder)));
        let found = Arc::clone(any).downcast::<Self>();
        found.unwrap_or_else(|_| Arc::new(Self::new(decoder)))
    }

    /// The second layer, and the third after it: what the first one's slopes change.
    pub fn through(&self) -> &Packed<E> {
        self.through.get_or_init(|| {
            let [_, second, last] = &self.layers;
            let mut both = second.weight.clone();
            let at = both.len();
            both.resize(at + last.outputs() * second.inputs, E::zero());
            let a = Rows2 {
                data: &last.weight,
                rows: last.outputs(),
                columns: last.inputs,
            };
            let b = Rows2 {
                data: second.transposed(),
                rows: second.inputs,
                columns: second.outputs(),
            };
            add_a_bt(&mut both[at..], a, b);
            Packed::new(&both, second.inputs)
        })
    }

    pub fn last(&self) -> &Packed<E> {
        let last = &self.layers[2];
        self.last
            .get_or_init(|| Packed::new(&last.weight, last.inputs))
    }
}

impl Clone for Converted {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Converted {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
