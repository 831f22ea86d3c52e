//! How long a method takes until its data cost as little as where the worst method ends: what all methods
//! lower is followed through the recorded iterations of the last stage, element by element.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use csv::StringRecord;
use serde_json::Value;

use super::CompareRun;

/// As good is within this share.
const SLACK: f64 = 0.05;

/// (methods) of the elements that all of them recorded: the seconds until an element was as good as it is
/// at the end of the method that ends worst; none where it never was.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    pub axis: String,
    pub seconds: Vec<Vec<Option<f64>>>,
}

/// Data, seed and element.
type Key = (String, Option<i64>, String);

/// None where a method has no run, or its runs recorded nothing, or they lower nothing alike.
pub(super) fn pace(runs: &[CompareRun], methods: &[String]) -> Option<Pace> {
    let traces: Option<Vec<Trace>> = runs.iter().map(Trace::of).collect();
    let traces = traces.filter(|_| methods.len() > 1)?;
    let terms = alike(runs, &traces);
    if terms.is_empty() {
        return None;
    }
    // Files are read twice rather than kept: those of many starts have a million rows.
    let mut ends: Vec<BTreeMap<Key, f64>> = vec![BTreeMap::new(); methods.len()];
    for (run, trace) in runs.iter().zip(&traces) {
        let of = methods.iter().position(|m| *m == run.method)?;
        for (element, cost) in trace.ends(&terms)? {
            ends[of].insert((run.data.clone(), run.seed, element), cost);
        }
    }
    let good = good(&ends);
    let mut first: Vec<HashMap<&Key, f64>> = vec![HashMap::new(); methods.len()];
    for (run, trace) in runs.iter().zip(&traces) {
        let of = methods.iter().position(|m| *m == run.method)?;
        trace.each(&terms, |element, at, cost| {
            let key = (run.data.clone(), run.seed, element.to_string());
            let reached = good.get_key_value(&key).filter(|(_, good)| cost <= **good);
            if let Some((key, _)) = reached {
                let first = first[of].entry(key).or_insert(at);
                *first = first.min(at);
            }
        })?;
    }
    let of_method =
        |found: &HashMap<&Key, f64>| good.keys().map(|k| found.get(k).copied()).collect();
    (!good.is_empty()).then(|| Pace {
        axis: traces[0].axis.clone(),
        seconds: first.iter().map(of_method).collect(),
    })
}

/// What an element may cost to be as good as with the method that ends worst, of those that all have.
fn good(ends: &[BTreeMap<Key, f64>]) -> BTreeMap<Key, f64> {
    let worst = |key: &Key| {
        let all: Option<Vec<f64>> = ends.iter().map(|e| e.get(key).copied()).collect();
        all.map(|all| all.into_iter().fold(f64::MIN, f64::max))
    };
    let keys = ends.first().into_iter().flat_map(BTreeMap::keys);
    let known = keys.filter_map(|key| Some((key.clone(), worst(key)?)));
    known
        .map(|(key, worst)| (key, worst + SLACK * worst.abs()))
        .collect()
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
        traces.iter().all(|trace| trace.terms.contains_key(*name))
            && alike(&|spec| spec["terms"][*name].clone())
            && (one_prior || !of_prior)
    };
    trace.terms.keys().filter(same).cloned().collect()
}

/// The last stage in `convergence.csv` of a run: stages before may weigh terms in another way.
struct Trace {
    path: PathBuf,
    axis: String,
    stage: (usize, String),
    /// The column of the seconds of the stage, and when it begins.
    seconds: (usize, f64),
    /// The columns of its terms.
    terms: HashMap<String, usize>,
}

impl Trace {
    fn of(run: &CompareRun) -> Option<Self> {
        let path = run.dir.as_ref().ok()?.join("convergence.csv");
        let (last, before) = run.record["stages"].as_array()?.split_last()?;
        let begin = before.iter().map(|s| s["seconds"].as_f64());
        let mut reader = csv::Reader::from_path(&path).ok()?;
        let head = reader.headers().ok()?.clone();
        let column = |name: &str| head.iter().position(|h| h == name);
        let stage = (column("stage")?, last["name"].as_str()?.to_string());
        let of_stage = |r: &StringRecord| r.get(stage.0) == Some(&stage.1);
        let row = reader.records().filter_map(Result::ok).find(of_stage)?;
        let named = head.iter().enumerate();
        let terms = named.filter_map(|(k, h)| Some((h.strip_prefix("term:")?.to_string(), k)));
        Some(Self {
            axis: head.get(0)?.to_string(),
            seconds: (column("seconds")?, begin.sum::<Option<f64>>()?),
            terms: terms.filter(|(_, k)| row.get(*k) != Some("")).collect(),
            stage,
            path,
        })
    }

