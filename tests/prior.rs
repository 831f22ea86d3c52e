//! Learned priors against numbers that NumPy made of the same weights, and fits that use them.

mod common;

use std::path::{Path, PathBuf};

use common::{check, fit};
use fitrun::Prior;
use serde_json::Value;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/prior")
        .join(name)
}

fn expected() -> Value {
    let text = std::fs::read_to_string(sample("numbers.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(flat).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

fn worst(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, f64::max)
}

#[test]
fn decoders_and_encoders_give_the_reference_numbers() {
    let expected = expected();
    let (z, pose) = (flat(&expected["z"]), flat(&expected["pose"]));
    for (file, kind) in [
        ("vposer_v1", "vposer"),
        ("vposer_v2", "vposer"),
        ("gan", "gan-s"),
    ] {
        let prior = Prior::from_file(kind, &sample(&format!("{file}.safetensors"))).unwrap();
        let known = &expected[file];
        let off = worst(&prior.rotations(&z), &flat(&known["rotations"]));
        assert!(off < 1e-9, "{file} decodes {off} off");
        match prior.encode(&pose) {
            Some(codes) => {
                let off = worst(&codes, &flat(&known["encoded"]));
                assert!(off < 1e-9, "{file} encodes {off} off");
            }
            None => assert_eq!(kind, "gan-s"),
        }
    }
}

#[test]
fn a_file_of_another_prior_is_refused_with_what_it_is() {
    let refused = |kind: &str, file: &str| {
        let error = Prior::from_file(kind, &sample(file)).unwrap_err();
        error.message
    };
    assert_eq!(
        refused("vposer", "gan.safetensors"),
        "there is a decoder, but no encoder, so this is no VPoser; a GAN's generator is \
         `kind = \"gan-s\"`, `\"gan-u\"` or `\"gan-n\"`"
    );
    assert_eq!(
        refused("vposer-gmm", "vposer_v2.safetensors"),
        "there is no mixture over its codes (`codes.weights`, `codes.means`, `codes.covariances`), \
         so this is a plain `vposer`; `fitrun train` with \
         `prior = { kind = \"vposer-gmm\", network = \"FILE\" }` adds one"
    );
    assert_eq!(
        refused("gan-u", "vposer_v2.safetensors"),
        "there is an encoder, so this is a VPoser, not `gan-u`"
    );
    let mixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/priors/gmm.safetensors");
    assert_eq!(
        Prior::from_file("vposer", &mixture).unwrap_err().message,
        "neither VPoser v2 (`decoder_net.0.weight`) nor v1 or a GAN (`bodyprior_dec_fc1.weight`): \
         it holds `covariances`, `means`, `weights`"
    );
}

/// Joints of poses that the prior itself makes, fitted with that prior.
fn spec(kind: &str, file: &str, more: &str) -> String {
    let walk = common::example("walk.npz");
    format!(
        "fitrun = 1\nprior = {{ kind = \"{kind}\", file = \"{}\" }}\n{more}\n\
         [data.targets]\nfile = \"{}\"\narray = \"joints\"\naxes = [\"frame\", \"joint\", \"xyz\"]\n\
         unit = \"m\"\nframes = \"0..9\"\n\
         [terms.data]\nsource = \"joints\"\ntarget = \"targets\"\nsigma = \"1 cm\"\n",
        sample(file).display(),
        walk.display(),
    )
}

#[test]
fn every_kind_of_code_stays_on_its_manifold_and_lowers_the_cost() {
    for (kind, file) in [
        ("vposer", "vposer_v2.safetensors"),
        ("gan-s", "gan.safetensors"),
        ("gan-u", "gan.safetensors"),
        ("gan-n", "gan.safetensors"),
    ] {
        let checked = check(&spec(kind, file, ""), &[]);
        let found = fit(&checked);
        assert_eq!(found.status.len(), 9, "{kind}");
        for f in 0..9 {
            let z = found.variable(&checked.problem, "z", f).unwrap();
            let length = z.iter().map(|x| x * x).sum::<f64>().sqrt();
            assert!(length.is_finite());
            match kind {
                "gan-s" => assert!((length - 1.0).abs() < 1e-9, "{length}"),
                "gan-u" => assert!(z.iter().all(|x| x.abs() <= 1.0), "{z:?}"),
                _ => {}
            }
        }
    }
}

#[test]
fn gradients_through_a_decoder_meet_central_differences() {
    let more = "[terms.limits]\nkind = \"joint_limits\"\n[terms.bending]\nkind = \"bending\"\n\
                [terms.code]\nkind = \"l2\"\nof = \"pose\"";
    for (kind, file, terms) in [
        ("vposer", "vposer_v1.safetensors", 6),
        ("vposer", "vposer_v2.safetensors", 6),
        ("gan-s", "gan.safetensors", 5),
        ("gan-u", "gan.safetensors", 5),
    ] {
        let checked = check(&spec(kind, file, more), &[]);
        let rows = fitrun::gradcheck(&checked.problem);
        assert_eq!(rows.len(), terms, "{kind}");
        for row in rows {
            assert!(
                row.largest > 0.0,
                "{kind} {}: the gradient is zero",
                row.term
            );
            assert!(row.error <= 1e-6, "{kind} {row:?}");
        }
    }
}

#[test]
fn a_code_has_no_pose_body_among_its_variables() {
    let text = spec(
        "vposer",
        "vposer_v2.safetensors",
        "[vars.pose_body]\ndim = 63\n",
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spec.toml");
    std::fs::write(&path, text).unwrap();
    let error = fitrun::check(&path, &Default::default()).unwrap_err();
    let said = "`pose_body` is what the prior's decoder makes of `z`, so it is no variable";
    assert!(error.to_string().contains(said), "{error}");
}
