use super::*;
use crate::random::SplitMix64;

const ROWS: usize = 9;

fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut random = SplitMix64(seed);
    (0..count).map(|_| random.normal()).collect()
}

fn pass() -> Forward<f64> {
    Forward::<f64>::new(&Default::default())
}

type Model<'a> = &'a dyn Fn(&Parameters<f64>, &mut Forward<f64>, &Batch<f64>) -> Batch<f64>;

/// Σ c·y with fixed c, so that every output counts differently.
fn cost(model: Model, parameters: &Parameters<f64>, x: &[f64]) -> f64 {
    let mut pass = pass();
    let x = pass.leaf(x.to_vec(), ROWS, false);
    let y = model(parameters, &mut pass, &x);
    let c = numbers(y.numbers().len(), 99);
    y.numbers().iter().zip(&c).map(|(y, c)| y * c).sum()
}

/// Compares the tape's gradients of the input and of all parameters to central differences.
fn check(model: Model, parameters: &mut Parameters<f64>, x: &[f64]) {
    const STEP: f64 = 1e-6;
    let mut pass = pass();
    let mut input = pass.leaf(x.to_vec(), ROWS, true);
    let y = model(parameters, &mut pass, &input);
    pass.seed(&y, numbers(y.numbers().len(), 99));
    let mut gradients: Vec<Vec<f64>> = Vec::new();
    let leaves = std::iter::once(&mut input).chain(parameters.batches_mut());
    pass.backward_into(leaves, |_, _, g| gradients.push(g.to_vec()));
    let meet = |found: f64, slope: f64, what: &str| {
        let error = (found - slope).abs();
        assert!(
            error < 1e-7 * slope.abs().max(1.0),
            "{what}: {found} {slope}"
        );
    };
    for i in 0..x.len() {
        let moved = |step: f64| {
            let mut x = x.to_vec();
            x[i] += step;
            cost(model, parameters, &x)
        };
        let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
        meet(gradients[0][i], slope, "input");
    }
    for p in 1..gradients.len() {
        for i in 0..gradients[p].len() {
            let mut moved = |step: f64| {
                let leaf = parameters.batches_mut().nth(p - 1).unwrap();
                leaf.numbers_mut()[i] += step;
                let cost = cost(model, parameters, x);
                let leaf = parameters.batches_mut().nth(p - 1).unwrap();
                leaf.numbers_mut()[i] -= step;
                cost
            };
            let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            meet(gradients[p][i], slope, &format!("parameter {p}"));
        }
    }
}

#[test]
fn the_gradients_of_dense_layers_meet_central_differences() {
    for slope in [1.0, 0.2] {
        let mut parameters = Parameters::new();
        let random = &mut SplitMix64(1);
        let first = Linear::new(&mut parameters, "a", [5, 7], slope, random);
        let second = Linear::new(&mut parameters, "b", [7, 3], slope, random);
        let model = |p: &Parameters<f64>, pass: &mut Forward<f64>, x: &Batch<f64>| {
            let hidden = first.forward(p, pass, x);
            second.forward(p, pass, &hidden)
        };
        check(&model, &mut parameters, &numbers(ROWS * 5, 2));
    }
}

#[test]
fn the_gradients_of_batch_norm_meet_central_differences_also_under_a_floor() {
    for floor in [0.0, 100.0] {
        let mut parameters = Parameters::new();
        let norm = BatchNorm::new(&mut parameters, "n", 4, floor);
        let model = |p: &Parameters<f64>, pass: &mut Forward<f64>, x: &Batch<f64>| {
            norm.clone().train(p, pass, x)
        };
        check(&model, &mut parameters, &numbers(ROWS * 4, 3));
    }
}

#[test]
fn the_gradients_of_dropout_meet_central_differences() {
    let model = |_: &Parameters<f64>, pass: &mut Forward<f64>, x: &Batch<f64>| {
        dropout(pass, x, 0.3, &mut SplitMix64(4))
    };
    check(&model, &mut Parameters::new(), &numbers(ROWS * 6, 5));
}

#[test]
fn dropout_keeps_the_mean_and_drops_its_share() {
    let mut pass = pass();
    let x = pass.leaf(vec![1.0; 100_000], 10, false);
    let y = dropout(&mut pass, &x, 0.1, &mut SplitMix64(6));
    let zeros = y.numbers().iter().filter(|y| **y == 0.0).count();
    assert!((zeros as f64 / 1e5 - 0.1).abs() < 0.004, "{zeros}");
    let mean = y.numbers().iter().sum::<f64>() / 1e5;
    assert!((mean - 1.0).abs() < 0.005, "{mean}");
}

