//! How long a method takes until its data cost as little as where the worst method ends: what all methods
//! lower is followed through their recorded iterations, element by element.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use serde_json::Value;

use super::CompareRun;

/// What `convergence.csv` calls the element of a joint stage.
const JOINT: &str = "all";
/// As good is within this share.
const SLACK: f64 = 0.05;

/// (methods) of the elements that all of them recorded: the seconds until an element was as good as it is
/// at the end of the method that ends worst; none where it never was.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    pub axis: String,
    pub seconds: Vec<Vec<Option<f64>>>,
}

/// What an element cost when: seconds from the start of the solve.
type Course = Vec<(f64, f64)>;
/// By data, seed and element.
type Courses = BTreeMap<(String, Option<i64>, String), Course>;

/// None where a method has no run, or its runs recorded nothing, or they lower nothing alike.
pub(super) fn pace(runs: &[CompareRun], methods: &[String]) -> Option<Pace> {
    let traces: Option<Vec<Trace>> = runs.iter().map(Trace::of).collect();
    let traces = traces.filter(|_| methods.len() > 1)?;
    let terms = alike(runs, &traces);
    if terms.is_empty() {
        return None;
    }
    let mut courses: Vec<Courses> = vec![Courses::new(); methods.len()];
    for (run, trace) in runs.iter().zip(&traces) {
        let of = methods.iter().position(|m| *m == run.method)?;
        for (element, course) in trace.courses(&terms) {
            courses[of].insert((run.data.clone(), run.seed, element), course);
        }
    }
    let (first, others) = courses.split_first()?;
    let shared = first
        .keys()
        .filter(|k| others.iter().all(|c| c.contains_key(*k)));
    let mut seconds = vec![Vec::new(); methods.len()];
    for key in shared {
        let ends = courses.iter().filter_map(|c| Some(c[key].last()?.1));
        let worst = ends.fold(f64::MIN, f64::max);
        let good = worst + SLACK * worst.abs();
        for (seconds, courses) in seconds.iter_mut().zip(&courses) {
            seconds.push(since(&courses[key], good));
        }
    }
    let axis = traces.first()?.axis.clone();
    (!seconds[0].is_empty()).then_some(Pace { axis, seconds })
}

/// When a course comes to `good` to stay, which where it ends is never undone.
fn since(course: &Course, good: f64) -> Option<f64> {
    let above = course.iter().rposition(|(_, cost)| *cost > good);
    course.get(above.map_or(0, |k| k + 1)).map(|(at, _)| *at)
}

/// The terms that the last stages of all runs have and all specs say alike, with the same prior behind them.
fn alike(runs: &[CompareRun], traces: &[Trace]) -> BTreeSet<String> {
    let (Some(run), Some(trace)) = (runs.first(), traces.first()) else {
        return BTreeSet::new();
    };
    let alike = |path: &dyn Fn(&Value) -> Value| {
        let first = path(&run.record["spec"]);
        runs.iter().all(|run| path(&run.record["spec"]) == first)
    };
    // Energies of different priors have different scales.
    let one_prior = alike(&|spec| spec["prior"].clone());
    let same = |name: &&String| {
        let of_prior = run.record["spec"]["terms"][*name]["kind"] == "prior";
        traces.iter().all(|trace| trace.last.contains(*name))
            && alike(&|spec| spec["terms"][*name].clone())
            && (one_prior || !of_prior)
    };
    trace.last.iter().filter(same).cloned().collect()
}

/// `convergence.csv` of a run.
struct Trace {
    axis: String,
    /// Element, seconds from the start of the solve, and what each term costs.
    rows: Vec<(String, f64, HashMap<String, f64>)>,
    /// The terms of the last row.
    last: BTreeSet<String>,
}

impl Trace {
    fn of(run: &CompareRun) -> Option<Self> {
        let path = run.dir.as_ref().ok()?.join("convergence.csv");
        let stages = run.record["stages"].as_array()?;
        let mut before = 0.0;
        let mut begins = HashMap::new();
        for stage in stages {
            begins.insert(stage["name"].as_str()?, before);
            before += stage["seconds"].as_f64()?;
        }
        Self::read(&path, &begins)
    }

    fn read(path: &Path, begins: &HashMap<&str, f64>) -> Option<Self> {
        let mut reader = csv::Reader::from_path(path).ok()?;
        let head = reader.headers().ok()?.clone();
        let column = |name: &str| head.iter().position(|h| h == name);
        let (stage, seconds) = (column("stage")?, column("seconds")?);
        let named = head.iter().enumerate();
        let terms: Vec<(usize, &str)> = named
            .filter_map(|(k, h)| Some((k, h.strip_prefix("term:")?)))
            .collect();
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.ok()?;
            let begin = begins.get(record.get(stage)?)?;
            let at = begin + record.get(seconds)?.parse::<f64>().ok()?;
            let costs = terms.iter().filter_map(|(k, name)| {
                let cost = record.get(*k)?.parse::<f64>().ok()?;
                Some((name.to_string(), cost))
            });
            // A joint stage is of all elements together, and no element of its own.
            if record.get(0)? != JOINT {
                rows.push((record.get(0)?.to_string(), at, costs.collect()));
            }
        }
        let (_, _, last): &(_, _, HashMap<String, f64>) = rows.last()?;
        Some(Self {
            axis: head.get(0)?.to_string(),
            last: last.keys().cloned().collect(),
            rows,
        })
    }

    /// What `terms` cost of each element; stages that lack one of them do not count.
    fn courses(&self, terms: &BTreeSet<String>) -> HashMap<String, Course> {
        let mut courses: HashMap<String, Course> = HashMap::new();
        for (element, at, costs) in &self.rows {
            let sum: Option<f64> = terms.iter().map(|t| costs.get(t)).sum();
            let course = courses.entry(element.clone()).or_default();
            course.extend(sum.map(|cost| (*at, cost)));
        }
        courses.retain(|_, course| !course.is_empty());
        courses
    }
}

impl Pace {
    /// The seconds until all elements of a method were as good, if they ever were.
    pub fn last(&self, method: usize) -> Option<f64> {
        let all: Option<Vec<f64>> = self.seconds[method].iter().copied().collect();
        all.map(|all| all.into_iter().fold(0.0, f64::max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_is_good_from_where_it_stays_so() {
        let course = vec![(0.1, 9.0), (0.2, 1.0), (0.3, 4.0), (0.4, 1.5), (0.5, 1.2)];
        assert_eq!(since(&course, 2.0), Some(0.4));
        assert_eq!(since(&course, 10.0), Some(0.1));
        assert_eq!(since(&course, 1.0), None);
    }
}
