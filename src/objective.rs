//! The batched objective: many independent problems of one layout, evaluated in one call.

use crate::manifold::{Manifold, Turn};
use crate::memory::Memory;
use crate::normal::{Normal, Work, dispatch};
use crate::precondition::Preconditioner;

/// What a number near zero may change by, in its scale.
const SMALL: f64 = 1e-3;
/// The share of a step by which it is longer than the bounds allow, beyond rounding.
const CUT: f64 = 1e-9;

/// Copies of a manifold that lie side by side in a problem's parameter vector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Block {
    pub manifold: Manifold,
    pub copies: usize,
    /// Typical size of a change; the solver's unit in these coordinates.
    pub scale: f64,
}

impl Block {
    /// Copies that are visited as one.
    fn copies_at_once(&self) -> usize {
        if self.manifold.is_separable() {
            self.copies
        } else {
            1
        }
    }
}

/// How the parameter vector of one problem is made up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    pub blocks: Vec<Block>,
    /// Places in a tangent vector along which nothing moves.
    pub held: Vec<usize>,
}

impl Layout {
    /// One copy on each manifold, in units of 1.
    pub fn of(manifolds: &[Manifold]) -> Self {
        let block = |manifold: &Manifold| Block {
            manifold: *manifold,
            copies: 1,
            scale: 1.0,
        };
        Self {
            blocks: manifolds.iter().map(block).collect(),
            held: Vec::new(),
        }
    }

    /// Numbers stored for one problem.
    pub fn ambient(&self) -> usize {
        let dims = |b: &Block| b.copies * b.manifold.ambient();
        self.blocks.iter().map(dims).sum()
    }

    /// Coordinates of a tangent vector of one problem.
    pub fn tangent(&self) -> usize {
        let dims = |b: &Block| b.copies * b.manifold.tangent();
        self.blocks.iter().map(dims).sum()
    }

    /// Unknowns of one problem.
    pub fn degrees_of_freedom(&self) -> usize {
        let dims = |b: &Block| b.copies * b.manifold.degrees_of_freedom();
        self.blocks.iter().map(dims).sum()
    }

    /// out = x moved by `factor` times the whitened tangent vector.
    pub fn retract(&self, x: &[f64], direction: &[f64], factor: f64, out: &mut [f64]) {
        let mut step = Vec::with_capacity(3);
        self.for_each_copy(|block, ambient, tangent| {
            step.clear();
            let whitened = &direction[tangent];
            step.extend(whitened.iter().map(|d| d * factor * block.scale));
            block
                .manifold
                .retract(&x[ambient.clone()], &step, &mut out[ambient]);
        });
    }

    /// The gradient in whitened tangent coordinates.
    pub fn pull_back(&self, x: &[f64], ambient_gradient: &[f64], out: &mut [f64]) {
        self.for_each_copy(|block, ambient, tangent| {
            let out = &mut out[tangent];
            let from = &ambient_gradient[ambient.clone()];
            block.manifold.pull_back(&x[ambient], from, out);
            out.iter_mut().for_each(|g| *g *= block.scale);
        });
    }

    /// Carries a tangent vector along the step from one point to another.
    pub fn transport(&self, from: &[f64], to: &[f64], vector: &mut [f64]) {
        self.for_each_copy(|block, ambient, tangent| {
            let (from, to) = (&from[ambient.clone()], &to[ambient]);
            block.manifold.transport(from, to, &mut vector[tangent]);
        });
    }

    /// Carries many.
    pub(crate) fn transport_all(&self, from: &[f64], to: &[f64], vectors: &mut [&mut [f64]]) {
        self.for_each_copy(|block, ambient, tangent| {
            if let Some(turn) = block.manifold.turn(&from[ambient.clone()], &to[ambient]) {
                dispatch(CarryAll {
                    turn,
                    tangent,
                    vectors,
                });
            }
        });
    }

