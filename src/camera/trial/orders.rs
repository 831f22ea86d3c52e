//! Other orders of the views: for each view its camera.

use rayon::prelude::*;

use super::{Camera, Sighting, apart, seen, stands_out};
use crate::camera::triangulate::triangulate;

/// Cameras of which every order is tried.
const FEW: usize = 5;
/// Points that are looked at to exchange many cameras, and exchanges at most.
const POINTS: usize = 50;
const EXCHANGES: usize = 40;

/// All orders of few cameras. Of many those that happen: sorted as text, as numbers, backwards, from
/// another one on; and of those that contradict the rest, all orders of few, else the order that exchanges
/// of two lead to.
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
    } else {
        orders.extend(exchanged(cameras, sightings, limit));
    }
    orders.retain(|order| *order != own);
    // Of a ring of cameras several orders fit; the one that moves the fewest comes first.
    let moved = |order: &Vec<usize>| order.iter().zip(&own).filter(|(a, b)| a != b).count();
    orders.sort_by_cached_key(|order| (moved(order), order.clone()));
    orders.dedup();
    orders
}

/// The best exchange of two, again and again, as long as it helps; nothing where none does.
pub(crate) fn exchanged(
    cameras: &[Camera],
    sightings: &[Sighting],
    limit: f64,
) -> Option<Vec<usize>> {
    let own: Vec<usize> = (0..cameras.len()).collect();
    let mut order = own.clone();
    let step = sightings.len().div_ceil(POINTS).max(1);
    let some: Vec<&Sighting> = sightings.iter().step_by(step).collect();
    let error = |order: &[usize]| -> f64 {
        let of_point = |sighting: &&Sighting| bounded(cameras, sighting, order, 4.0 * limit);
        some.par_iter().map(of_point).sum()
    };
    let mut least = error(&order);
    let views = order.len();
    let pairs: Vec<(usize, usize)> = (0..views)
        .flat_map(|a| (a + 1..views).map(move |b| (a, b)))
        .collect();
    for _ in 0..EXCHANGES {
        let with = |&(a, b): &(usize, usize)| {
            let mut other = order.clone();
            other.swap(a, b);
            (error(&other), a, b)
        };
        let best = pairs.iter().map(with).min_by(|a, b| a.0.total_cmp(&b.0));
        match best {
            Some((error, a, b)) if error < 0.999 * least => {
                order.swap(a, b);
                least = error;
            }
            _ => break,
        }
    }
    (order != own).then_some(order)
}

/// The sum of a point's errors in pixels, none more than a limit.
fn bounded(cameras: &[Camera], sighting: &Sighting, order: &[usize], most: f64) -> f64 {
    let placed: Sighting = sighting
        .iter()
        .map(|(v, x, w)| (order[*v], *x, *w))
        .collect();
    match triangulate(&seen(cameras, &placed)) {
        Some(point) => apart(cameras, &point, &placed)
            .iter()
            .map(|e| e.min(most))
            .sum(),
        None => most * placed.len() as f64,
    }
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
