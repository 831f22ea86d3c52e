//! Reads every file that a spec names into SI units, y up; what is wrong with a file is a diagnostic.

mod arrays;
mod cameras;
mod inline_cameras;
mod labels;
mod markers;
mod motion;
mod once;
mod people;
mod points;
mod resample;
mod tables;
pub(crate) mod up;
mod zeros;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::body::markers::{Layout, Site};
use crate::body::{BodyModel, NO_RIG, RigOptions};
use crate::data::{Dataset, Table};
use crate::diagnostic::{Diagnostic, Diagnostics, Origin};
use crate::io::detection_json::{self, Kind};
use crate::io::npz::Npz;
use crate::io::{Arrays, FileError, cameras_json, gltf_rig, opencv, pose2sim, qualisys, vicon};
use crate::own::{Format, Registry};
use crate::prior::{Own, Prior};
use crate::spec::{Dimension, Spec, Value, View, parse_unit};
use once::Known;
pub use once::ReadOnce;
use tables::Columns;
pub(crate) use up::Up;

/// What the files of a spec hold.
#[derive(Clone, Debug)]
pub struct Inputs {
    pub data: Vec<Input>,
    pub body: Option<BodyModel>,
    pub prior: Prior,
    pub(crate) markers: Vec<Arc<MarkerSet>>,
    /// Every file that was read, for the record.
    pub files: Vec<PathBuf>,
    /// Data sets that the program gave in place of files.
    pub(crate) given: Vec<(String, Arc<Arrays>)>,
}

/// A layout of markers on this body.
#[derive(Clone, Debug)]
pub(crate) struct MarkerSet {
    /// The source that uses it.
    pub source: String,
    pub layout: Layout,
    /// For each marker its place, or why it has none.
    pub sites: Vec<Result<Site, String>>,
}

/// One data set.
#[derive(Clone, Debug)]
pub struct Input {
    pub name: String,
    pub origin: Origin,
    pub dataset: Dataset,
    /// Which way is up in the file.
    pub up: Up,
    /// What a unit of the file's numbers was taken for, in SI units.
    pub metres: f64,
    /// (frames): of which recording each is, where the file says so.
    pub sequence: Option<Vec<u64>>,
}

impl Inputs {
    pub(crate) fn get(&self, name: &str) -> Option<&Input> {
        self.data.iter().find(|d| d.name == name)
    }
}

pub(crate) fn read(
    spec: &Spec,
    (registry, once): (&Registry, &ReadOnce),
    diagnostics: &mut Diagnostics,
) -> Inputs {
    let root = spec.root();
    let mut inputs = Inputs {
        data: Vec::new(),
        body: None,
        prior: Prior::None,
        markers: Vec::new(),
        files: Vec::new(),
        given: Vec::new(),
    };
    if spec.has_body {
        inputs.body = known_body(&root, once, &mut inputs.files, diagnostics);
        inputs.prior = read_prior(&root, registry, &mut inputs.files, diagnostics);
    }
    for (name, table, _) in root.named("sources") {
        let view = View::new(table, "sources");
        let layout = read_layout(&view, registry, &mut inputs.files, diagnostics);
        if let (Some(layout), Some(body)) = (layout, &inputs.body) {
            let sites = (0..layout.markers.len()).map(|m| layout.site(body, m));
            let set = MarkerSet {
                source: name.into(),
                sites: sites.collect(),
                layout,
            };
            inputs.markers.push(set.into());
        }
    }
    for (name, table, node) in root.named("data") {
        let path = format!("data.{name}");
        let arrays = registry.data.iter().rev().find(|(n, _)| n == name);
        let arrays = arrays.map(|(_, arrays)| Arc::clone(arrays));
        inputs
            .given
            .extend(arrays.iter().map(|a| (name.to_string(), Arc::clone(a))));
        let key = ReadOnce::key(name, table);
        let known = match once.get(&key) {
            Some(known) => {
                inputs.files.extend(known.files.iter().cloned());
                Some(known)
            }
            None => {
                let (files, said) = (inputs.files.len(), diagnostics.list.len());
                let known = Reader {
                    registry,
                    view: View::new(table, &path),
                    origin: node.key.clone(),
                    files: &mut inputs.files,
                    diagnostics,
                    metres: 1.0,
                    sequence: None,
                    also: Vec::new(),
                }
                .known(arrays, files);
                // What was complained about is read, and complained about, again.
                if let Some(known) = known.as_ref().filter(|_| diagnostics.list.len() == said) {
                    once.put(key, known.clone());
                }
                known
            }
        };
        let Some(known) = known else { continue };
        let input = |name: String, dataset: Dataset, sequence: Option<Vec<u64>>| Input {
            name,
            origin: node.key.clone(),
            dataset,
            up: known.up,
            metres: known.metres,
            sequence,
        };
        for (name, table) in known.also {
            inputs.data.push(input(name, Dataset::Table(table), None));
        }
        inputs
            .data
            .push(input(name.into(), known.dataset, known.sequence));
    }
    resample::resample(spec, &mut inputs, diagnostics);
    motion::settle_shapes(&mut inputs, diagnostics);
    inputs
}