    /// What is tangent of a whitened vector: a sum of transported vectors may have drifted off.
    pub fn tangent_part(&self, x: &[f64], mut vector: Vec<f64>) -> Vec<f64> {
        self.for_each_copy(|block, ambient, tangent| {
            if let Manifold::Sphere(_) = block.manifold {
                let drifted = vector[tangent.clone()].to_vec();
                let part = &mut vector[tangent];
                block.manifold.pull_back(&x[ambient], &drifted, part);
            }
        });
        vector
    }

    /// Which coordinates are held, or stand at a bound that steps of these signs would cross.
    pub fn blocked(&self, x: &[f64], change: impl Fn(usize) -> f64) -> Vec<usize> {
        let mut blocked = self.held.clone();
        self.for_each_copy(|block, ambient, tangent| {
            if matches!(block.manifold, Manifold::Box { .. }) {
                let pairs = ambient.zip(tangent);
                let held = pairs.filter(|&(a, t)| block.manifold.blocks(x[a], change(t)));
                blocked.extend(held.map(|(_, t)| t));
            }
        });
        blocked
    }

    /// Corrects a whitened step between two points where bounds cut it short.
    pub fn cut_short(&self, from: &[f64], to: &[f64], step: &mut [f64]) -> bool {
        let mut cut = false;
        self.for_each_copy(|block, ambient, tangent| {
            if let Manifold::Box { low, high, .. } = block.manifold {
                for (a, t) in ambient.zip(tangent) {
                    let left = (to[a] - from[a]) / block.scale;
                    let at_bound = to[a] == low || to[a] == high;
                    cut |= at_bound && (left - step[t]).abs() > CUT * step[t].abs();
                    step[t] = left;
                }
            }
        });
        cut
    }

    /// For each whitened tangent coordinate how large a change of it may be, as far as x shows: the size
    /// that its variable has.
    pub(crate) fn sizes(&self, x: &[f64]) -> Vec<f64> {
        let mut sizes = Vec::with_capacity(x.len());
        self.for_each_copy(|block, ambient, _| {
            let scale = block.scale;
            match block.manifold {
                Manifold::Euclidean(_) | Manifold::Box { .. } => {
                    let count = ambient.len();
                    let most = x[ambient]
                        .iter()
                        .fold(0.0, |most: f64, x| most.max(x.abs()));
                    sizes.extend(vec![(most + SMALL * scale) / scale; count]);
                }
                other => sizes.extend(vec![1.0 / scale; other.tangent() * block.copies_at_once()]),
            }
        });
        sizes
    }

    /// For each copy on a sphere where it begins in a tangent vector, and the point itself: along it
    /// nothing moves.
    pub(crate) fn normals(&self, x: &[f64]) -> Vec<(usize, Vec<f64>)> {
        let mut normals = Vec::new();
        self.for_each_copy(|block, ambient, tangent| {
            if let Manifold::Sphere(_) = block.manifold {
                normals.push((tangent.start, x[ambient].to_vec()));
            }
        });
        normals
    }

    fn for_each_copy(
        &self,
        mut visit: impl FnMut(&Block, std::ops::Range<usize>, std::ops::Range<usize>),
    ) {
        let (mut ambient, mut tangent) = (0, 0);
        for block in &self.blocks {
            let m = block.manifold;
            let (copies, a, t) = match m.is_separable() {
                true => (1, m.ambient() * block.copies, m.tangent() * block.copies),
                false => (block.copies, m.ambient(), m.tangent()),
            };
            for _ in 0..copies {
                visit(block, ambient..ambient + a, tangent..tangent + t);
                ambient += a;
                tangent += t;
            }
        }
    }
}

struct CarryAll<'a, 'v> {
    turn: Turn<'a>,
    tangent: std::ops::Range<usize>,
    vectors: &'a mut [&'v mut [f64]],
}

impl Work for CarryAll<'_, '_> {
    type Out = ();

