use super::*;
use crate::io::npz::NpzWriter;
use crate::random::SplitMix64;

fn poses(rows: usize, seed: u64, scale: f64) -> Vec<f64> {
    let mut random = SplitMix64(seed);
    (0..rows * POSE)
        .map(|_| scale * (random.uniform() - 0.5))
        .collect()
}

fn npz(path: &Path, values: &[f64]) {
    let mut file = NpzWriter::create(path);
    file.floats64("pose_body", &[values.len() / POSE, POSE], values)
        .unwrap();
    file.finish().unwrap();
}

fn settings(train: &Path, hold_out: HoldOut) -> DataSettings {
    DataSettings {
        train: vec![train.to_path_buf()],
        train_origin: Origin::Default,
        val: Vec::new(),
        val_origin: Origin::Default,
        hold_out,
        array: None,
        rows: None,
        near_duplicates: 0.0,
        in_memory: 1_000_000,
        val_poses: 1000,
    }
}

/// The data, or the codes and messages.
fn read_all(settings: &DataSettings, scratch: &Path) -> Result<PoseData, String> {
    let mut diagnostics = Diagnostics::default();
    read(settings, 0, scratch, &mut diagnostics).ok_or_else(|| {
        let said = diagnostics.list.iter();
        let said: Vec<String> = said.map(|d| format!("{} {}", d.code, d.message)).collect();
        said.join("\n")
            .replace(&scratch.display().to_string(), "DIR")
    })
}

fn with_val(folder: &Path, train: &[f64], val: &[f64]) -> DataSettings {
    npz(&folder.join("train.npz"), train);
    npz(&folder.join("val.npz"), val);
    DataSettings {
        val: vec![folder.join("val.npz")],
        ..settings(&folder.join("train.npz"), HoldOut::Share(0.0))
    }
}

#[test]
fn degrees_are_refused_and_radians_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let degrees = with_val(folder.path(), &poses(50, 1, 60.0), &poses(20, 2, 1.0));
    let said = read_all(&degrees, folder.path()).unwrap_err();
    assert!(
        said.starts_with("F0602 `DIR/train.npz`: array `pose_body` looks like degrees"),
        "{said}"
    );
    let radians = with_val(folder.path(), &poses(50, 1, 2.0), &poses(20, 2, 2.0));
    assert_eq!(read_all(&radians, folder.path()).unwrap().counts.train, 50);
}

#[test]
fn rows_with_nan_are_left_out_and_counted_and_nothing_but_nan_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut train = poses(50, 1, 1.0);
    train[7 * POSE + 3] = f64::NAN;
    train[9 * POSE] = f64::INFINITY;
    let data = read_all(
        &with_val(folder.path(), &train, &poses(20, 2, 1.0)),
        folder.path(),
    )
    .unwrap();
    assert_eq!((data.counts.not_finite, data.counts.train), (2, 48));
    assert!(
        data.remarks[0].contains("2 of 50 rows"),
        "{:?}",
        data.remarks
    );
    assert!(
        data.remarks[0].ends_with("the first is row 7"),
        "{:?}",
        data.remarks
    );
    let nothing = vec![f64::NAN; 10 * POSE];
    let said = read_all(
        &with_val(folder.path(), &nothing, &poses(20, 2, 1.0)),
        folder.path(),
    );
    assert_eq!(
        said.unwrap_err(),
        "F0401 `DIR/train.npz`: array `pose_body`: all 10 rows hold NaN or infinite numbers"
    );
}

#[test]
fn a_file_on_both_sides_and_a_side_without_poses_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let both = poses(20, 1, 1.0);
    let said = read_all(&with_val(folder.path(), &both, &both), folder.path()).unwrap_err();
    assert_eq!(
        said,
        "F0603 `DIR/val.npz` is among the training's files too"
    );
    let empty = read_all(&with_val(folder.path(), &both, &[]), folder.path()).unwrap_err();
    assert_eq!(empty, "F0601 there are no poses in `DIR/val.npz`");
}

#[test]
fn folders_give_subjects_and_a_share_holds_out_whole_ones() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("amass");
    for (seed, subject) in ["CMU/01", "CMU/02", "KIT/3"].iter().enumerate() {
        std::fs::create_dir_all(root.join(subject)).unwrap();
        npz(
            &root.join(subject).join("walk.npz"),
            &poses(30, seed as u64, 1.0),
        );
        npz(&root.join(subject).join("shape.npz"), &poses(30, 9, 1.0));
    }
    std::fs::write(root.join("readme.txt"), "").unwrap();
    let data = read_all(&settings(&root, HoldOut::Share(0.4)), folder.path()).unwrap();
    assert_eq!((data.counts.train, data.counts.val), (60, 30));
    assert_eq!(
        (
            data.counts.train_subjects.len(),
            data.counts.val_subjects.len()
        ),
        (2, 1)
    );
    let skipped: Vec<_> = data
        .counts
        .skipped
        .iter()
        .map(|(k, n)| (k.as_str(), *n))
        .collect();
    assert_eq!(skipped, [("not an npz", 1), ("with a subject's shape", 3)]);
    let named = settings(&root, HoldOut::Subjects(vec!["KIT/3".into()]));
    assert_eq!(
        read_all(&named, folder.path()).unwrap().counts.val_subjects,
        ["KIT/3"]
    );
    let slip = settings(&root, HoldOut::Subjects(vec!["KIT/4x".into()]));
    let said = read_all(&slip, folder.path()).unwrap_err();
    assert_eq!(
        said,
        "F0601 there is no subject `KIT/4x`; did you mean `KIT/3`?"
    );
}

#[test]
fn a_pose_near_an_earlier_one_is_dropped_also_beyond_half_a_turn() {
    let far = 1.5f32;
    let mut rows = [[0.0f32; POSE]; 5];
    rows[1][4] = 0.01; // near row 0
    rows[2][4] = 0.03; // beyond 1 degree
    rows[3][0] = far;
    rows[4][0] = far - std::f32::consts::TAU; // the same rotation as row 3
    let kept = duplicates::thin(&rows.concat(), 1f64.to_radians());
    assert_eq!(kept, [rows[0], rows[2], rows[3]].concat());
    assert_eq!(duplicates::thin(&rows.concat(), 0.0).len(), 5 * POSE);
}

#[test]
fn an_epoch_draws_every_row_once_from_memory_and_from_disk() {
    let folder = tempfile::tempdir().unwrap();
    let rows = 5000;
    for limit in [rows, 2100] {
        let mut store = Store::new(limit, folder.path());
        for row in 0..rows {
            store.append(&[row as f32; POSE]).unwrap();
        }
        let data = Shuffled::new(store, vec![0..2000, 2500..rows]);
        assert_eq!(data.on_disk(), limit < rows);
        let drawn = |seed, epoch| -> Vec<usize> {
            let (mut order, mut batch) = (data.epoch(seed, epoch), Vec::new());
            let mut found = Vec::new();
            while order.next_batch(100, &mut batch).unwrap() {
                found.extend(batch.chunks_exact(POSE).map(|row| row[5] as usize));
            }
            found
        };
        let first = drawn(1, 0);
        let mut sorted = first.clone();
        sorted.sort();
        let all: Vec<usize> = (0..2000).chain(2500..rows).collect();
        assert_eq!(sorted, all, "{limit}");
        assert_eq!(first, drawn(1, 0));
        assert!(first != drawn(1, 1) && first != drawn(2, 0) && first != all);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
