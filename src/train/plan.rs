//! A training's spec after its numbers were checked: what is trained, on what, and for how long.

use std::path::PathBuf;

use super::gmm::MixtureSettings;
use super::kind::Kind;
use super::settings::{CodesSettings, GanSettings, VposerSettings};
use crate::diagnostic::{Diagnostic, Diagnostics, Origin};
use crate::prior::Latent;
use crate::spec::{Spec, Table, Value, View};

/// What a training's spec asks for.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub kind: Kind,
    pub body: String,
    pub body_origin: Origin,
    pub course: CourseSettings,
    pub seed: u64,
    pub dir: PathBuf,
    pub acknowledgement: Option<String>,
    /// Whether a mixture sees all poses in a mirror too.
    pub mirror: bool,
}

/// How the steps of a network follow each other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CourseSettings {
    pub seed: u64,
    pub epochs: usize,
    pub batch: usize,
    /// Whether half of the poses are seen in a mirror.
    pub mirror: bool,
    pub schedule: Schedule,
    /// Epochs without gain before the training stops.
    pub patience: usize,
    /// Seconds.
    pub max_time: f64,
    /// Seconds.
    pub checkpoint_every: f64,
}

/// How the learning rates fall.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Schedule {
    Constant,
    /// ½ (1 + cos π s/S) at step s of S.
    Cosine,
    Plateau {
        after: usize,
        by: f64,
    },
}

/// Checks the numbers; what is missing or out of range goes to `diagnostics`.
pub(crate) fn plan(spec: &Spec, diagnostics: &mut Diagnostics) -> Option<Plan> {
    let root = spec.root();
    let mut reader = Reader { root, diagnostics };
    let kind = reader.kind();
    let network = !matches!(kind, Some(Kind::Mixture(_)) | None);
    let seed = reader.whole("train", "seed", 0) as u64;
    let mirror = reader.switch("data", "mirror");
    let course = if network {
        reader.course(seed)
    } else {
        CourseSettings::default()
    };
    let text = |section: &str, key: &str| {
        let table = root.table(section)?;
        Some(table.text(key)?.to_string())
    };
    let dir = text("output", "dir").unwrap_or_else(|| "runs/train/{name}".into());
    let body_origin = root.table("body").and_then(|t| t.get("model"));
    Some(Plan {
        kind: kind?,
        body: text("body", "model").unwrap_or_else(|| "builtin".into()),
        body_origin: body_origin.map_or(Origin::Default, |n| n.origin.clone()),
        course,
        seed,
        dir: dir.replace("{name}", &spec.name).into(),
        mirror,
        acknowledgement: text("output", "acknowledgement"),
    })
}

/// Reads numbers and complains where they are out of range.
struct Reader<'a, 'd> {
    root: View<'a>,
    diagnostics: &'d mut Diagnostics,
}

impl Reader<'_, '_> {
    fn kind(&mut self) -> Option<Kind> {
        let Some(prior) = self.root.node("prior") else {
            let origin = Origin::At {
                source: 0,
                span: 0..0,
            };
            let message = "the spec does not say what is trained";
            self.diagnostics.push(
                Diagnostic::error("F0202", message, &origin).hint(
                    "write `prior = \"vposer\"`, or \"vposer-gmm\", \"gan-s\", \"gan-u\", \"gan-n\", \"gmm\"",
                ),
            );
            return None;
        };
        let Some(kind) = self.root.table("prior").and_then(|t| t.text("kind")) else {
            if self.diagnostics.list.is_empty() {
                let message = "`prior` has no `kind`";
                self.diagnostics
                    .push(Diagnostic::error("F0202", message, &prior.key));
            }
            return None;
        };
        Some(match kind {
            "vposer" => Kind::Vposer(self.vposer()),
            "vposer-gmm" => Kind::VposerGmm(self.vposer(), self.codes()),
            "gan-s" => Kind::Gan(self.gan(Latent::Sphere)),
            "gan-u" => Kind::Gan(self.gan(Latent::Cube)),
            "gan-n" => Kind::Gan(self.gan(Latent::Normal)),
            _ => Kind::Mixture(self.mixture()),
        })
    }

    fn vposer(&mut self) -> VposerSettings {
        VposerSettings {
            latent_dim: self.whole("prior", "latent_dim", 1),
            hidden: self.whole("prior", "hidden", 2),
            learning_rate: self.positive("train", "learning_rate"),
            weight_decay: self.weight("train", "weight_decay"),
            dropout: self.share("prior", "dropout"),
            kl: self.weight("loss", "kl"),
            vertices: self.weight("loss", "vertices"),
            geodesic: self.weight("loss", "geodesic"),
            joints: self.weight("loss", "joints"),
            extra_epochs: self.whole("loss", "extra_epochs", 0),
        }
    }

    fn codes(&mut self) -> CodesSettings {
        let prior = self.table("prior");
        let network = prior.and_then(|t| {
            let origin = t.get("network")?.origin.clone();
            Some((PathBuf::from(t.text("network")?), origin))
        });
        CodesSettings {
            network,
            mixture: MixtureSettings {
                components: self.whole("codes", "components", 1),
                floor: self.weight("codes", "floor"),
                restarts: 1,
                max_iter: self.whole("codes", "max_iter", 0),
                tolerance: self.weight("codes", "tolerance"),
                seed: self.whole("train", "seed", 0) as u64,
            },
        }
    }

