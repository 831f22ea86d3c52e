//! Others' weights and body models: every number of the samples in `tests/import` is read, and nothing is executed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fitrun::{BodyModel, ConvertOptions, FileError, Mixture, Prior, convert, inspect, read_array};
use safetensors::{Dtype, SafeTensors};

type Arrays = BTreeMap<String, (Vec<usize>, Vec<f64>)>;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/import")
        .join(name)
}

fn expected(name: &str) -> Arrays {
    let text = std::fs::read_to_string(sample("expected.json")).unwrap();
    let mut all: BTreeMap<String, BTreeMap<String, (Vec<usize>, String)>> =
        serde_json::from_str(&text).unwrap();
    let arrays = all
        .remove(name)
        .unwrap_or_else(|| panic!("nothing is expected of {name}"));
    let numbers = |text: String| {
        text.split_whitespace()
            .map(|x| x.parse().unwrap())
            .collect()
    };
    arrays
        .into_iter()
        .map(|(name, (shape, text))| (name, (shape, numbers(text))))
        .collect()
}

/// What a file of weights becomes.
fn converted(path: &Path) -> Result<Arrays, FileError> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.safetensors");
    convert(path, &out, &ConvertOptions::default())?;
    let bytes = std::fs::read(out).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let array = |(name, view): (&str, safetensors::tensor::TensorView<'_>)| {
        let numbers = match view.dtype() {
            Dtype::F32 => view
                .data()
                .chunks(4)
                .map(|b| f32::from_le_bytes(b.try_into().unwrap()).into())
                .collect(),
            Dtype::F64 => view
                .data()
                .chunks(8)
                .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
                .collect(),
            other => panic!("{other:?}"),
        };
        (name.to_string(), (view.shape().to_vec(), numbers))
    };
    Ok(file.iter().map(array).collect())
}

fn message(path: &Path) -> String {
    let error = inspect(path).unwrap_err();
    assert_eq!(
        converted(path).map_err(|e| e.message),
        Err(error.message.clone())
    );
    error.message
}

#[test]
fn tensors_of_every_kind_and_format_are_read_exactly() {
    let files = ["odd.pt", "odd_legacy.pt", "odd_v3.pt"];
    for file in files {
        assert_eq!(converted(&sample(file)).unwrap(), expected(file), "{file}");
    }
    assert_eq!(expected("odd_v3.pt")["uint16"].1, [0.0, 65535.0]);
    assert_eq!(expected("odd.pt")["long"].1, [-1.0, 2f64.powi(40)]);
}

#[test]
fn an_archive_of_another_name_and_byte_order_gives_the_same_numbers() {
    let found = converted(&sample("big_endian.pt")).unwrap();
    for (name, array) in expected("big_endian.pt") {
        assert_eq!(found[&name], array, "{name}");
    }
}

#[test]
fn vposer_of_both_versions_keeps_its_own_tensors_under_their_published_names() {
    let v2 = "v2/snapshots/V02_05_epoch=13_val_loss=0.03.ckpt";
    let own = |(name, array): (String, _)| {
        Some((
            name.strip_prefix("state_dict.vp_model.")?.to_string(),
            array,
        ))
    };
    let wanted: Arrays = expected(v2).into_iter().filter_map(own).collect();
    assert!(
        wanted.contains_key("decoder_net.0.weight")
            && wanted.contains_key("encoder_net.1.running_var")
    );
    assert_eq!(converted(&sample(v2)).unwrap(), wanted);
    assert_eq!(
        converted(&sample("v2")).unwrap(),
        wanted,
        "of the folder the last snapshot is taken"
    );
    for v1 in ["v1_zip.pt", "v1_legacy.pt", "v1_protocol1.pt"] {
        assert_eq!(converted(&sample(v1)).unwrap(), expected(v1), "{v1}");
    }
    assert_eq!(converted(&sample("gan.pth")).unwrap(), expected("gan.pth"));
}