    /// Hands each row's element, its seconds since the solve began, and what `terms` cost, to `visit`.
    fn each(&self, terms: &BTreeSet<String>, mut visit: impl FnMut(&str, f64, f64)) -> Option<()> {
        let number = |row: &StringRecord, k: usize| row.get(k)?.parse::<f64>().ok();
        for row in csv::Reader::from_path(&self.path).ok()?.records() {
            let row = row.ok()?;
            if row.get(self.stage.0)? == self.stage.1 {
                let costs = terms.iter().map(|t| number(&row, self.terms[t]));
                let at = self.seconds.1 + number(&row, self.seconds.0)?;
                visit(row.get(0)?, at, costs.sum::<Option<f64>>()?);
            }
        }
        Some(())
    }

    /// What `terms` cost least of each element, of all its starts.
    fn ends(&self, terms: &BTreeSet<String>) -> Option<HashMap<String, f64>> {
        let mut ends: HashMap<String, f64> = HashMap::new();
        self.each(terms, |element, _, cost| match ends.get_mut(element) {
            Some(end) => *end = end.min(cost),
            None => _ = ends.insert(element.into(), cost),
        })?;
        Some(ends)
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
    use serde_json::json;

    use super::*;

    const HEAD: &str =
        "frame,stage,iteration,evaluations,seconds,cost,term:prior,term:data,gradient,step\n";

    /// A run of two stages, the first of half a second, with the rows of its second.
    fn run(folder: &std::path::Path, method: &str, prior: &str, rows: &str) -> CompareRun {
        let dir = folder.join(method);
        std::fs::create_dir(&dir).unwrap();
        let place = "0,place,0,1,0.1,9,,1,0,0\n";
        std::fs::write(dir.join("convergence.csv"), format!("{HEAD}{place}{rows}")).unwrap();
        let terms = json!({ "prior": { "kind": "prior" }, "data": { "kind": "points" } });
        CompareRun {
            method: method.into(),
            data: String::new(),
            seed: None,
            tuned: String::new(),
            dir: Ok(dir),
            kept: false,
            record: json!({
                "spec": { "prior": { "kind": prior }, "terms": terms },
                "stages": [{ "name": "place", "seconds": 0.5 }, { "name": "pose", "seconds": 1.0 }],
            }),
            measures: Vec::new(),
        }
    }

    #[test]
    fn a_method_is_as_good_where_its_best_start_is_and_priors_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        // The second start of frame 0 ends at 9; frame 1 is better with b from the first row on.
        let a = "0,pose,0,1,0.1,0,70,8,0,0\n0,pose,1,2,0.2,0,70,4,0,0\n0,pose,0,1,0.3,0,70,9,0,0\n\
                 1,pose,0,1,0.4,0,70,6,0,0\n";
        let b = "0,pose,0,1,0.1,0,1,5,0,0\n0,pose,1,2,0.3,0,1,4.1,0,0\n1,pose,0,1,0.7,0,1,3,0,0\n";
        let runs = [
            run(folder.path(), "a", "gmm", a),
            run(folder.path(), "b", "vposer", b),
        ];
        let found = pace(&runs, &["a".into(), "b".into()]).unwrap();
        let near = |x: &Option<f64>, y: f64| (x.unwrap() - y).abs() < 1e-9;
        assert!(near(&found.seconds[0][0], 0.7) && near(&found.seconds[0][1], 0.9));
        assert!(near(&found.seconds[1][0], 0.8) && near(&found.seconds[1][1], 1.2));
        assert_eq!(found.last(1).map(|s| (s * 10.0).round()), Some(12.0));
        let one = [
            run(folder.path(), "c", "gmm", a),
            run(folder.path(), "d", "gmm", b),
        ];
        let found = pace(&one, &["c".into(), "d".into()]).unwrap();
        // With one prior its energy counts: c ends at 74, which d is below from its first row on.
        assert!(near(&found.seconds[1][0], 0.6) && near(&found.seconds[0][0], 0.7));
    }
}