/// The spec's body; what was complained about is read, and complained about, again.
fn known_body(
    root: &View<'_>,
    once: &ReadOnce,
    files: &mut Vec<PathBuf>,
    diagnostics: &mut Diagnostics,
) -> Option<BodyModel> {
    let key = Value::Table(root.table("body")?.clone())
        .to_json()
        .to_string();
    if let Some((body, read)) = once.get_body(&key) {
        files.extend(read);
        return Some(body);
    }
    let (before, said) = (files.len(), diagnostics.list.len());
    let body = read_body(root, files, diagnostics)?;
    if once.remembers() && diagnostics.list.len() == said {
        once.put_body(key, (body.clone(), files[before..].to_vec()));
    }
    Some(body)
}

fn read_body(
    root: &View<'_>,
    files: &mut Vec<PathBuf>,
    diagnostics: &mut Diagnostics,
) -> Option<BodyModel> {
    let body = View::new(root.table("body")?, "body");
    let model = body.text("model")?;
    let betas = match body.integer("num_betas") {
        Some(n) if n.value < 1 => {
            let message = "`body.num_betas` should be at least 1";
            diagnostics.push(Diagnostic::error("F0205", message, &n.origin));
            None
        }
        given => given.map(|n| n.value as usize),
    };
    let options = rig_options(&body, diagnostics);
    let read = match model.value {
        "builtin" if options.is_given() => Err(FileError::new("builtin", NO_RIG)),
        "builtin" => BodyModel::builtin(betas),
        path => {
            files.push(path.into());
            if path.ends_with(".gltf") {
                files.extend(gltf_rig::links(Path::new(path)));
            }
            BodyModel::from_rig(Path::new(path), betas, &options)
        }
    };
    let mut found = read
        .map_err(|error| {
            let place = match error.message.contains("num_betas") {
                true => body.origin_of("num_betas", &model.origin),
                false => model.origin.clone(),
            };
            diagnostics.push(file_error(&error, &place));
        })
        .ok()?;
    let landmarks = body
        .table("landmarks")
        .map(|t| View::new(t, "body.landmarks"));
    for (name, node) in landmarks.iter().flat_map(View::keys) {
        let vertices = found.template.nrows();
        match node.value {
            Value::Integer(v) if (0..vertices as i64).contains(&v) => {
                found.landmarks.insert(name.into(), v as usize);
            }
            _ => {
                let message = format!("`body.landmarks.{name}` is not a vertex of this body");
                let hint = format!("a whole number from 0 to {}", vertices - 1);
                diagnostics.push(Diagnostic::error("F0205", message, &node.origin).hint(hint));
            }
        }
    }
    Some(found)
}

