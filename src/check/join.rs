//! Joins observations to predictions: points by label, views to cameras by name.

use std::sync::Arc;

use ndarray::{Array3, Array4};

use crate::camera::Camera;
use crate::data::Observations;

/// The part of the observations whose labels are wanted, in that order.
pub(super) fn select_points(observations: &Observations, labels: &[String]) -> Observations {
    let at: Vec<usize> = labels
        .iter()
        .filter_map(|l| observations.labels.iter().position(|o| o == l))
        .collect();
    let (frames, views, _, k) = observations.values.dim();
    let mut values = Array4::zeros((frames, views, at.len(), k));
    let mut confidence = Array3::zeros((frames, views, at.len()));
    for (to, &from) in at.iter().enumerate() {
        let column = ndarray::s![.., .., to, ..];
        values
            .slice_mut(column)
            .assign(&observations.values.slice(ndarray::s![.., .., from, ..]));
        confidence
            .slice_mut(ndarray::s![.., .., to])
            .assign(&observations.confidence.slice(ndarray::s![.., .., from]));
    }
    Observations {
        labels: labels.to_vec(),
        values,
        confidence,
        ..observations.clone()
    }
}

/// The camera of each view, in the views' order; `Err` lists the views without one.
pub(crate) fn cameras_of_views(
    views: &[String],
    cameras: &[Camera],
) -> Result<Arc<Vec<Camera>>, Vec<String>> {
    let mut missing = Vec::new();
    let mut joined = Vec::new();
    for view in views {
        let by_name = cameras.iter().find(|c| plain(&c.name) == plain(view));
        let by_number = || {
            let number = last_number(view)?;
            let mut same = cameras
                .iter()
                .filter(|c| last_number(&c.name) == Some(number));
            same.next().filter(|_| same.next().is_none())
        };
        // The only camera is that of the only view, unless their numbers say otherwise.
        let only = || match cameras {
            [only] if views.len() == 1 => {
                let numbers = [last_number(view), last_number(&only.name)];
                numbers.contains(&None).then_some(only)
            }
            _ => None,
        };
        match by_name.or_else(by_number).or_else(only) {
            Some(camera) => joined.push(camera.clone()),
            None => missing.push(view.clone()),
        }
    }
    match missing.is_empty() {
        true => Ok(joined.into()),
        false => Err(missing),
    }
}

/// `cam01_json` and `cam_01` are the same name.
fn plain(name: &str) -> String {
    let name = name.to_lowercase();
    let name = name.strip_suffix("json").unwrap_or(&name);
    name.chars().filter(|c| c.is_alphanumeric()).collect()
}

fn last_number(name: &str) -> Option<u64> {
    let digits = name
        .split(|c: char| !c.is_ascii_digit())
        .rfind(|part| !part.is_empty())?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(name: &str) -> Camera {
        Camera {
            name: name.into(),
            size: [1.0; 2],
            intrinsics: [1.0; 5],
            distortion: crate::camera::Distortion::Brown([0.0; 5]),
            rotation: nalgebra::Matrix3::identity(),
            translation: nalgebra::Vector3::zeros(),
        }
    }

    #[test]
    fn views_find_their_cameras_by_name_or_number_and_never_by_order() {
        let cameras = [camera("cam_02"), camera("cam_01"), camera("left")];
        let views = ["cam01_json", "view 2", "LEFT"].map(String::from);
        let joined = cameras_of_views(&views, &cameras).unwrap();
        let names: Vec<&str> = joined.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["cam_01", "cam_02", "left"]);
        let only = cameras_of_views(&["video".to_string()], &cameras[2..]).unwrap();
        assert_eq!(only[0].name, "left");
        let unknown = ["cam03".to_string()];
        assert!(cameras_of_views(&unknown, &cameras[..1]).is_err());
        assert_eq!(cameras_of_views(&unknown, &cameras).unwrap_err(), unknown);
    }
}