#[test]
fn numpy_arrays_are_read_in_all_protocols_dtypes_and_orders() {
    for protocol in 0..6 {
        let file = format!("arrays{protocol}.pkl");
        assert_eq!(
            converted(&sample(&file)).unwrap(),
            expected(&file),
            "{file}"
        );
    }
}

fn mixture(path: &Path) -> Mixture {
    match Prior::from_file("gmm", path).unwrap() {
        Prior::Mixture(mixture) => mixture.as_ref().clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn mixtures_of_python_2_and_of_scikit_learn_are_the_same_mixture() {
    let arrays = expected("gmm_python2.pkl");
    let data = |name: &str| arrays[name].1.as_slice();
    let wanted = Mixture::new(data("weights"), data("means"), data("covariances"), 4).unwrap();
    for file in ["gmm_python2.pkl", "gmm_sklearn.pkl", "gmm_modern.pkl"] {
        assert_eq!(converted(&sample(file)).unwrap(), arrays, "{file}");
        assert_eq!(mixture(&sample(file)), wanted, "{file}");
    }
}

#[test]
fn a_pickled_body_is_the_body_of_the_npz_that_it_is_converted_to() {
    let wanted = expected("body");
    let folder = tempfile::tempdir().unwrap();
    for (file, arrays) in [("body_python2.pkl", 7), ("body_python3.pkl", 6)] {
        let out = folder.path().join(file).with_extension("npz");
        assert_eq!(
            convert(sample(file), &out, &ConvertOptions::default())
                .unwrap()
                .arrays,
            arrays
        );
        for (name, (shape, values)) in &wanted {
            let found = read_array(&out, name).unwrap();
            assert_eq!(
                (found.shape(), found.iter().copied().collect()),
                (shape.as_slice(), values.clone()),
                "{file}: {name}"
            );
        }
        let pickled = BodyModel::from_file(&sample(file), None).unwrap();
        let npz = BodyModel::from_file(&out, None).unwrap();
        assert_eq!(
            (pickled.template, pickled.posedirs),
            (npz.template, npz.posedirs)
        );
        assert_eq!((pickled.joints, pickled.weights), (npz.joints, npz.weights));
    }
    let posedirs = read_array(folder.path().join("body_python2.npz"), "posedirs").unwrap();
    let set: Vec<_> = posedirs
        .indexed_iter()
        .filter(|(_, x)| **x != 0.0)
        .collect();
    assert_eq!(set.len(), 2);
    assert_eq!((posedirs[[1, 2, 3]], posedirs[[4, 0, 206]]), (0.5, -0.25));
}

#[test]
fn hostile_pickles_are_refused_by_name_and_nothing_runs() {
    let text = "the pickle asks for `os.system`; only arrays, tensors, sparse matrices and chumpy wrappers are read, and nothing is executed";
    for file in ["hostile.pkl", "hostile.pt"] {
        assert_eq!(message(&sample(file)), text, "{file}");
        let hint = inspect(sample(file)).unwrap_err().hint.unwrap();
        assert!(hint.contains("state_dict()"), "{hint}");
    }
    assert!(!Path::new("fitrun_was_here").exists());
}

#[test]
fn files_of_another_kind_say_what_was_expected_and_what_was_found() {
    assert_eq!(
        message(&sample("other.zip.pt")),
        "a zip archive, but not PyTorch's: expected `data.pkl` in it, found `notes/readme.txt`"
    );
    assert_eq!(
        message(&sample("doubling.pkl")),
        "the file's values refer to each other far more often than its size allows"
    );
    assert_eq!(
        message(&sample("loop.pkl")),
        "`again.again.again.again.again.again.again.again.again.again.` is nested more than 32 deep"
    );
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        message(&path)
    };
    let zip = std::fs::read(sample("odd.pt")).unwrap();
    assert_eq!(
        write("cut.pt", &zip[..zip.len() / 2]),
        "the zip archive is truncated"
    );
    let legacy = std::fs::read(sample("odd_legacy.pt")).unwrap();
    let cut = write("cut_legacy.pt", &legacy[..legacy.len() - 1]);
    assert!(
        cut.starts_with("the file is cut short in its storage `"),
        "{cut}"
    );
    assert_eq!(write("empty.pt", b""), "the file is empty");
    assert_eq!(
        write("page.pkl", b"<html>please log in</html>"),
        "expected safetensors, a checkpoint of PyTorch or a pickle, found other content"
    );
    assert_eq!(
        write("list.pkl", b"\x80\x02]q\x00."),
        "a pickle of another thing: expected arrays, a mixture or a body model, found a list"
    );
    assert_eq!(
        write("words.pkl", b"\x80\x02}q\x00U\x04nameU\x05helloso0000."),
        "the pickle is damaged at byte 19"
    );
}

#[test]
fn a_file_that_exists_is_only_replaced_by_force() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("v1.safetensors");
    std::fs::write(&out, "mine").unwrap();
    let error = convert(sample("v1_zip.pt"), &out, &ConvertOptions::default()).unwrap_err();
    assert_eq!(
        (error.message.as_str(), error.hint.as_deref()),
        ("the file exists", Some("`--force` replaces it"))
    );
    assert_eq!(std::fs::read(&out).unwrap(), b"mine");
    let done = convert(sample("v1_zip.pt"), &out, &ConvertOptions { force: true }).unwrap();
    assert_eq!(done.kind, "VPoser v1");
    let error = convert(
        sample("v1_zip.pt"),
        folder.path().join("v1.npz"),
        &ConvertOptions::default(),
    );
    assert_eq!(
        error.unwrap_err().message,
        "its name should end in `.safetensors`"
    );
}