/// What the spec says of a rig's joints and unit.
fn rig_options(body: &View<'_>, diagnostics: &mut Diagnostics) -> RigOptions {
    let unit = body.text("unit").and_then(|unit| {
        let parsed = parse_unit(unit.value).ok();
        let length = parsed.filter(|(_, dimension)| *dimension == Dimension::LENGTH);
        if length.is_none() {
            let message = format!("`body.unit`: `{}` is no unit of length", unit.value);
            let diagnostic = Diagnostic::error("F0205", message, &unit.origin);
            diagnostics.push(diagnostic.hint("such as `cm`"));
        }
        length.map(|(metres, _)| metres)
    });
    let roles = body.table("roles").map(|t| View::new(t, "body.roles"));
    let mut options = RigOptions {
        unit,
        ..RigOptions::default()
    };
    for (role, node) in roles.iter().flat_map(View::keys) {
        match &node.value {
            Value::Text(joint) => {
                options.roles.insert(role.into(), joint.clone());
            }
            _ => {
                let message = format!("`body.roles.{role}` is no name of a joint");
                diagnostics.push(Diagnostic::error("F0205", message, &node.origin));
            }
        }
    }
    options
}

fn read_prior(
    root: &View<'_>,
    registry: &Registry,
    files: &mut Vec<PathBuf>,
    diagnostics: &mut Diagnostics,
) -> Prior {
    let Some(prior) = root.table("prior").map(|t| View::new(t, "prior")) else {
        return Prior::None;
    };
    let kind = prior.text("kind").map_or("none", |k| k.value);
    let origin = || prior.origin_of("kind", &Origin::Default);
    if let Some(own) = registry.priors.iter().find(|p| p.name() == kind) {
        return match Own::new(&**own) {
            Ok(own) => Prior::Own(own.into()),
            Err(reason) => {
                let message = format!("the program's prior `{kind}`: {reason}");
                diagnostics.push(Diagnostic::error("F0310", message, &origin()));
                Prior::None
            }
        };
    }
    let Some(file) = prior.text("file") else {
        return Prior::builtin(kind).unwrap_or_else(|message| {
            diagnostics.push(Diagnostic::error("F0401", message, &origin()));
            Prior::None
        });
    };
    files.push(file.value.into());
    Prior::from_file(kind, Path::new(file.value)).unwrap_or_else(|error| {
        diagnostics.push(file_error(&error, &file.origin));
        Prior::None
    })
}

fn read_layout(
    source: &View<'_>,
    registry: &Registry,
    files: &mut Vec<PathBuf>,
    diagnostics: &mut Diagnostics,
) -> Option<Layout> {
    let given = source.text("layout")?;
    let of_program = registry.layouts.iter().find(|l| l.name == given.value);
    if let Some(layout) = of_program {
        return Some(layout.as_ref().clone());
    }
    if let Some(layout) = Layout::embedded(given.value) {
        return Some(layout);
    }
    let path = Path::new(given.value);
    if path.extension().is_none() {
        let message = format!("there is no layout `{}`", given.value);
        let names = Layout::names();
        let hint = format!(
            "embedded: {}; or a `.toml` or `.json` file",
            names.join(", ")
        );
        let diagnostic = Diagnostic::error("F0403", message, &given.origin).hint(hint);
        diagnostics.push(diagnostic.nearest(given.value, names));
        return None;
    }
    files.push(path.into());
    Layout::from_file(path)
        .map_err(|error| diagnostics.push(file_error(&error, &given.origin)))
        .ok()
}

/// Reads one data set.
struct Reader<'a> {
    registry: &'a Registry,
    view: View<'a>,
    /// The data set's own name in the spec.
    origin: Origin,
    files: &'a mut Vec<PathBuf>,
    diagnostics: &'a mut Diagnostics,
    /// What a unit of the numbers was taken for.
    metres: f64,
    /// Of which recording each frame is.
    sequence: Option<Vec<u64>>,
    /// Tables that the file holds besides, by name.
    also: Vec<(String, Table)>,
}

