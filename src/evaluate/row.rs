//! One prior's column of the table: all measures in turn.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use super::fitting::{Errors, Problems, Setting};
use super::interpolation::{Interpolations, interpolate};
use super::nearest::{Cloud, Search};
use super::poses::Real;
use super::reconstruction::reconstruct;
use super::{Contestant, Estimate, EvaluateError, EvaluateSettings, MEASURES, Measure};
use super::{decode_time, likelihood};
use crate::body::BodyModel;
use crate::measure::penetration::Capsules;
use crate::measure::plausibility::beyond_limits;
use crate::measure::surface::{Surface, distance};
use crate::prior::{Latent, Prior};

/// What one prior, or the real poses themselves, measured.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub prior: String,
    pub file: Option<PathBuf>,
    estimates: BTreeMap<&'static str, Estimate>,
    /// (steps): the mean movement of each step of an interpolation, mm.
    pub curve: Vec<f64>,
    /// Pairs of poses that recall and precision compare, and those computed in full.
    pub pairs: usize,
    pub exact: usize,
    pub nearest_seconds: f64,
    pub seconds: f64,
}

impl Row {
    pub fn of(&self, key: &str) -> Option<Estimate> {
        self.estimates.get(key).copied()
    }

    pub(super) fn measured(&self) -> impl Iterator<Item = (&'static Measure, Estimate)> {
        MEASURES.iter().filter_map(|m| Some((m, self.of(m.key)?)))
    }

    fn put(&mut self, key: &'static str, estimate: Option<Estimate>) {
        self.estimates.extend(estimate.map(|e| (key, e)));
    }
}