    #[inline(always)]
    fn run<const WIDTH: u8>(self) {
        for vector in self.vectors {
            self.turn.carry(&mut vector[self.tangent.clone()]);
        }
    }
}

/// What a method wants to know of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    Cost,
    /// The cost and its gradient.
    Gradient,
    /// The cost and the normal equations of its residuals.
    Normal,
    /// As `Normal`, but a residual that is one of several, such as that of a mixture's nearest
    /// component, is the one that promises the lowest cost after a step.
    Promising,
}

/// What one evaluation says about the active problems, in their order.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    /// (active): the cost E of each.
    pub costs: Vec<f64>,
    /// (active, terms): its parts.
    pub terms: Vec<f64>,
    /// (active, ambient): the gradient with respect to the stored numbers.
    pub gradient: Vec<f64>,
    /// The normal equations, in whitened tangent coordinates.
    pub normal: Normal,
    /// (active): how much the first steps are to be damped, in units of the diagonal of JᵀJ; told, not
    /// asked, and only of use for normal equations in lanes.
    pub damping: Vec<f64>,
    /// (active): what the operations kept of each problem when its normal equations were last formed;
    /// handed back, the next ones cost less. May be empty.
    pub memory: Vec<Memory>,
    /// (active): what the residuals of the normal equations cost more than `costs` says, where
    /// [`Want::Promising`] chose others than the smallest; empty where it chose none.
    pub excess: Vec<f64>,
}

/// The central type and the extension point of the library: implement it for an objective of your
/// own, and every method solves it.
///
/// Problems are independent: what `evaluate` says of one depends on its own numbers alone. A single
/// objective is a batch of one.
///
/// ```
/// use fitrun::{Evaluation, Layout, Manifold, Objective, SolveSettings, Want, minimize};
///
/// struct Rosenbrock;
///
/// impl Objective for Rosenbrock {
///     fn problems(&self) -> usize { 1 }
///     fn layout(&self) -> Layout { Layout::of(&[Manifold::Euclidean(2)]) }
///     fn term_names(&self) -> Vec<String> { vec!["valley".into()] }
///     fn evaluate(&self, x: &[f64], _active: &[usize], _want: Want, out: &mut Evaluation) {
///         let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
///         out.costs = vec![a * a + 100.0 * b * b];
///         out.terms = out.costs.clone();
///         out.gradient = vec![-2.0 * a - 400.0 * x[0] * b, 200.0 * b];
///     }
/// }
///
/// let settings = SolveSettings { tolerance_grad: 1e-9, tolerance_cost: 0.0, ..Default::default() };
/// let solution = minimize(&Rosenbrock, vec![-1.2, 1.0], &settings);
/// assert!((solution.x[0] - 1.0).abs() < 1e-6 && (solution.x[1] - 1.0).abs() < 1e-6);
/// ```
pub trait Objective {
    /// How many independent problems there are.
    fn problems(&self) -> usize;

    fn layout(&self) -> Layout;

    /// Names of the parts that [`Evaluation::terms`] holds.
    fn term_names(&self) -> Vec<String>;

    /// An approximate inverse Hessian of every problem, up to a factor, in whitened tangent
    /// coordinates, where the objective knows one.
    fn preconditioner(&self) -> Option<Preconditioner> {
        None
    }

    /// Whether any residual is one of several, so that it is of use to ask for [`Want::Promising`].
    fn has_alternatives(&self) -> bool {
        false
    }

    /// Whether it answers [`Want::Normal`], so that Levenberg and Marquardt's method can solve it.
    fn has_residuals(&self) -> bool {
        false
    }

    /// Evaluates the problems listed in `active`; `x` is (active, ambient), row by row. It may say
    /// more than it is asked for.
    ///
    /// A cost that is not finite is an answer too: the method steps back.
    fn evaluate(&self, x: &[f64], active: &[usize], want: Want, out: &mut Evaluation);
}
