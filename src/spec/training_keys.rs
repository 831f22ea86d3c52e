//! The table of keys of `fitrun train`: what a training's spec may say.

use super::keys::Kind::*;
use super::keys::{Key, key, only, or};
use super::units::Dimension;

pub(super) const KINDS: &[&str] = &["vposer", "vposer-gmm", "gan-s", "gan-u", "gan-n", "gmm"];
const NETWORKS: &[&str] = &["vposer", "vposer-gmm", "gan-s", "gan-u", "gan-n"];
const GANS: &[&str] = &["gan-s", "gan-u", "gan-n"];
const VPOSERS: &[&str] = &["vposer", "vposer-gmm"];
const CODED: &[&str] = &["vposer-gmm"];
const GMM: &[&str] = &["gmm"];

pub static TRAINING: &[Key] = &[
    key("fitrun", Integer, "version of the language, 1"),
    key(
        "name",
        Text,
        "name of the weights and of the run; the file's stem by default",
    ),
    key("extends", TextOrTexts, "specs that this one is laid over"),
    key("prior", Kinded(PRIOR), "what is trained"),
    only(
        key(
            "body",
            Table(BODY),
            "the body model that gives vertices and joints",
        ),
        NETWORKS,
    ),
    key("data", Table(DATA), "poses to train on and to validate on"),
    only(
        key("codes", Table(CODES), "the mixture of Gaussians over codes"),
        CODED,
    ),
    only(key("loss", Table(LOSS), "weights of the losses"), VPOSERS),
    key(
        "train",
        Table(TRAIN),
        "seed, steps, learning rates, when to stop",
    ),
    key("output", Table(OUTPUT), "what is written, and where"),
];

pub static PRIOR: &[Key] = &[
    key("kind", Choice(KINDS), "which prior"),
    or(
        only(
            key("latent_dim", Integer, "components of the latent code"),
            NETWORKS,
        ),
        "32",
    ),
    or(
        only(
            key("hidden", Integer, "width of the hidden layers"),
            NETWORKS,
        ),
        "512",
    ),
    or(
        only(
            key(
                "dropout",
                Number,
                "share of hidden units left out of a step",
            ),
            VPOSERS,
        ),
        "0.1",
    ),
    only(
        key(
            "network",
            Text,
            "weights of a VPoser that is kept as it is; only the mixture is trained",
        ),
        CODED,
    ),
    or(
        only(key("components", Integer, "number of Gaussians"), GMM),
        "8",
    ),
    or(
        only(
            key(
                "floor",
                Quantity(Dimension::ANGLE),
                "standard deviation added to every direction",
            ),
            GMM,
        ),
        "\"0.06 rad\"",
    ),
];

pub static BODY: &[Key] = &[or(
    key("model", Text, "`builtin`, or an `.npz` in SMPL's format"),
    "\"builtin\"",
)];

pub static DATA: &[Key] = &[
    key(
        "train",
        TextOrTexts,
        "an npz, a folder of AMASS's files, or a list of both",
    ),
    key(
        "val",
        TextOrTexts,
        "the same, for validation; instead of `hold_out`",
    ),
    key(
        "hold_out",
        NumberOrTexts,
        "subjects kept for validation: a list, or their share of the poses",
    ),
    key(
        "array",
        Text,
        "which array holds the poses; `pose_body` or `poses` by default",
    ),
    key(
        "rows",
        Text,
        "array of the rows to take; `unique_idx` where there is one, else all; `all` takes all",
    ),
    or(
        key(
            "near_duplicates",
            Quantity(Dimension::ANGLE),
            "a pose is left out when no joint differs by more from one kept before in its sequence",
        ),
        "\"1 deg\"",
    ),
    or(
        key(
            "mirror",
            Bool,
            "see half of the poses of every batch in a mirror, left for right",
        ),
        "true",
    ),
    or(
        key(
            "in_memory",
            Integer,
            "most poses held in memory; more are drawn from a file on disk",
        ),
        "4000000",
    ),
    or(
        key(
            "val_poses",
            Integer,
            "most poses that are validated on, evenly spaced",
        ),
        "20000",
    ),
];

pub static CODES: &[Key] = &[
    or(key("components", Integer, "number of Gaussians"), "16"),
    or(
        key(
            "floor",
            Number,
            "standard deviation added to every direction",
        ),
        "0.1",
    ),
    or(key("max_iter", Integer, "most iterations"), "100"),
    or(
        key("tolerance", Number, "gain that ends them, nats per pose"),
        "1e-3",
    ),
];

