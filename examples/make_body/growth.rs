//! What grows in each shape direction, per population standard deviation.
//!
//! Round figures near the spread that ANSUR II (2012) reports, women and men together: stature
//! 85 mm; at equal stature biacromial and hip breadth 20 mm, trunk depth 20 mm, crotch height
//! 25 mm, span 40 mm; girths 6–9 %, head, hand and foot lengths 3.5–4 %.

use crate::joints::{self, V3};

pub struct Direction {
    /// Relative growth along x, y, z of a bone (the joint that carries it; left stands for both).
    bones: &'static [(&'static [usize], [f64; 3])],
    /// Extra fat in front of the belly (m).
    belly: f64,
    /// If given, the direction is scaled so that the stature grows by this (m).
    pub stature_gain: Option<f64>,
}

impl Direction {
    pub fn growth(&self, joint: usize) -> V3 {
        let left = joint.min(joints::mirror(joint));
        let of_bone = self.bones.iter().filter(|(bones, _)| bones.contains(&left));
        of_bone.map(|(_, growth)| V3::from(*growth)).sum()
    }

    /// A Gaussian bulge of the belly, forwards.
    pub fn bump(&self, v: &V3) -> V3 {
        let from_navel = (v - V3::new(0.0, 0.05, 0.11)).component_div(&V3::new(0.11, 0.11, 0.10));
        V3::new(0.0, 0.0, self.belly * (-from_navel.norm_squared()).exp())
    }
}

const PELVIS: usize = 0;
const THIGH: usize = 1;
const SHANK: usize = 4;
const FOOT: &[usize] = &[7, 10];
const WAIST: &[usize] = &[3, 6];
const CHEST: usize = 9;
const NECK: usize = 12;
const COLLAR: usize = 13;
const HEAD: usize = 15;
const UPPER_ARM: usize = 16;
const FOREARM: usize = 18;
const HAND: &[usize] = &[20, 22];
const TRUNK: &[usize] = &[PELVIS, 3, 6, CHEST];
const LEG: &[usize] = &[THIGH, SHANK];
const ARM: &[usize] = &[UPPER_ARM, FOREARM];

#[rustfmt::skip]
pub const DIRECTIONS: [Direction; 10] = [
    // Stature: legs grow a little more than the trunk, the head least.
    Direction { stature_gain: Some(0.085), belly: 0.0, bones: &[
        (LEG, [0.024, 0.058, 0.024]), (FOOT, [0.030, 0.040, 0.042]), (TRUNK, [0.032, 0.046, 0.026]),
        (&[NECK], [0.024, 0.046, 0.024]), (&[HEAD], [0.016, 0.018, 0.016]),
        (&[COLLAR], [0.045, 0.030, 0.026]), (ARM, [0.054, 0.024, 0.024]), (HAND, [0.040, 0.030, 0.034])] },
    // Body mass.
    Direction { stature_gain: None, belly: 0.010, bones: &[
        (&[THIGH], [0.085, 0.0, 0.085]), (&[SHANK], [0.065, 0.0, 0.065]), (FOOT, [0.020, 0.010, 0.010]),
        (&[PELVIS], [0.060, 0.0, 0.080]), (WAIST, [0.085, 0.0, 0.090]), (&[CHEST], [0.060, 0.0, 0.080]),
        (&[NECK], [0.060, 0.0, 0.060]), (&[HEAD], [0.020, 0.0, 0.010]), (&[COLLAR], [0.010, 0.050, 0.060]),
        (&[UPPER_ARM], [0.0, 0.090, 0.090]), (&[FOREARM], [0.0, 0.065, 0.065]), (HAND, [0.0, 0.030, 0.020])] },
    // Legs longer, trunk shorter, at equal stature.
    Direction { stature_gain: None, belly: 0.0, bones: &[
        (LEG, [0.0, 0.030, 0.0]), (TRUNK, [0.0, -0.0455, 0.0])] },
    // Arms longer.
    Direction { stature_gain: None, belly: 0.0, bones: &[(ARM, [0.036, 0.0, 0.0]), (HAND, [0.020, 0.0, 0.0])] },
    // Shoulders broader.
    Direction { stature_gain: None, belly: 0.0, bones: &[
        (&[COLLAR], [0.075, 0.0, 0.0]), (&[CHEST], [0.040, 0.0, 0.0]), (&[6], [0.020, 0.0, 0.0])] },
    // Hips broader.
    Direction { stature_gain: None, belly: 0.0, bones: &[
        (&[PELVIS], [0.055, 0.0, 0.020]), (&[THIGH], [0.045, 0.0, 0.025]), (&[3], [0.020, 0.0, 0.0])] },
    // Upper arm and thigh longer, forearm and shank shorter.
    Direction { stature_gain: None, belly: 0.0, bones: &[
        (&[THIGH], [0.0, 0.025, 0.0]), (&[SHANK], [0.0, -0.025, 0.0]),
        (&[UPPER_ARM], [0.030, 0.0, 0.0]), (&[FOREARM], [-0.033, 0.0, 0.0])] },
    // Trunk deeper, with a belly.
    Direction { stature_gain: None, belly: 0.016, bones: &[
        (&[PELVIS], [0.0, 0.0, 0.040]), (WAIST, [0.0, 0.0, 0.070]), (&[CHEST], [0.0, 0.0, 0.070])] },
    // Limbs thicker.
    Direction { stature_gain: None, belly: 0.0, bones: &[
        (LEG, [0.060, 0.0, 0.060]), (ARM, [0.0, 0.070, 0.070]), (&[COLLAR], [0.0, 0.030, 0.030])] },
    // Head, hands, feet larger.
    Direction { stature_gain: None, belly: 0.0, bones: &[
        (&[HEAD], [0.035; 3]), (HAND, [0.040; 3]), (FOOT, [0.030, 0.030, 0.038])] },
];
