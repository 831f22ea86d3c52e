//! Comparisons: every case once, held-out data, what is refused, and the page.

use std::fs;
use std::path::{Path, PathBuf};

use fitrun::{
    CompareOptions, CompareProgress, Comparison, Error, FailIf, NpzWriter, RunOptions, Verdict,
    compare, compare_runs, labels, read_array, report_run, run,
};
use tempfile::TempDir;

const WALK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/specs/fit/walk.npz");

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A fit of joints with `[compare]`, or whatever follows.
    fn spec(&self, more: &str) -> PathBuf {
        let text = format!(
            "fitrun = 1\n[data.targets]\nfile = '{WALK}'\narray = \"joints\"\n\
             axes = [\"frame\", \"joint\", \"xyz\"]\nnames = \"joint_names\"\nframes = \"0..12\"\n\
             [terms.data]\nsource = \"joints\"\ntarget = \"targets\"\nsigma = \"1 cm\"\n{more}"
        );
        let path = self.path("walk.toml");
        fs::write(&path, text).unwrap();
        path
    }

    fn options(&self, out: &str) -> CompareOptions {
        CompareOptions {
            out: Some(self.path(out)),
            ..CompareOptions::default()
        }
    }
}

fn compared(spec: &Path, options: &CompareOptions) -> Comparison {
    match compare(spec, options, &mut |_| true) {
        Ok(found) => found,
        Err(error) => panic!("{error}"),
    }
}

fn mistakes(spec: &Path, options: &CompareOptions) -> String {
    compare(spec, options, &mut |_| true)
        .unwrap_err()
        .to_string()
}

const PRIORS: &str = "[compare]\nvary = { prior = [\"none\", \"gmm\"] }\n\
                      hold_out = { targets = { labels = [\"left_wrist\", \"head\"] } }\n";

#[test]
fn a_second_call_fits_nothing_and_writes_the_same_bytes() {
    let folder = Folder::new();
    let (spec, options) = (folder.spec(PRIORS), folder.options("out"));
    let first = compared(&spec, &options);
    assert!(first.runs.iter().all(|r| !r.kept && r.dir.is_ok()));
    let page = fs::read(folder.path("out/report.html")).unwrap();
    let second = compared(&spec, &options);
    assert!(second.runs.iter().all(|r| r.kept));
    assert!(fs::read(folder.path("out/report.html")).unwrap() == page);
    // One more case is the only one that is fitted.
    let more = PRIORS.replace("\"gmm\"]", "\"gmm\", { kind = \"vposer\" }]");
    let third = compared(&folder.spec(&more), &options);
    let kept: Vec<bool> = third.runs.iter().map(|r| r.kept).collect();
    assert_eq!(kept, [true, true, false]);
}

#[test]
fn held_out_points_are_judged_and_not_fitted() {
    let folder = Folder::new();
    let found = compared(&folder.spec(PRIORS), &folder.options("out"));
    let table = &found.measures[found.primary.unwrap()];
    assert_eq!(table.name, "held_out_mpjpe");
    let dir = found.runs[0].dir.as_ref().unwrap();
    let mut reader = csv::Reader::from_path(dir.join("points.csv")).unwrap();
    let (mut held, mut fitted) = (Vec::new(), Vec::new());
    for row in reader.records().map(Result::unwrap) {
        if row[12].is_empty() {
            continue;
        }
        let error = 1000.0 * row[12].parse::<f64>().unwrap();
        let is_held = ["left_wrist", "head"].contains(&&row[3]);
        assert_eq!(&row[13], if is_held { "1" } else { "0" }, "{row:?}");
        match is_held {
            true => held.push(error),
            false => fitted.push(error),
        }
    }
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let said = table.whole[0].as_ref().unwrap().mean.value;
    assert!((said - mean(&held)).abs() < 1e-3, "{said} {}", mean(&held));
    assert!(mean(&fitted) < 0.2 * mean(&held));
    // The other prior sees the same points, and knows better where a wrist is.
    assert_eq!(
        found.findings[0].outcome,
        Verdict::Better,
        "{:?}",
        found.findings
    );
}

#[test]
fn an_interrupted_comparison_goes_on_to_the_same_numbers() {
    let folder = Folder::new();
    let spec = folder.spec(PRIORS);
    let whole = compared(&spec, &folder.options("whole"));
    let mut cases = 0;
    let stopped = compare(&spec, &folder.options("parts"), &mut |event| {
        if let CompareProgress::Case(..) = event {
            cases += 1;
        }
        cases < 2
    });
    assert!(matches!(stopped, Err(Error::Interrupted { .. })));
    let parts = compared(&spec, &folder.options("parts"));
    assert_eq!(parts.runs.iter().filter(|r| r.kept).count(), 1);
    let numbers = |c: &Comparison| fs::read(c.dir.join("compare.csv")).unwrap();
    assert!(numbers(&whole) == numbers(&parts));
}