pub static LOSS: &[Key] = &[
    or(
        key("kl", Number, "Kullback–Leibler divergence to the normal"),
        "0.005",
    ),
    or(
        key("vertices", Number, "mean difference of vertex coordinates"),
        "4.0",
    ),
    or(
        key("geodesic", Number, "mean angle, in the first epochs"),
        "2.0",
    ),
    or(
        key(
            "joints",
            Number,
            "mean difference of joint coordinates, in the first epochs",
        ),
        "2.0",
    ),
    or(
        key("extra_epochs", Integer, "epochs with the last two"),
        "15",
    ),
];

pub static TRAIN: &[Key] = &[
    or(key("seed", Integer, "seed of whatever is drawn"), "0"),
    or(
        only(
            key("epochs", Integer, "most passes through the data"),
            NETWORKS,
        ),
        "100",
    ),
    or(
        only(key("batch", Integer, "poses in a step"), NETWORKS),
        "512",
    ),
    or(
        only(key("learning_rate", Number, "Adam's step"), VPOSERS),
        "0.001",
    ),
    or(
        only(
            key("weight_decay", Number, "L2 penalty added to the gradient"),
            VPOSERS,
        ),
        "1e-5",
    ),
    or(
        only(key("generator_rate", Number, "Adam's step"), GANS),
        "0.0005",
    ),
    or(
        only(key("discriminator_rate", Number, "Adam's step"), GANS),
        "0.001",
    ),
    or(
        only(key("betas", Numbers, "decay rates of Adam's moments"), GANS),
        "[0.5, 0.999]",
    ),
    or(
        only(
            key(
                "discriminator_steps",
                Integer,
                "for each step of the generator",
            ),
            GANS,
        ),
        "1",
    ),
    or(
        only(
            key("average", Number, "share of the old in the running average"),
            GANS,
        ),
        "0.999",
    ),
    or(
        only(
            key(
                "reconstruction",
                Number,
                "weight of how far poses come back by an encoder that is trained too; 0 trains none",
            ),
            GANS,
        ),
        "0",
    ),
    or(
        only(
            key(
                "schedule",
                Choice(&["plateau", "cosine", "constant"]),
                "how the learning rates fall",
            ),
            NETWORKS,
        ),
        "\"plateau\"",
    ),
    or(
        only(
            key(
                "reduce_after",
                Integer,
                "epochs without gain before a plateau lowers the rates",
            ),
            NETWORKS,
        ),
        "5",
    ),
    or(
        only(
            key("reduce_by", Number, "factor on the rates at a plateau"),
            NETWORKS,
        ),
        "0.5",
    ),
    or(
        only(
            key(
                "patience",
                Integer,
                "epochs without gain before the training stops",
            ),
            NETWORKS,
        ),
        "10",
    ),
    only(
        key(
            "max_time",
            Quantity(Dimension::TIME),
            "wall-clock limit of all its parts together",
        ),
        NETWORKS,
    ),
    or(
        only(
            key(
                "checkpoint_every",
                Quantity(Dimension::TIME),
                "longest time between checkpoints; each epoch writes one",
            ),
            NETWORKS,
        ),
        "\"3 min\"",
    ),
    or(
        only(
            key("restarts", Integer, "starts, of which the best is kept"),
            GMM,
        ),
        "4",
    ),
    or(
        only(key("max_iter", Integer, "iterations of a start"), GMM),
        "200",
    ),
    or(
        only(
            key("tolerance", Number, "gain that ends a start, nats per pose"),
            GMM,
        ),
        "1e-4",
    ),
];

pub static OUTPUT: &[Key] = &[
    or(
        key(
            "dir",
            Text,
            "the run's folder, relative to the working directory",
        ),
        "\"runs/train/{name}\"",
    ),
    key(
        "acknowledgement",
        Text,
        "what the data's terms ask for; kept in the weights",
    ),
];

/// Every table of a training's spec with its path, for the reference and its test.
pub fn training_tables() -> Vec<(&'static str, &'static [Key])> {
    vec![
        ("spec", TRAINING),
        ("prior", PRIOR),
        ("body", BODY),
        ("data", DATA),
        ("codes", CODES),
        ("loss", LOSS),
        ("train", TRAIN),
        ("output", OUTPUT),
    ]
}
