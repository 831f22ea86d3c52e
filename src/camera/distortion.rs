//! The lens models: where a point in the camera is seen on the plane at depth one.

use super::{brown, fisheye};
use crate::graph::Number;

/// Distortion coefficients of a lens, as OpenCV orders them.
#[derive(Clone, Debug, PartialEq)]
pub enum Distortion<E = f64> {
    /// k1, k2, p1, p2, k3.
    Brown([E; 5]),
    /// k1, k2, p1, p2, k3, k4, k5, k6.
    Rational([E; 8]),
    /// k1, k2, k3, k4 of the angle to the axis.
    Fisheye([E; 4]),
}

/// The most coefficients that a model has.
pub(super) const MOST: usize = 8;

impl<E> Distortion<E> {
    pub fn coefficients(&self) -> &[E] {
        match self {
            Self::Brown(k) => k,
            Self::Rational(k) => k,
            Self::Fisheye(k) => k,
        }
    }

    pub(super) fn coefficients_mut(&mut self) -> &mut [E] {
        match self {
            Self::Brown(k) => k,
            Self::Rational(k) => k,
            Self::Fisheye(k) => k,
        }
    }

    pub(super) fn of(given: &Distortion) -> Self
    where
        E: Number,
    {
        match given {
            Distortion::Brown(k) => Self::Brown(k.map(E::of)),
            Distortion::Rational(k) => Self::Rational(k.map(E::of)),
            Distortion::Fisheye(k) => Self::Fisheye(k.map(E::of)),
        }
    }

    #[inline(always)]
    pub(super) fn bend(&self, p: [E; 3]) -> [E; 2]
    where
        E: Number,
    {
        match self {
            Self::Brown(k) => brown::bend(k, p),
            Self::Rational(k) => brown::bend(k, p),
            Self::Fisheye(k) => fisheye::bend(k, p),
        }
    }

    /// The gradient of a point in the camera, from that of its bent coordinates.
    #[inline(always)]
    pub(super) fn pull_back(&self, p: [E; 3], g: [E; 2]) -> [E; 3]
    where
        E: Number,
    {
        match self {
            Self::Brown(k) => brown::pull_back(k, p, g),
            Self::Rational(k) => brown::pull_back(k, p, g),
            Self::Fisheye(k) => fisheye::pull_back(k, p, g),
        }
    }

    /// Adds the gradient of the coefficients, from that of a point's bent coordinates.
    #[inline(always)]
    pub(super) fn pull_back_own(&self, p: [E; 3], g: [E; 2], own: &mut [E])
    where
        E: Number,
    {
        match self {
            Self::Brown(k) => brown::pull_back_own(k, p, g, own),
            Self::Rational(k) => brown::pull_back_own(k, p, g, own),
            Self::Fisheye(_) => fisheye::pull_back_own(p, g, own),
        }
    }
}