impl Reader<'_> {
    /// The data set with all that its file says; `before` is how many files were read before it.
    fn known(mut self, arrays: Option<Arc<Arrays>>, before: usize) -> Option<Known> {
        let found = match arrays {
            Some(arrays) => self.given(arrays),
            None => self.dataset(),
        };
        let (dataset, up) = found?;
        Some(Known {
            dataset,
            up,
            metres: self.metres,
            sequence: self.sequence,
            also: self.also,
            files: self.files[before..].to_vec(),
        })
    }

    fn dataset(&mut self) -> Option<(Dataset, Up)> {
        let Some(file) = self.view.text("file") else {
            let tables = self.tables_of_cameras();
            if !tables.is_empty() {
                return self.inline_cameras(&tables);
            }
            let message = format!("`{}` does not name its `file`", self.view.path());
            self.fail("F0202", message, &self.origin.clone());
            return None;
        };
        if let Some(person) = self.view.text("person").filter(|p| p.value != "auto") {
            let message = format!("`{}.person` cannot be `{}`", self.view.path(), person.value);
            let diagnostic = Diagnostic::error("F0204", message, &person.origin);
            self.diagnostics.push(
                diagnostic.hint("write `\"auto\"`, or the person's place in the files: 0, 1, …"),
            );
        }
        for key in ["person", "follow"] {
            if let Some(person) = self.view.integer(key).filter(|p| p.value < 0) {
                let message = format!("`{}.{key}` should be 0 or more", self.view.path());
                self.fail("F0205", message, &person.origin);
            }
        }
        let path = Path::new(file.value);
        let format = match self.view.text("format") {
            Some(format) => format.value,
            None => self.guess(path),
        };
        let own = self.registry.formats.iter().find(|f| f.name() == format);
        let result = match format {
            _ if let Some(own) = own => own
                .read(path)
                .map_err(|reason| FileError::new(path, reason))
                .and_then(|arrays| self.arrays(path, Npz::in_memory(path, arrays.into()))),
            "pose2sim" => self.cameras(path, vec![path.into()], pose2sim::read(path)),
            "opencv" => self.cameras(path, opencv::files(path), opencv::read(path)),
            "cameras-json" => self.cameras(path, vec![path.into()], cameras_json::read(path)),
            "qualisys" => self.cameras(path, vec![path.into()], qualisys::read(path)),
            "vicon" => self.cameras(path, vec![path.into()], vicon::read(path)),
            "openpose" => self.people(file.value, Kind::OpenPose),
            "coco" => self.people(file.value, Kind::Coco),
            "alphapose" => self.people(file.value, Kind::AlphaPose),
            "mmpose" => self.people(file.value, Kind::Mmpose),
            "amass" => self.motion(path),
            "g2o" => self.pose_graph(path),
            "csv" if self.view.node("columns").is_some() => self.csv_table(path),
            "csv" => self.csv(path),
            "c3d" | "trc" | "bvh" => self.markers(path, format),
            _ => self.arrays(path, Npz::open(path)),
        };
        if own.is_none() && !matches!(format, "npz" | "csv" | "c3d" | "trc" | "bvh") {
            self.refuse_map(format);
        }
        if !matches!(format, "csv" | "c3d" | "trc") {
            self.refuse_subject(format);
        }
        match result {
            Ok(dataset) => dataset,
            Err(error) => {
                self.diagnostics.push(file_error(&error, &file.origin));
                None
            }
        }
    }

    /// The arrays of a file, once it could be opened, as columns or as points.
    fn arrays(
        &mut self,
        path: &Path,
        npz: Result<Npz, FileError>,
    ) -> Result<Option<(Dataset, Up)>, FileError> {
        let npz = npz?;
        self.files.push(path.into());
        self.of_arrays(npz)
    }

    fn of_arrays(&mut self, npz: Npz) -> Result<Option<(Dataset, Up)>, FileError> {
        match self.view.node("columns").is_some() {
            true => self.table(&Columns::Arrays(npz)),
            false => self.npz(&npz),
        }
    }

    /// Arrays that the program gave.
    fn given(&mut self, arrays: Arc<Arrays>) -> Option<(Dataset, Up)> {
        let opened = Npz::in_memory(self.view.path(), arrays);
        opened
            .and_then(|npz| self.of_arrays(npz))
            .unwrap_or_else(|error| {
                self.diagnostics.push(file_error(&error, &self.origin));
                None
            })
    }

    fn guess(&self, path: &Path) -> &'static str {
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        let extension = extension.to_lowercase();
        let of_own = |f: &&Arc<dyn Format>| f.extensions().contains(&extension.as_str());
        if let Some(own) = self.registry.formats.iter().find(of_own) {
            return own.name();
        }
        match extension.as_str() {
            "csv" => "csv",
            "c3d" => "c3d",
            "trc" => "trc",
            "bvh" => "bvh",
            "g2o" => "g2o",
            "toml" => "pose2sim",
            "xcp" => "vicon",
            _ if qualisys::is_named(path) => "qualisys",
            "json" => {
                detection_json::kind(&path.to_string_lossy()).map_or("cameras-json", Kind::name)
            }
            "yml" | "yaml" => "opencv",
            "npz" | "npy" => {
                let described = ["axes", "array", "columns"]
                    .iter()
                    .any(|key| self.view.node(key).is_some());
                let motion = || Npz::open(path).is_ok_and(|n| n.has("poses") && n.has("trans"));
                if !described && motion() {
                    "amass"
                } else {
                    "npz"
                }
            }
            _ if opencv::is_folder(path) => "opencv",
            _ => detection_json::kind(&path.to_string_lossy()).map_or("openpose", Kind::name),
        }
    }

    fn fail(&mut self, code: &'static str, message: String, origin: &Origin) {
        self.diagnostics
            .push(Diagnostic::error(code, message, origin));
    }

    /// What a file says wrongly, or what was left out of it.
    fn warn_of_file(&mut self, message: String) {
        let origin = self.view.origin_of("file", &self.origin);
        self.diagnostics
            .push(Diagnostic::warning("F0407", message, &origin));
    }

    fn no_frame_left(&mut self) {
        let message = format!(
            "`{}.frames` leaves none of the file's frames",
            self.view.path()
        );
        let origin = self.view.origin_of("frames", &self.origin);
        self.fail("F0402", message, &origin);
    }

    /// The rate that the spec gives, else that of the file.
    fn rate(&mut self, of_file: Option<f64>) -> Option<f64> {
        let Some(given) = self.view.quantities("rate") else {
            return of_file.filter(|rate| *rate > 0.0);
        };
        let rate = given.value.first()?.value;
        if rate <= 0.0 {
            let message = format!("`{}.rate` should be above zero", self.view.path());
            self.fail("F0205", message, &given.origin);
        }
        Some(rate)
    }

    /// Which way is up: as the spec says, else the format's own.
    fn up(&self, of_format: Up) -> Up {
        let given = self.view.text("up");
        given.and_then(|t| Up::named(t.value)).unwrap_or(of_format)
    }

    /// The half-open range of frame numbers, everything by default.
    fn frame_range(&mut self) -> std::ops::Range<u64> {
        let Some(text) = self.view.text("frames") else {
            return 0..u64::MAX;
        };
        let number = |part: &str, default: u64| match part.trim() {
            "" => Some(default),
            digits => digits.parse().ok(),
        };
        let range = text
            .value
            .split_once("..")
            .and_then(|(first, end)| Some(number(first, 0)?..number(end, u64::MAX)?));
        match range {
            Some(range) if range.start < range.end => range,
            _ => {
                let message = format!("`{}.frames` is not a range of frames", self.view.path());
                self.diagnostics
                    .push(Diagnostic::error("F0205", message, &text.origin).hint(
                        "write the first frame and the one after the last, such as `0..100`",
                    ));
                0..u64::MAX
            }
        }
    }
}

pub(crate) fn file_error(error: &FileError, origin: &Origin) -> Diagnostic {
    let diagnostic = Diagnostic::error("F0401", error.to_string(), origin);
    match &error.hint {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}