/// The names of a setting's measures, its problems, and what they give without a prior.
type Fits = ([&'static str; 3], Problems, Errors);

/// What all rows share.
struct Bench<'a> {
    search: Search<'a>,
    capsules: Capsules,
    real: Vec<Vec<f64>>,
    /// For each real pose, held out or of the training set, its recording.
    clusters: Vec<usize>,
    seen_clusters: Vec<usize>,
    settings: &'a EvaluateSettings,
    /// What is measured on, posed: the held-out poses, and those of the training set.
    held: Cloud,
    seen: Option<Cloud>,
    body: String,
    fits: Vec<Fits>,
}

/// The settings of fits from 2D with their measures.
const FITS: [(Setting, [&str; 3]); 3] = [
    (Setting::All, ["all_mpjpe", "all_pmpjpe", "all_gain"]),
    (
        Setting::Occluded,
        ["occluded_mpjpe", "occluded_pmpjpe", "occluded_gain"],
    ),
    (Setting::Few, ["few_mpjpe", "few_pmpjpe", "few_gain"]),
];

pub(super) fn rows(
    priors: &[Contestant],
    real: Real,
    seen: Option<Real>,
    body: &BodyModel,
    settings: &EvaluateSettings,
    report: &mut dyn FnMut(&str, usize, usize) -> bool,
) -> Result<Vec<Row>, EvaluateError> {
    let surface = Surface::new(body);
    let search = Search::new(&surface);
    let rotations = |poses: &[Vec<f64>]| Prior::None.rotations(&poses.concat());
    report("none: fits from 2D", 0, priors.len() + 1);
    let (real, clusters) = (real.poses, real.clusters);
    let seen_clusters = seen.as_ref().map_or(Vec::new(), |s| s.clusters.clone());
    let fits = fits(&surface, &real, body, settings)?;
    let bench = Bench {
        body: body.name.clone(),
        fits,
        capsules: Capsules::new(&surface),
        held: search.cloud(rotations(&real)),
        seen: seen.map(|s| search.cloud(rotations(&s.poses))),
        search,
        real,
        clusters,
        seen_clusters,
        settings,
    };
    let steps = priors.len() + 1;
    let mut tell = |name: &str, what: &str, done: usize| {
        let go_on = report(&format!("{name}: {what}"), done, steps);
        go_on.then_some(()).ok_or(EvaluateError::Stopped)
    };
    tell("real", "the held-out poses themselves", 0)?;
    let mut rows = vec![bench.real()];
    for (k, contestant) in priors.iter().enumerate() {
        rows.push(bench.row(contestant, &mut |what| tell(&contestant.name, what, k + 1))?);
    }
    Ok(rows)
}

fn fits(
    surface: &Surface,
    real: &[Vec<f64>],
    body: &BodyModel,
    settings: &EvaluateSettings,
) -> Result<Vec<Fits>, EvaluateError> {
    let poses = &real[..settings.problems.min(real.len())];
    let none = Contestant::parse("none")?;
    let of = |(setting, keys): (Setting, [&'static str; 3])| {
        let problems = Problems::new(surface, poses, setting, settings.seed)?;
        let errors = problems.solve(&none, &body.name, surface)?;
        Ok((keys, problems, errors))
    };
    FITS.into_iter().map(of).collect()
}

impl Bench<'_> {
    /// Half of the held-out poses as if they were samples, against the other half.
    fn real(&self) -> Row {
        let begun = Instant::now();
        let mut row = Row {
            prior: "real".into(),
            ..Row::default()
        };
        let (a, b) = self.real.split_at(self.real.len() / 2);
        let rotations = |poses: &[Vec<f64>]| Prior::None.rotations(&poses.concat());
        if !a.is_empty() {
            let (of_a, of_b) = self.clusters.split_at(a.len());
            let (a, b) = (rotations(a), rotations(b));
            let (a, b) = (self.search.cloud(a), self.search.cloud(b));
            self.nearest("recall", (&b, &a), of_b, &mut row);
            self.nearest("precision", (&a, &b), of_a, &mut row);
            row.nearest_seconds = begun.elapsed().as_secs_f64();
            let pairs = self.settings.pairs.min(self.real.len() / 2);
            let codes = self.real[..2 * pairs].concat();
            let surface = self.search.surface;
            let found = interpolate(surface, &Prior::None, Latent::Normal, &codes);
            self.interpolation(found, &mut row);
        }
        self.plausibility(&self.real.concat(), &self.clusters, &mut row);
        row.seconds = begun.elapsed().as_secs_f64();
        row
    }

    fn row(
        &self,
        contestant: &Contestant,
        tell: &mut dyn FnMut(&str) -> Result<(), EvaluateError>,
    ) -> Result<Row, EvaluateError> {
        let begun = Instant::now();
        let prior = &contestant.prior;
        let mut row = Row {
            prior: contestant.name.clone(),
            file: contestant.file.clone(),
            ..Row::default()
        };
        if let Some(codes) = prior.sample(self.settings.samples, self.settings.seed) {
            tell("recall and precision")?;
            self.coverage(prior, &codes, &mut row);
            tell("interpolation, plausibility")?;
            let pairs = self.settings.pairs.min(self.settings.samples / 2);
            let used = &codes[..2 * pairs * prior.latent_dim()];
            let found = interpolate(self.search.surface, prior, prior.latent(), used);
            self.interpolation(found, &mut row);
            let apart: Vec<usize> = (0..codes.len() / prior.latent_dim()).collect();
            self.plausibility(&prior.pose_body(&codes), &apart, &mut row);
            for (key, batch) in [("decode_1", 1), ("decode_1024", 1024)] {
                let times = decode_time::decode_time(prior, &codes, batch);
                row.put(key, Estimate::median(&times, self.settings.seed));
            }
        }
        tell("fits from 2D")?;
        self.fits(contestant, &mut row)?;
        tell("likelihood, reconstruction")?;
        self.reconstruction(contestant, &mut row)?;
        row.seconds = begun.elapsed().as_secs_f64();
        Ok(row)
    }

    /// The same problems as without a prior, and the paired difference to that.
    fn fits(&self, contestant: &Contestant, row: &mut Row) -> Result<(), EvaluateError> {
        let seed = self.settings.seed;
        for (keys, problems, none) in &self.fits {
            let found = problems.solve(contestant, &self.body, self.search.surface)?;
            let pairs = found.aligned.iter().zip(&none.aligned);
            let gain: Vec<f64> = pairs.map(|(a, b)| a - b).collect();
            for (key, values) in keys.iter().zip([&found.plain, &found.aligned, &gain]) {
                let clusters = &self.clusters[..values.len()];
                row.put(key, Estimate::mean_of_clusters(values, clusters, seed));
            }
        }
        Ok(())
    }

    fn coverage(&self, prior: &Prior, codes: &[f64], row: &mut Row) {
        let begun = Instant::now();
        let made = self.search.cloud(prior.rotations(codes));
        self.nearest("recall", (&self.held, &made), &self.clusters, row);
        let apart: Vec<usize> = (0..codes.len() / prior.latent_dim()).collect();
        self.nearest("precision", (&made, &self.held), &apart, row);
        if let Some(seen) = &self.seen {
            self.nearest("recall_train", (seen, &made), &self.seen_clusters, row);
        }
        row.nearest_seconds = begun.elapsed().as_secs_f64();
    }

    fn nearest(
        &self,
        key: &'static str,
        (from, to): (&Cloud, &Cloud),
        clusters: &[usize],
        row: &mut Row,
    ) {
        let found = self.search.nearest(from, to);
        row.pairs += found.pairs;
        row.exact += found.exact;
        let mm: Vec<f64> = found.distances.iter().map(|d| 1000.0 * d).collect();
        let estimate = Estimate::mean_of_clusters(&mm, clusters, self.settings.seed);
        row.put(key, estimate);
    }

    fn interpolation(&self, found: Interpolations, row: &mut Row) {
        let seed = self.settings.seed;
        row.put("interpolation", Estimate::mean(&found.ratios, seed));
        row.put(
            "interpolation_median",
            Estimate::median(&found.ratios, seed),
        );
        row.curve = found.curve;
    }

    fn plausibility(&self, poses: &[f64], clusters: &[usize], row: &mut Row) {
        let beyond = beyond_limits(poses);
        let percent = |v: Vec<f64>| v.into_iter().map(|x| 100.0 * x).collect::<Vec<f64>>();
        let seed = self.settings.seed;
        let share = Estimate::share_of_clusters(&beyond.poses, clusters, seed);
        row.put("limits_poses", share);
        let mut put = |key, values: &[f64]| {
            row.put(key, Estimate::mean_of_clusters(values, clusters, seed));
        };
        put("limits_joints", &percent(beyond.joints));
        put("limits_excess", &beyond.excess);
        let surface = self.search.surface;
        let deepest = |rotations: &[f64]| {
            let transforms = surface.transforms(rotations);
            let joints: Vec<_> = transforms.iter().map(|t| t.1).collect();
            1000.0 * self.capsules.deepest(&joints)
        };
        let rotations = Prior::None.rotations(poses);
        let depths: Vec<f64> = rotations.chunks_exact(9 * 21).map(deepest).collect();
        put("penetration", &depths);
    }

    fn reconstruction(&self, contestant: &Contestant, row: &mut Row) -> Result<(), EvaluateError> {
        let (seed, prior) = (self.settings.seed, &contestant.prior);
        if let Prior::Mixture(mixture) = prior {
            let values = likelihood::negative_log(mixture, &self.real);
            let mean = |v: Vec<f64>| Estimate::mean_of_clusters(&v, &self.clusters, seed);
            row.put("nll", values.and_then(mean));
        }
        if let Prior::Learned(_) = prior {
            let poses = &self.real[..self.settings.problems.min(self.real.len())];
            let mm = reconstruct(contestant, &self.body, self.search.surface, poses)?;
            let clusters = &self.clusters[..mm.len()];
            let mean = Estimate::mean_of_clusters(&mm, clusters, seed);
            row.put("reconstruction", mean);
            let poses = self.real.concat();
            if let Some(codes) = prior.encode(&poses) {
                let mm = self.apart(&poses, &prior.rotations(&codes));
                let mean = Estimate::mean_of_clusters(&mm, &self.clusters, seed);
                row.put("encode_decode", mean);
            }
        }
        Ok(())
    }

    /// Mean vertex distances of poses and rotations, mm.
    fn apart(&self, poses: &[f64], rotations: &[f64]) -> Vec<f64> {
        let surface = self.search.surface;
        let real = surface.poses(&Prior::None.rotations(poses));
        let pairs = real.iter().zip(surface.poses(rotations));
        pairs.map(|(a, b)| 1000.0 * distance(a, &b)).collect()
    }
}