#[test]
fn all_mistakes_of_a_comparison_are_said_before_anything_is_fitted() {
    let folder = Folder::new();
    let options = folder.options("out");
    let wrong = "[compare]\nbaseline = \"gm\"\nmeasure = \"mpjpe\"\n\
                 [compare.vary]\nterms.dat.sigma = [\"1 cm\"]\nprior = [\"none\", \"gmm\"]\nsolve.method = \"lm\"\n";
    let said = mistakes(&folder.spec(wrong), &options);
    assert!(
        said.contains("the spec has no `terms.dat`") && said.contains("did you mean `data`?"),
        "{said}"
    );
    assert!(
        said.contains("`compare.vary.solve.method` should be a list"),
        "{said}"
    );
    assert!(said.contains("there is no case `gm`"), "{said}");
    let none = mistakes(&folder.spec("[compare]\nmeasure = \"mpjpe\"\n"), &options);
    assert!(none.contains("varies nothing"), "{none}");
    let typed = "[compare]\nvary = { terms.data.sigma = [\"1 cm\", \"1 px\"] }\n";
    assert!(mistakes(&folder.spec(typed), &options).contains("px"));
    let empty =
        "[compare]\nvary = { prior = [\"none\"] }\nhold_out = { targets = { labels = 30 } }\n";
    assert!(mistakes(&folder.spec(empty), &options).contains("holds out nothing"));
    let all = "[compare]\nvary = { prior = [\"none\"] }\nhold_out = { targets = { all = true } }\n";
    assert!(mistakes(&folder.spec(all), &options).contains("no frame has anything observed"));
    assert!(!folder.path("out/runs").exists());
}

#[test]
fn finished_runs_are_compared_and_runs_of_other_data_are_refused() {
    let folder = Folder::new();
    let fitted = |name: &str, sets: &[&str]| {
        let options = RunOptions {
            sets: sets.iter().map(|s| s.to_string()).collect(),
            out: Some(folder.path(name)),
            ..RunOptions::default()
        };
        run(&folder.spec(""), &options, &mut |_| true).unwrap().dir
    };
    let plain = ["output.plots=[]"];
    let a = fitted("a", &[plain[0], "prior=none"]);
    let b = fitted("b", &plain);
    let found = compare_runs(&[a.clone(), b.clone()], &folder.options("out")).unwrap();
    assert_eq!(found.methods, ["a", "b"]);
    assert!(
        found
            .measures
            .iter()
            .any(|m| m.name == "mpjpe" && m.elements.len() == 12)
    );
    // Costs of other energies say nothing of each other.
    assert!(found.measures.iter().all(|m| m.name != "cost"));

    let page = fs::read_to_string(report_run(&b).unwrap()).unwrap();
    assert!(page.contains("<title>b: report</title>"));

    let c = fitted("c", &[plain[0], "data.targets.frames=0..6"]);
    let fewer = compare_runs(&[a.clone(), c], &folder.options("fewer")).unwrap();
    let lacks = |w: &String| w.contains("lacks 6 frames");
    assert!(fewer.warnings.iter().any(lacks), "{:?}", fewer.warnings);

    let joints = read_array(WALK, "joints").unwrap();
    let mut writer = NpzWriter::create(folder.path("other.npz"));
    let moved: Vec<f64> = joints.iter().map(|x| x + 1e-3).collect();
    writer.floats64("joints", joints.shape(), &moved).unwrap();
    let names = labels("SMPL_22").unwrap();
    writer
        .strings("joint_names", &[names.len()], &names)
        .unwrap();
    writer.finish().unwrap();
    let file = format!("data.targets.file='{}'", folder.path("other.npz").display());
    let d = fitted("d", &[plain[0], &file]);
    let said = compare_runs(&[a.clone(), d], &folder.options("other")).unwrap_err();
    assert!(said.to_string().contains("are of different data"), "{said}");

    fs::write(
        b.join("measures.csv"),
        "measure,unit,axis,element,sequence,value\nmpjpe,mm,frame,0,,x\n",
    )
    .unwrap();
    fs::remove_file(a.join("measures.csv")).unwrap();
    let said = compare_runs(&[a, b], &folder.options("bad"))
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("run its spec again") && said.contains("damaged: row 2"),
        "{said}"
    );
}

#[test]
fn a_comparison_over_tables_speaks_of_no_body() {
    let spec = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/specs/compare/robustifiers.toml"
    ));
    let folder = Folder::new();
    let found = compared(spec, &folder.options("out"));
    assert_eq!(
        found.measures[found.primary.unwrap()].name,
        "held_out_residual"
    );
    let page = fs::read_to_string(folder.path("out/report.html")).unwrap();
    let words = page.split("</style>").nth(1).unwrap();
    let words = words.split("<script>").next().unwrap();
    // What is read, not the markup.
    let shown = words.split('<').filter_map(|part| part.split_once('>'));
    let shown: String = shown.map(|(_, text)| text.to_lowercase()).collect();
    for word in ["body", "pose", "frame", "prior", "mpjpe"] {
        assert!(!shown.contains(word), "the page says `{word}`");
    }
}

#[test]
fn the_page_asks_for_nothing_from_elsewhere() {
    let folder = Folder::new();
    compared(&folder.spec(PRIORS), &folder.options("out"));
    let page = fs::read_to_string(folder.path("out/report.html")).unwrap();
    for outside in ["src=\"", "url(", "@import", "href=\"http"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.len() < 2_000_000, "{}", page.len());
}

#[test]
fn conditions_fail_a_comparison_by_means_and_findings() {
    let folder = Folder::new();
    let found = compared(&folder.spec(PRIORS), &folder.options("out"));
    let holds = |text: &str| FailIf::parse(text).unwrap().holds(&found);
    assert!(holds("held_out_mpjpe > 0.001").unwrap().is_some());
    assert!(holds("gmm: held_out_mpjpe > 10000").unwrap().is_none());
    assert!(holds("worse").unwrap().is_none());
    assert!(
        holds("gm: held_out_mpjpe > 1")
            .unwrap_err()
            .contains("did you mean `gmm`?")
    );
    assert!(
        holds("mpjp > 1")
            .unwrap_err()
            .contains("did you mean `mpjpe`?")
    );
}
