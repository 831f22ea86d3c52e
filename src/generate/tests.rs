use super::*;

fn gmm() -> Prior {
    Prior::builtin("gmm").unwrap()
}

#[test]
fn the_same_seed_draws_the_same_poses_and_another_seed_others() {
    let drawn = sample(&gmm(), 5, 3).unwrap();
    assert_eq!(drawn.poses.dim(), (5, 63));
    assert_eq!(drawn, sample(&gmm(), 5, 3).unwrap());
    assert_ne!(drawn, sample(&gmm(), 5, 4).unwrap());
}

#[test]
fn a_row_with_a_nan_becomes_nan_and_the_others_keep_their_places() {
    let mut poses = sample(&gmm(), 3, 0).unwrap().poses;
    let before = poses.clone();
    poses[[1, 7]] = f64::NAN;
    let codes = encode(&gmm(), poses.view()).unwrap();
    assert!(codes.row(1).iter().all(|x| x.is_nan()));
    assert_eq!(codes.row(0), before.row(0));
    assert_eq!(codes.row(2), before.row(2));
}

#[test]
fn ways_start_and_end_at_the_codes_given() {
    let codes = sample(&gmm(), 2, 1).unwrap().codes;
    let (a, b) = (
        codes.slice(ndarray::s![..1, ..]),
        codes.slice(ndarray::s![1.., ..]),
    );
    for way in [Way::Own, Way::Linear, Way::GreatCircle] {
        let ways = interpolate(&gmm(), a, b, 9, way).unwrap();
        assert_eq!(ways.poses.dim(), (1, 9, 63));
        for k in 0..63 {
            assert!((ways.codes[[0, 0, k]] - a[[0, k]]).abs() < 1e-9);
            assert!((ways.codes[[0, 8, k]] - b[[0, k]]).abs() < 1e-9);
        }
    }
}

#[test]
fn codes_of_another_size_are_refused_with_the_shape_expected() {
    let error = decode(&gmm(), Array2::zeros((4, 32)).view()).unwrap_err();
    assert_eq!(
        error,
        "the codes have the shape (4, 32), expected (rows, 63)"
    );
}