#[test]
fn running_statistics_come_to_those_of_the_data() {
    let mut parameters = Parameters::new();
    let mut norm = BatchNorm::new(&mut parameters, "n", 2, 0.01);
    let x: Vec<f64> = numbers(2000, 7)
        .chunks(2)
        .flat_map(|r| [3.0 + 2.0 * r[0], 5.0])
        .collect();
    for _ in 0..200 {
        let mut pass = pass();
        let x = pass.leaf(x.clone(), 1000, false);
        norm.train(&parameters, &mut pass, &x);
    }
    let mut saved = crate::io::tensors::Tensors::default();
    norm.save(&mut saved);
    let mean = &saved.arrays["n.running_mean"].data;
    let variance = &saved.arrays["n.running_var"].data;
    assert!(
        (mean[0] - 3.0).abs() < 0.2 && (mean[1] - 5.0).abs() < 1e-6,
        "{mean:?}"
    );
    assert!((variance[0] - 4.0).abs() < 0.4, "{variance:?}");
    assert!((variance[1] - 0.01).abs() < 1e-6, "{variance:?}");
    let held_out = pass().leaf(vec![3.0, 5.3], 1, false);
    let y = norm.evaluate(&parameters, &held_out);
    assert!((y[1] - 3.0).abs() < 0.01, "{y:?}");
}

/// Three steps of torch.optim.Adam(lr=0.1, betas=(0.5, 0.999), weight_decay=0.1) on ½p², p = 1.
#[test]
fn adam_takes_the_steps_of_pytorch() {
    let mut parameters = Parameters::<f64>::new();
    parameters.add("p".into(), &[1], vec![1.0]);
    let settings = AdamSettings {
        rate: 0.1,
        betas: [0.5, 0.999],
        weight_decay: 0.1,
        ..Default::default()
    };
    let mut adam = Adam::new(settings, &parameters);
    for expected in ADAM_STEPS {
        let mut pass = pass();
        let p = parameters.batch(0).numbers()[0];
        pass.seed(parameters.batch(0), vec![p]);
        adam.step(&mut parameters, pass);
        let p = parameters.batch(0).numbers()[0];
        assert!((p - expected).abs() < 1e-12, "{p} {expected}");
    }
}

const ADAM_STEPS: [f64; 3] = [0.9000000009090909, 0.8018876039034758, 0.7069713147925689];

#[test]
fn parameters_and_moments_come_back_as_they_were_saved() {
    let build = |seed| {
        let mut parameters = Parameters::<f32>::new();
        Linear::new(&mut parameters, "a", [3, 2], 1.0, &mut SplitMix64(seed));
        let adam = Adam::new(AdamSettings::default(), &parameters);
        (parameters, adam)
    };
    let step = |parameters: &mut Parameters<f32>, adam: &mut Adam<f32>| {
        let mut pass = Forward::<f32>::new(&Default::default());
        pass.seed(parameters.batch(0), vec![0.5; 6]);
        adam.step(parameters, pass);
    };
    let save = |parameters: &Parameters<f32>, adam: &Adam<f32>| {
        let mut state = crate::io::tensors::Tensors::default();
        parameters.save(&mut state);
        adam.save("adam", parameters, &mut state);
        state
    };
    let (mut parameters, mut adam) = build(1);
    step(&mut parameters, &mut adam);
    let state = save(&parameters, &adam);
    let (mut others, mut other) = build(2);
    others.restore(&state).unwrap();
    other.restore("adam", &others, &state).unwrap();
    step(&mut parameters, &mut adam);
    step(&mut others, &mut other);
    assert_eq!(save(&parameters, &adam), save(&others, &other));
}

#[test]
fn a_layer_takes_a_longer_row_as_several_that_share_its_weights() {
    let mut parameters = Parameters::new();
    let layer = Linear::new(&mut parameters, "a", [3, 2], 0.2, &mut SplitMix64(8));
    let model =
        |p: &Parameters<f64>, pass: &mut Forward<f64>, x: &Batch<f64>| layer.forward(p, pass, x);
    let x = numbers(ROWS * 12, 9);
    check(&model, &mut parameters, &x);
    let of = |rows: usize| {
        let mut pass = pass();
        let x = pass.leaf(x.clone(), rows, false);
        let y = model(&parameters, &mut pass, &x);
        (y.rows(), y.numbers().to_vec())
    };
    let (short, long) = (of(4 * ROWS), of(ROWS));
    assert_eq!((short.0, long.0), (4 * ROWS, ROWS));
    assert_eq!(short.1, long.1);
}

#[test]
fn the_gradients_of_heads_meet_central_differences() {
    let mut parameters = Parameters::new();
    let heads = Heads::new(&mut parameters, "h", [4, 3], &mut SplitMix64(10));
    let model =
        |p: &Parameters<f64>, pass: &mut Forward<f64>, x: &Batch<f64>| heads.forward(p, pass, x);
    check(&model, &mut parameters, &numbers(ROWS * 12, 11));
}

#[test]
fn the_gradients_of_rotations_from_six_numbers_meet_central_differences() {
    let model =
        |_: &Parameters<f64>, pass: &mut Forward<f64>, x: &Batch<f64>| rotations::from_six(pass, x);
    check(&model, &mut Parameters::new(), &numbers(ROWS * 12, 12));
}