#[test]
fn inspect_says_what_each_file_is_and_how_a_spec_names_it() {
    let found = |name: &str| {
        let found = inspect(sample(name)).unwrap();
        let path = sample("").display().to_string();
        (found.kind, found.snippet.replace(&path, ""))
    };
    let prior = |file: &str, kind: &str| format!("[prior]\nfile = \"{file}\"\nkind = \"{kind}\"\n");
    assert_eq!(
        found("v2"),
        ("VPoser v2 (folder)".into(), prior("v2", "vposer"))
    );
    assert_eq!(
        found("v1_legacy.pt"),
        (
            "VPoser v1 (PyTorch)".into(),
            prior("v1_legacy.pt", "vposer")
        )
    );
    let gan = found("gan.pth");
    assert_eq!(gan.0, "GAN pose prior (PyTorch)");
    assert!(gan.1.ends_with("kind = \"gan-s\"  # or gan-u, gan-n: the file does not say which codes it was trained with\n"), "{}", gan.1);
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/priors/gan-u.safetensors");
    let own = inspect(own).unwrap();
    assert_eq!(own.kind, "GAN pose prior (safetensors)");
    assert!(
        own.snippet.ends_with("kind = \"gan-u\"\n"),
        "{}",
        own.snippet
    );
    assert!(own.contents.contains("bodyprior_dec_fc1.weight"));
    assert_eq!(
        found("gmm_python2.pkl"),
        (
            "mixture of Gaussians over poses (pickle)".into(),
            prior("gmm_python2.pkl", "gmm")
        )
    );
    assert_eq!(
        found("body_python2.pkl"),
        (
            "body model in SMPL's format (pkl)".into(),
            "[body]\nmodel = \"body_python2.pkl\"\n".into()
        )
    );
    assert_eq!(
        found("odd.pt"),
        (
            "weights of no network that fitrun knows (PyTorch)".into(),
            String::new()
        )
    );
    let v2 = inspect(sample("v2")).unwrap();
    assert_eq!(
        v2.facts[0],
        (
            "snapshot".into(),
            "snapshots/V02_05_epoch=13_val_loss=0.03.ckpt".into()
        )
    );
}
