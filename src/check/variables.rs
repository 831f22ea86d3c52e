//! Variables with their manifolds, copies, sizes and starting values.

use super::Checker;
use super::expressions::is_quantity;
use super::motions::Fits;
use crate::body::BODY_JOINTS;
use crate::body::whole::{HAND_PCA, PARTS, TURNS};
use crate::diagnostic::{Diagnostic, Origin, Sourced};
use crate::ir::{Per, SetId, Variable, VariableId};
use crate::manifold::Manifold;
use crate::prior::{Latent, Prior};
use crate::spec::{Dimension, Quantity, Value, View, parse_unit};

impl Checker<'_> {
    pub(super) fn variables(&mut self, root: &View<'_>) {
        for (name, table, node) in root.named("vars") {
            let path = format!("vars.{name}");
            if name == "pose_body" && self.inputs.prior.variable() != name {
                self.pose_is_decoded(&node.key);
                continue;
            }
            self.check_part(name, &node.key);
            self.check_name(name, &node.key);
            let variable = self.variable(name, &View::new(table, &path), &node.key);
            self.variables.extend(variable);
        }
    }

    /// A name in an expression stands for one thing.
    fn check_name(&mut self, name: &str, origin: &Origin) {
        let other = match name {
            "pi" => "the number π",
            "pose" if self.spec.has_body => "what stages and terms call the prior's variable",
            _ if self.rows(name).is_some() => "a table",
            _ => return,
        };
        let message = format!("`{name}` is a variable and {other}");
        let diagnostic = Diagnostic::error("F0308", message, origin);
        self.diagnostics
            .push(diagnostic.hint("give the variable another name"));
    }

    fn variable(&mut self, name: &str, view: &View<'_>, origin: &Origin) -> Option<Variable> {
        let dimension = self.dimension(name, view)?;
        let (per, labels) = match view.text("per").map(|t| t.value) {
            Some("frame") => (Per::Frame, Vec::new()),
            Some("marker") => (Per::Subject, self.markers_of(name, view, origin)?),
            Some("camera") if self.set_id("camera").is_none() => {
                (Per::Subject, self.cameras_of(name, view, origin)?)
            }
            Some("subject") | None => (Per::Subject, Vec::new()),
            Some(set) => (Per::Row(self.set_of_variable(set, view)?), Vec::new()),
        };
        let text = view.text("init").filter(|t| !is_quantity(t.value));
        let of_motion = text
            .as_ref()
            .is_some_and(|t| self.motion_of(t.value).is_some());
        if let Some(text) = text.as_ref().filter(|_| !of_motion) {
            if self.is_no_motion(text) {
                return None;
            }
            return self.started(name, view, text, per);
        }
        let manifold = self.manifold(name, view, dimension)?;
        let copies = labels.len().max(1);
        let fits = Fits {
            name,
            manifold,
            per,
        };
        let init = match &text {
            Some(text) => self.start_of_motion(&fits, text)?,
            None => self.init(name, view, manifold, dimension, &labels)?,
        };
        let elements = match per {
            Per::Row(set) => self.sets[set.0].ids.len(),
            _ => 1,
        };
        Some(Variable {
            init: init.repeat(elements),
            held: Vec::new(),
            starts: self.starts(name).into(),
            name: name.into(),
            manifold,
            copies,
            labels,
            per,
            dimension,
            scale: self.scale(name, view, manifold),
        })
    }

    /// A variable that starts at an expression of tables, which also says its size and unit.
    fn started(
        &mut self,
        name: &str,
        view: &View<'_>,
        text: &Sourced<&str>,
        per: Per,
    ) -> Option<Variable> {
        let wanted = match view.node("unit") {
            Some(_) => Some(self.dimension(name, view)?),
            None => None,
        };
        let kind = view.text("kind").map_or("euclidean", |k| k.value);
        let bounds = match self.bounds(view, wanted.unwrap_or_default()) {
            Some(None) => return None,
            Some(bounds) => bounds,
            None => None,
        };
        let dim = view.integer("dim").map(|d| d.value);
        let of_size = |n: usize| {
            if dim.is_some_and(|d| d != n as i64) {
                return None;
            }
            Some(match (kind, bounds) {
                ("so3", _) if n == 3 || n == 9 => Manifold::So3,
                ("so3", _) => return None,
                ("sphere", _) if n < 2 => return None,
                ("positive", _) => Manifold::Positive(n),
                ("sphere", _) => Manifold::Sphere(n),
                (_, Some((low, high))) => Manifold::Box { dims: n, low, high },
                ("box", None) => Manifold::Box {
                    dims: n,
                    low: -1.0,
                    high: 1.0,
                },
                _ => Manifold::Euclidean(n),
            })
        };
        let (manifold, init, dimension) = self.start(text, of_size, wanted, per)?;
        Some(Variable {
            init,
            held: Vec::new(),
            starts: Vec::new().into(),
            name: name.into(),
            manifold,
            copies: 1,
            labels: Vec::new(),
            per,
            dimension,
            scale: self.scale(name, view, manifold),
        })
    }

    /// The set that a variable has a copy for each element of.
    fn set_of_variable(&mut self, set: &str, view: &View<'_>) -> Option<SetId> {
        let found = self.set_id(set);
        if found.is_none() && !self.is_set_of_lost_data(set) {
            let message = format!("`{}.per`: there is no set `{set}`", view.path());
            let origin = view.origin_of("per", &Origin::Default);
            let names: Vec<String> = self.sets.iter().map(|s| s.name.clone()).collect();
            let fixed = ["frame", "subject", "marker", "camera"];
            let names = fixed.into_iter().chain(names.iter().map(String::as_str));
            let diagnostic = Diagnostic::error("F0304", message, &origin).nearest(set, names);
            let hint = "tables make sets: by their `index`, or by columns `ref:…`";
            self.diagnostics.push(diagnostic.hint(hint));
        }
        found
    }

    /// Whether a data set that could not be read, which was said, would have made a set.
    fn is_set_of_lost_data(&self, set: &str) -> bool {
        let root = self.spec.root();
        root.named("data").into_iter().any(|(name, table, _)| {
            let columns = table.table("columns").into_iter().flat_map(|c| &c.entries);
            let refers = columns.filter_map(|(_, node)| match &node.value {
                Value::Text(text) => text.strip_prefix("ref:"),
                _ => None,
            });
            let index = table.text("index").unwrap_or(name);
            // A graph brings a set of its own, called by the file.
            let graph = table.text("file").is_some_and(|f| f.ends_with(".g2o"));
            self.inputs.get(name).is_none()
                && (graph || index == set || refers.map(str::trim).any(|s| s == set))
        })
    }

    /// Elements that the spec or a file holds still.
    pub(super) fn gauge(&mut self, root: &View<'_>) {
        for (_, table, _) in
            super::tables::tables(self.inputs).filter(|(_, t, _)| !t.held.is_empty())
        {
            let set = table.index.as_deref().and_then(|s| self.set_id(s));
            for variable in self
                .variables
                .iter_mut()
                .filter(|v| set.is_some_and(|s| v.per == Per::Row(s)))
            {
                variable.held.extend(&table.held);
            }
        }
        self.hold_all(root);
        for variable in &mut self.variables {
            variable.held.sort_unstable();
            variable.held.dedup();
        }
    }

    /// What `[[gauge]]` holds.
    fn hold_all(&mut self, root: &View<'_>) {
        let Some(Value::Array(items)) = root.node("gauge").map(|n| &n.value) else {
            return;
        };
        for (i, node) in items.iter().enumerate() {
            let Value::Table(table) = &node.value else {
                continue;
            };
            let path = format!("gauge[{i}]");
            for text in View::new(table, &path).texts("hold").unwrap_or_default() {
                let name = text.value.split('[').next().unwrap_or_default().trim();
                if self.variable_id(name).is_none() && self.declares_variable(name) {
                    // What is wrong with it was said.
                    continue;
                }
                if let Err(message) = self.hold(text.value) {
                    let diagnostic = Diagnostic::error("F0304", message, &text.origin);
                    let hint = "a variable over a set and the id of an element, such as `R[0]`";
                    self.diagnostics.push(diagnostic.hint(hint));
                }
            }
        }
    }

    fn hold(&mut self, text: &str) -> Result<(), String> {
        let parts = text.strip_suffix(']').and_then(|t| t.split_once('['));
        let (name, id) = parts.ok_or_else(|| format!("`{text}` is no element"))?;
        let (name, id) = (name.trim(), id.trim());
        let found = self.variable_id(name);
        let at = found.ok_or_else(|| format!("there is no variable `{name}`"))?;
        let Per::Row(set) = self.variables[at.0].per else {
            return Err(format!("`{name}` has no elements"));
        };
        let ids = &self.sets[set.0].ids;
        let element = id
            .parse()
            .ok()
            .and_then(|id: i64| ids.iter().position(|i| *i == id));
        let element = element.ok_or_else(|| format!("`{name}` has no element `{id}`"))?;
        self.variables[at.0].held.push(element);
        Ok(())
    }

    /// Codes drawn from a learned prior; a code that the spec gives is the only start.
    fn starts(&self, name: &str) -> Vec<Vec<f64>> {
        const DRAWN: usize = 256;
        let given = self.spec.root().named("vars").iter().any(|(n, table, _)| {
            *n == name
                && table
                    .get("init")
                    .is_some_and(|i| i.origin != Origin::Default)
        });
        match &self.inputs.prior {
            Prior::Learned(prior) if name == "z" && !given => prior.draw(DRAWN, 1),
            _ => Vec::new(),
        }
    }

    fn pose_is_decoded(&mut self, origin: &Origin) {
        let message = "`pose_body` is what the prior's decoder makes of `z`, so it is no variable";
        let hint = "free `pose`, which means `z` here; `pose_body` is written to `params.npz`";
        self.diagnostics
            .push(Diagnostic::error("F0303", message, origin).hint(hint));
    }

    fn dimension(&mut self, name: &str, view: &View<'_>) -> Option<Dimension> {
        let Some(unit) = view.text("unit") else {
            let init = view
                .quantities("init")
                .and_then(|q| q.value.first().copied());
            let of_part = || self.dimension_of_camera_part(name);
            return Some(match init {
                Some(q) if q.dimension != Dimension::NONE => q.dimension,
                _ if TURNS.contains(&name) => Dimension::ANGLE,
                _ => of_part().unwrap_or(Dimension::NONE),
            });
        };
        let fail = |message: String| Diagnostic::error("F0302", message, &unit.origin);
        let diagnostic = match parse_unit(unit.value) {
            Ok((1.0, dimension)) => return Some(dimension),
            Ok((_, dimension)) => fail(format!("`{}.unit` should be the SI unit", view.path()))
                .label(format!("write `{dimension}`")),
            Err(reason) => fail(format!("`{}.unit`: {reason}", view.path())),
        };
        self.diagnostics.push(diagnostic);
        None
    }

    fn scale(&mut self, name: &str, view: &View<'_>, manifold: Manifold) -> f64 {
        let Some(scale) = view.number("scale") else {
            let of_part = self.scale_of_camera_part(name, manifold);
            return of_part.unwrap_or(1.0);
        };
        if scale.value > 0.0 && scale.value.is_finite() {
            return scale.value;
        }
        let message = format!("`{}.scale` should be above zero", view.path());
        self.diagnostics
            .push(Diagnostic::error("F0205", message, &scale.origin));
        1.0
    }

    fn manifold(&mut self, name: &str, view: &View<'_>, dimension: Dimension) -> Option<Manifold> {
        let kind = view.text("kind").map_or("euclidean", |k| k.value);
        if kind == "so3" {
            return Some(Manifold::So3);
        }
        let dims = self.dims(name, view)?;
        if let Some(manifold) = self.latent(name, dims) {
            if view.node("bounds").is_some() {
                let message = "codes of a prior have no bounds: the prior says where they lie";
                let origin = view.origin_of("bounds", &Origin::Default);
                let hint = "bound what the body does by `joint_limits`, or weigh `terms.prior`";
                self.diagnostics
                    .push(Diagnostic::error("F0203", message, &origin).hint(hint));
                return None;
            }
            return Some(manifold);
        }
        let bounds = self.bounds(view, dimension);
        match (kind, bounds) {
            ("positive", _) => Some(Manifold::Positive(dims)),
            ("sphere", _) if dims < 2 => {
                let message = format!(
                    "`{}` is a sphere, so `dim` should be at least 2",
                    view.path()
                );
                let origin = view.origin_of("kind", &Origin::Default);
                self.diagnostics
                    .push(Diagnostic::error("F0303", message, &origin));
                None
            }
            ("sphere", _) => Some(Manifold::Sphere(dims)),
            (_, Some(None)) => None,
            (_, Some(Some((low, high)))) => Some(Manifold::Box { dims, low, high }),
            ("box", None) => Some(Manifold::Box {
                dims,
                low: -1.0,
                high: 1.0,
            }),
            (_, None) => Some(Manifold::Euclidean(dims)),
        }
    }

    /// The prior says where its codes live.
    fn latent(&self, name: &str, dims: usize) -> Option<Manifold> {
        if name != "z" || self.inputs.prior.variable() != name {
            return None;
        }
        Some(match self.inputs.prior.latent() {
            Latent::Normal => Manifold::Euclidean(dims),
            Latent::Sphere => Manifold::Sphere(dims),
            Latent::Cube => Manifold::Box {
                dims,
                low: -1.0,
                high: 1.0,
            },
        })
    }

    /// Lower and upper bound, where there are any; the inner `None` is a mistake, reported.
    fn bounds(&mut self, view: &View<'_>, dimension: Dimension) -> Option<Option<(f64, f64)>> {
        view.node("bounds")?;
        let given = view.quantities("bounds")?;
        let path = format!("{}.bounds", view.path());
        let numbers = self.of_dimension(&path, &given, dimension);
        Some(numbers.and_then(|numbers| match numbers.as_slice() {
            [low, high] if low < high => Some((*low, *high)),
            _ => {
                let message = format!("`{path}` should be two numbers, the lower one first");
                self.diagnostics
                    .push(Diagnostic::error("F0205", message, &given.origin));
                None
            }
        }))
    }

    /// Quantities as numbers in SI units, when they have the variable's dimension.
    fn of_dimension(
        &mut self,
        path: &str,
        given: &Sourced<Vec<Quantity>>,
        dimension: Dimension,
    ) -> Option<Vec<f64>> {
        // A bare number is in the variable's unit, like everywhere in `vars`.
        let fits = |q: &Quantity| q.dimension == dimension || q.dimension == Dimension::NONE;
        if let Some(other) = given.value.iter().find(|q| !fits(q)) {
            let message = format!(
                "`{path}` is in {}, but the variable in {dimension}",
                other.dimension
            );
            self.diagnostics
                .push(Diagnostic::error("F0302", message, &given.origin));
            return None;
        }
        if given.value.iter().any(|q| !q.value.is_finite()) {
            let message = format!("`{path}` is not a finite number");
            self.diagnostics
                .push(Diagnostic::error("F0303", message, &given.origin));
            return None;
        }
        Some(given.value.iter().map(|q| q.value).collect())
    }

    /// Components of one copy; the body and the cameras fix the sizes of their own variables.
    fn dims(&mut self, name: &str, view: &View<'_>) -> Option<usize> {
        let fixed = match (name, &self.inputs.body) {
            ("betas", Some(body)) => Some(body.num_betas()),
            // The body could not be read; that is the mistake, and it was reported.
            ("betas", None) if self.spec.has_body => Some(10),
            ("pose_body", Some(_)) => Some(3 * BODY_JOINTS),
            ("trans", Some(_)) => Some(3),
            (HAND_PCA, Some(_)) => return self.hand_components(view),
            (name, Some(body)) if PARTS.contains(&name) => {
                Some(body.dims_of_part(name).unwrap_or(1))
            }
            ("z", _) if self.inputs.prior.variable() == "z" => Some(self.inputs.prior.latent_dim()),
            _ => self.dims_of_camera_part(name),
        };
        let given = view.integer("dim");
        let init = view.quantities("init").map_or(1, |n| n.value.len());
        match (given, fixed) {
            (Some(dim), Some(needed)) if dim.value != needed as i64 => {
                let message = format!("`vars.{name}.dim` should be {needed}");
                self.diagnostics
                    .push(Diagnostic::error("F0303", message, &dim.origin));
                None
            }
            (Some(dim), _) if !(1..=1_000_000).contains(&dim.value) => {
                let message = format!("`vars.{name}.dim` should be at least 1, at most a million");
                self.diagnostics
                    .push(Diagnostic::error("F0303", message, &dim.origin));
                None
            }
            (_, Some(needed)) => Some(needed),
            (Some(dim), None) => Some(dim.value as usize),
            (None, None) => Some(init),
        }
    }

    /// As many numbers for the left hand as for the right.
    fn hand_components(&mut self, view: &View<'_>) -> Option<usize> {
        let body = self.inputs.body.as_ref()?;
        let usual = body.dims_of_part(HAND_PCA).unwrap_or(2);
        let Some(dim) = view.integer("dim") else {
            return Some(usual);
        };
        if (2..=90).contains(&dim.value) && dim.value % 2 == 0 {
            return Some(dim.value as usize);
        }
        let message = format!(
            "`{}.dim` should be an even number from 2 to 90",
            view.path()
        );
        let diagnostic = Diagnostic::error("F0303", message, &dim.origin);
        self.diagnostics
            .push(diagnostic.hint("half of the components are the left hand's, half the right's"));
        None
    }

    /// The numbers of all copies where a solve starts.
    fn init(
        &mut self,
        name: &str,
        view: &View<'_>,
        manifold: Manifold,
        dimension: Dimension,
        labels: &[String],
    ) -> Option<Vec<f64>> {
        let copies = labels.len().max(1);
        let Some(given) = view.quantities("init") else {
            if view.node("init").is_some() {
                return None;
            }
            let from_file = self.init_of_camera_part(name, manifold.ambient(), labels);
            return Some(
                from_file.unwrap_or_else(|| self.default_init(name, manifold).repeat(copies)),
            );
        };
        let dims = manifold.tangent();
        let path = format!("{}.init", view.path());
        let given_numbers = self.of_dimension(&path, &given, dimension)?;
        let numbers = match given_numbers.as_slice() {
            [one] => vec![*one; dims],
            several if several.len() == dims => several.to_vec(),
            several => {
                let message = format!(
                    "`{path}` has {} numbers, but the variable has {dims}",
                    several.len()
                );
                self.diagnostics
                    .push(Diagnostic::error("F0303", message, &given.origin));
                return None;
            }
        };
        let numbers = match manifold {
            // A start that nobody wrote gives way to bounds that somebody did.
            Manifold::Box { low, high, .. } if given.origin == Origin::Default => {
                numbers.iter().map(|x| x.clamp(low, high)).collect()
            }
            _ => numbers,
        };
        match on_manifold(manifold, numbers) {
            Ok(copy) => Some(copy.repeat(copies)),
            Err(reason) => {
                let message = format!("`{path}` {reason}");
                self.diagnostics
                    .push(Diagnostic::error("F0205", message, &given.origin));
                None
            }
        }
    }

    fn default_init(&self, name: &str, manifold: Manifold) -> Vec<f64> {
        let dims = manifold.ambient();
        match manifold {
            Manifold::So3 => nalgebra::Matrix3::identity().as_slice().to_vec(),
            Manifold::Box { low, high, .. } if self.inputs.prior.variable() == name => {
                let mode = self.inputs.prior.mode(dims).into_iter();
                mode.map(|x| x.clamp(low, high)).collect()
            }
            _ if self.inputs.prior.variable() == name => self.inputs.prior.mode(dims),
            Manifold::Euclidean(_) => vec![0.0; dims],
            Manifold::Box { low, high, .. } => vec![0f64.clamp(low, high); dims],
            Manifold::Positive(_) => vec![1.0; dims],
            Manifold::Sphere(_) => vec![1.0 / (dims as f64).sqrt(); dims],
        }
    }

    pub(super) fn variable_id(&self, name: &str) -> Option<VariableId> {
        let at = self.variables.iter().position(|v| v.name == name)?;
        Some(VariableId(at))
    }
}

/// The stored numbers of a point that is given in the numbers of the border.
pub(super) fn on_manifold(manifold: Manifold, numbers: Vec<f64>) -> Result<Vec<f64>, String> {
    match manifold {
        // A rotation is given as an axis-angle vector.
        Manifold::So3 => {
            let mut rows = vec![0.0; 9];
            let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
            manifold.retract(&identity, &numbers, &mut rows);
            Ok(rows)
        }
        Manifold::Positive(_) if numbers.iter().any(|x| *x <= 0.0) => {
            Err("should be above zero".into())
        }
        Manifold::Box { low, high, .. } if numbers.iter().any(|x| !(low..=high).contains(x)) => {
            Err(format!("should lie between {low} and {high}"))
        }
        Manifold::Sphere(_) => {
            let length = numbers.iter().map(|x| x * x).sum::<f64>().sqrt();
            match length > 0.0 {
                true => Ok(numbers.iter().map(|x| x / length).collect()),
                false => Err("is a direction, so it should not be zero".into()),
            }
        }
        _ => Ok(numbers),
    }
}