    fn gan(&mut self, latent: Latent) -> GanSettings {
        GanSettings {
            latent,
            latent_dim: self.whole("prior", "latent_dim", 1),
            hidden: self.whole("prior", "hidden", 2),
            generator_rate: self.positive("train", "generator_rate"),
            discriminator_rate: self.positive("train", "discriminator_rate"),
            betas: self.betas(),
            discriminator_steps: self.whole("train", "discriminator_steps", 1),
            average: self.share("train", "average"),
            reconstruction: self.weight("train", "reconstruction"),
        }
    }

    fn mixture(&mut self) -> MixtureSettings {
        let floor = self.quantity("prior", "floor").unwrap_or(0.0);
        self.demand("prior", "floor", floor >= 0.0, "not be negative");
        MixtureSettings {
            components: self.whole("prior", "components", 1),
            floor,
            restarts: self.whole("train", "restarts", 1),
            max_iter: self.whole("train", "max_iter", 0),
            tolerance: self.weight("train", "tolerance"),
            seed: self.whole("train", "seed", 0) as u64,
        }
    }

    fn course(&mut self, seed: u64) -> CourseSettings {
        let schedule = self.table("train").and_then(|t| t.text("schedule"));
        let schedule = match schedule {
            Some("cosine") => Schedule::Cosine,
            Some("constant") => Schedule::Constant,
            _ => Schedule::Plateau {
                after: self.whole("train", "reduce_after", 1),
                by: self.share("train", "reduce_by"),
            },
        };
        let max_time = self.quantity("train", "max_time").unwrap_or(f64::INFINITY);
        self.demand("train", "max_time", max_time > 0.0, "be above zero");
        let every = self.quantity("train", "checkpoint_every").unwrap_or(180.0);
        CourseSettings {
            seed,
            epochs: self.whole("train", "epochs", 1),
            batch: self.whole("train", "batch", 2),
            mirror: self.switch("data", "mirror"),
            schedule,
            patience: self.whole("train", "patience", 1),
            max_time,
            checkpoint_every: every,
        }
    }

    fn betas(&mut self) -> [f64; 2] {
        let betas = self.view("train").and_then(|t| t.numbers("betas"));
        let betas = betas.map(|b| b.value).unwrap_or_default();
        let inside = betas.iter().all(|b| (0.0..1.0).contains(b));
        let good = betas.len() == 2 && inside;
        self.demand("train", "betas", good, "be two numbers in 0–1, below 1");
        match betas[..] {
            [a, b] => [a, b],
            _ => [0.0; 2],
        }
    }

    fn whole(&mut self, section: &str, key: &str, least: i64) -> usize {
        let found = self.view(section).and_then(|t| t.integer(key));
        let value = found.map_or(least, |f| f.value);
        let most = 1 << 40;
        let in_range = (least..=most).contains(&value);
        self.demand(section, key, in_range, &format!("be at least {least}"));
        value.clamp(least, most) as usize
    }

    fn switch(&self, section: &str, key: &str) -> bool {
        let node = self.table(section).and_then(|t| t.get(key));
        matches!(node.map(|n| &n.value), Some(Value::Bool(true)))
    }

    fn positive(&mut self, section: &str, key: &str) -> f64 {
        self.within(section, key, |x| x > 0.0 && x.is_finite(), "be above zero")
    }

    fn weight(&mut self, section: &str, key: &str) -> f64 {
        self.within(
            section,
            key,
            |x| x >= 0.0 && x.is_finite(),
            "not be negative",
        )
    }

    fn share(&mut self, section: &str, key: &str) -> f64 {
        self.within(
            section,
            key,
            |x| (0.0..1.0).contains(&x),
            "be in 0–1, below 1",
        )
    }

    fn within(&mut self, section: &str, key: &str, good: fn(f64) -> bool, must: &str) -> f64 {
        let found = self.view(section).and_then(|t| t.number(key));
        let value = found.map(|f| f.value);
        self.demand(section, key, value.is_none_or(good), must);
        value.unwrap_or(0.0)
    }

    fn quantity(&self, section: &str, key: &str) -> Option<f64> {
        let found = self.view(section)?.quantities(key)?;
        Some(found.value.first()?.value)
    }

    fn demand(&mut self, section: &str, key: &str, good: bool, must: &str) {
        let node = self.table(section).and_then(|t| t.get(key));
        if let (false, Some(node)) = (good, node) {
            let written = node.value.to_toml();
            let message = format!("`{section}.{key}` is {written}, but must {must}");
            self.diagnostics
                .push(Diagnostic::error("F0205", message, &node.origin));
        }
    }

    fn view(&self, section: &str) -> Option<View<'_>> {
        Some(View::new(self.table(section)?, ""))
    }

    fn table(&self, section: &str) -> Option<&Table> {
        self.root.table(section)
    }
}

impl Default for CourseSettings {
    fn default() -> Self {
        Self {
            seed: 0,
            epochs: 100,
            batch: 512,
            mirror: true,
            schedule: Schedule::Plateau { after: 5, by: 0.5 },
            patience: 10,
            max_time: f64::INFINITY,
            checkpoint_every: 180.0,
        }
    }
}
