//! The list of measures: their names, units and which way is better.

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Its name in files.
    pub key: &'static str,
    pub title: &'static str,
    pub unit: &'static str,
}

const fn measure(key: &'static str, title: &'static str, unit: &'static str) -> Measure {
    Measure { key, title, unit }
}

/// All measures, in the order of the table.
pub const MEASURES: &[Measure] = &[
    measure("recall", "recall", "mm"),
    measure("precision", "precision", "mm"),
    measure("recall_train", "recall on train", "mm"),
    measure("interpolation", "interpolation ratio, mean", ""),
    measure("interpolation_median", "interpolation ratio, median", ""),
    measure("reconstruction", "reconstruction by latent fit", "mm"),
    measure("encode_decode", "encode and decode", "mm"),
    measure("nll", "negative log-likelihood", "nats"),
    measure("limits_poses", "samples beyond limits", "%"),
    measure("limits_joints", "joints beyond limits", "%"),
    measure("limits_excess", "mean excess", "deg"),
    measure("penetration", "self-penetration", "mm"),
    measure("all_mpjpe", "2D, all joints: MPJPE", "mm"),
    measure("all_pmpjpe", "2D, all joints: P-MPJPE", "mm"),
    measure("all_gain", "2D, all joints: P-MPJPE less none's", "mm"),
    measure("occluded_mpjpe", "2D, 30 % hidden: MPJPE", "mm"),
    measure("occluded_pmpjpe", "2D, 30 % hidden: P-MPJPE", "mm"),
    measure(
        "occluded_gain",
        "2D, 30 % hidden: P-MPJPE less none's",
        "mm",
    ),
    measure("few_mpjpe", "2D, 8 joints: MPJPE", "mm"),
    measure("few_pmpjpe", "2D, 8 joints: P-MPJPE", "mm"),
    measure("few_gain", "2D, 8 joints: P-MPJPE less none's", "mm"),
    measure("decode_1", "decoding one pose", "us"),
    measure("decode_1024", "decoding 1024, each", "us"),
];
