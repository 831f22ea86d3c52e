//! Comparisons: every case once, held-out data, what is refused, and the page.

use std::fs;
use std::path::{Path, PathBuf};

use fitrun::{
    CompareOptions, CompareProgress, Comparison, Error, FailIf, NpzWriter, RunOptions, check,
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
    let other = table.whole[1].as_ref().unwrap().mean.value;
    assert!(other < 0.8 * said, "{other} of {said}");
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
    let slip = "[compare]\nmeasure = \"held_out_mpjp\"\nvary = { prior = [\"none\", \"gmm\"] }\n";
    let slip = mistakes(&folder.spec(slip), &options);
    assert!(slip.contains("did you mean `held_out_mpjpe`?"), "{slip}");
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

#[test]
fn files_of_one_name_are_two_data_sets_and_noise_on_one_file_is_one_recording() {
    let folder = Folder::new();
    for name in ["a", "b"] {
        fs::create_dir(folder.path(name)).unwrap();
        fs::copy(WALK, folder.path(name).join("walk.npz")).unwrap();
    }
    let files = "[compare.vary]\nprior = [\"none\", \"gmm\"]\n\
                 data.targets.file = [\"a/walk.npz\", \"b/walk.npz\"]\n";
    let found = compared(&folder.spec(files), &folder.options("files"));
    let table = &found.measures[found.primary.unwrap()];
    assert_eq!(table.data, ["a/walk.npz", "b/walk.npz"]);
    assert_eq!(table.elements.len(), 24);
    // The same bytes are the same frames.
    assert_eq!(table.whole[0].as_ref().unwrap().mean.n, 12);

    let noise =
        "[compare.vary]\nprior = [\"none\"]\ndata.targets.noise = [\"0 cm\", \"1 cm\", \"2 cm\"]\n";
    let found = compared(&folder.spec(noise), &folder.options("noise"));
    let table = &found.measures[found.primary.unwrap()];
    let of = |part: usize| table.parts[part][0].as_ref().unwrap().mean.value;
    assert!(of(0) < of(1) && of(1) < of(2));
    assert_eq!(table.whole[0].as_ref().unwrap().mean.n, 12);

    let twice = "[compare]\nvary = { prior = [\"none\", \"none\"] }\n";
    let said = mistakes(&folder.spec(twice), &folder.options("twice"));
    assert!(said.contains("`none` twice"), "{said}");
    let variants = "[compare.variants]\na = { \"data.targets.frames\" = \"0..6\" }\nb = {}\n";
    let said = mistakes(&folder.spec(variants), &folder.options("variants"));
    assert!(
        said.contains("variants are methods on the same data"),
        "{said}"
    );
}

#[test]
fn a_weight_is_chosen_on_one_half_and_judged_on_the_other() {
    let folder = Folder::new();
    let tuned = "[compare]\nvary = { prior = [\"gmm\"] }\ntune = { terms.prior.weight = [1e-4, 1.0] }\n\
                 hold_out = { targets = { labels = [\"left_elbow\", \"left_wrist\"] } }\n";
    let spec = folder.spec(tuned);
    let text = fs::read_to_string(&spec).unwrap().replace("0..12", "0..24");
    fs::write(&spec, text).unwrap();
    let found = compared(&spec, &folder.options("out"));
    let table = &found.measures[found.primary.unwrap()];
    let judged: Vec<&str> = table.elements.iter().map(|e| e.name.as_str()).collect();
    let later: Vec<String> = (12..24).map(|f| f.to_string()).collect();
    assert_eq!(judged, later);
    let said = |w: &String| w.contains("gmm: weight 1.0 was chosen on 12 frames");
    assert!(found.warnings.iter().any(said), "{:?}", found.warnings);

    let fitted =
        "[compare]\nvary = { prior = [\"gmm\"] }\ntune = { terms.prior.weight = [0.1, 1.0] }\n";
    let said = mistakes(&folder.spec(fitted), &folder.options("fitted"));
    assert!(said.contains("follow the noise"), "{said}");
}

#[test]
fn damaged_runs_are_fitted_again_and_other_folders_stay() {
    let folder = Folder::new();
    let (spec, options) = (folder.spec(PRIORS), folder.options("out"));
    let first = compared(&spec, &options);
    let numbers = fs::read(folder.path("out/compare.csv")).unwrap();
    let dirs: Vec<PathBuf> = first.runs.iter().map(|r| r.dir.clone().unwrap()).collect();
    fs::write(dirs[0].join("run.json"), "{").unwrap();
    fs::write(dirs[1].join("resume.npz"), "no npz").unwrap();
    let second = compared(&spec, &options);
    assert!(second.runs.iter().all(|r| r.dir.is_ok() && !r.kept));
    assert!(fs::read(folder.path("out/compare.csv")).unwrap() == numbers);

    let mine = folder.path("out/runs/mine");
    fs::create_dir(&mine).unwrap();
    let fresh = CompareOptions {
        fresh: true,
        ..options
    };
    assert!(compared(&spec, &fresh).runs.iter().all(|r| !r.kept));
    assert!(mine.is_dir());
    // A folder with runs of somebody's is no comparison.
    fs::create_dir_all(folder.path("project/runs/walk")).unwrap();
    let other = CompareOptions {
        out: Some(folder.path("project")),
        fresh: true,
        ..folder.options("")
    };
    assert!(mistakes(&spec, &other).contains("something other than a comparison"));
    assert!(folder.path("project/runs/walk").is_dir());
}

#[test]
fn each_method_chooses_for_itself_in_any_order_of_what_is_varied() {
    let folder = Folder::new();
    let tuned = "[compare.vary]\ndata.targets.noise = [\"0 mm\", \"5 mm\"]\nprior = [\"none\", \"gmm\"]\n\
                 [compare.tune]\nterms.data.sigma = [\"1 m\", \"1 cm\"]\n\
                 [compare.hold_out.targets]\nlabels = [\"left_elbow\", \"left_wrist\"]\n";
    let spec = folder.spec(tuned);
    let text = fs::read_to_string(&spec).unwrap().replace("0..12", "0..24");
    fs::write(&spec, text).unwrap();
    let found = compared(&spec, &folder.options("out"));
    // With a metre the prior alone speaks; of each method two runs are left, one for each data.
    let said = |w: &String| w.contains("gmm: sigma 1 cm was chosen");
    assert!(found.warnings.iter().any(said), "{:?}", found.warnings);
    assert_eq!(found.runs.len(), 4);
    let gmm: Vec<&str> = found
        .runs
        .iter()
        .filter(|r| r.method == "gmm")
        .map(|r| r.tuned.as_str())
        .collect();
    assert_eq!(gmm, ["sigma 1 cm", "sigma 1 cm"]);
}

#[test]
fn nothing_starts_at_what_is_held_out_and_what_cannot_be_judged_is_said() {
    let folder = Folder::new();
    let frames =
        "[compare]\nvary = { prior = [\"gmm\"] }\nhold_out = { targets = { frames = 3 } }\n";
    let found = compared(&folder.spec(frames), &folder.options("frames"));
    let said = |w: &String| w.contains("what is held out could not be judged");
    assert!(found.warnings.iter().any(said), "{:?}", found.warnings);

    let bundle = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/specs/fit/bundle.toml"
    ));
    let options = RunOptions {
        sets: vec!["data.points.hold_out={ rows = 2 }".into()],
        ..RunOptions::default()
    };
    let said = check(bundle, &options).unwrap_err().to_string();
    assert!(
        said.contains("`points` is held out, so nothing can start at it"),
        "{said}"
    );
}
