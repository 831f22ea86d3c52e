//! Other orders of the views: for each view its camera.

use super::{Camera, Sighting, stands_out};

/// Cameras of which every order is tried.
const FEW: usize = 4;
/// Cameras of which every two are exchanged.
const SOME: usize = 12;

/// All orders of few cameras. Of many those that happen: sorted as text, as numbers, backwards, from
/// another one on; and of those that contradict the rest, all orders or all exchanges of two.
pub(super) fn of_views(cameras: &[Camera], sightings: &[Sighting], limit: f64) -> Vec<Vec<usize>> {
    let own: Vec<usize> = (0..cameras.len()).collect();
    let mut orders = Vec::new();
    if own.len() > FEW {
        orders.extend(usual(cameras));
    }
    let odd: Vec<usize> = match own.len() > FEW {
        true => {
            let off = |c: &usize| stands_out(cameras, sightings, *c, limit) > limit;
            own.iter().copied().filter(off).collect()
        }
        false => own.clone(),
    };
    if odd.len() <= FEW {
        let mut places = Vec::new();
        permute(&mut odd.clone(), 0, &mut places);
        orders.extend(places.iter().map(|places| placed(&own, &odd, places)));
    } else if odd.len() <= SOME {
        for (k, &a) in odd.iter().enumerate() {
            orders.extend(odd[k + 1..].iter().map(|&b| placed(&own, &[a, b], &[b, a])));
        }
    }
    orders.retain(|order| *order != own);
    // Of a ring of cameras several orders fit; the one that moves the fewest comes first.
    let moved = |order: &Vec<usize>| order.iter().zip(&own).filter(|(a, b)| a != b).count();
    orders.sort_by_key(moved);
    orders.dedup();
    orders
}

/// An order in which some views have other cameras.
fn placed(own: &[usize], views: &[usize], cameras: &[usize]) -> Vec<usize> {
    let mut order = own.to_vec();
    for (view, camera) in views.iter().zip(cameras) {
        order[*view] = *camera;
    }
    order
}

/// Orders that files and programs make.
fn usual(cameras: &[Camera]) -> Vec<Vec<usize>> {
    let count = cameras.len();
    let name = |c: usize| cameras[c].name.as_str();
    let mut by_text: Vec<usize> = (0..count).collect();
    by_text.sort_by_key(|c| name(*c));
    let mut by_number: Vec<usize> = (0..count).collect();
    by_number.sort_by_key(|c| (number(name(*c)), *c));
    let mut orders = vec![
        composed(&by_number, &inverse(&by_text)),
        composed(&by_text, &inverse(&by_number)),
        (0..count).rev().collect(),
    ];
    orders.extend((1..count).map(|by| (0..count).map(|v| (v + by) % count).collect()));
    orders
}

/// The last number in a name.
fn number(name: &str) -> u64 {
    let digits = name.trim_end_matches(|c: char| !c.is_ascii_digit());
    let start = digits.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    digits[start..].parse().unwrap_or(0)
}

/// For each view the second order's place in the first.
fn composed(first: &[usize], second: &[usize]) -> Vec<usize> {
    second.iter().map(|&k| first[k]).collect()
}

fn inverse(order: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; order.len()];
    for (place, &c) in order.iter().enumerate() {
        inverse[c] = place;
    }
    inverse
}

fn permute(order: &mut Vec<usize>, from: usize, found: &mut Vec<Vec<usize>>) {
    if from == order.len() {
        found.push(order.clone());
    }
    for k in from..order.len() {
        order.swap(from, k);
        permute(order, from + 1, found);
        order.swap(from, k);
    }
}
