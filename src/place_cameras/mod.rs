//! `fitrun place-cameras`: where cameras stand, from nothing but a person whom they see at the same time.

mod balance;
mod floor;
mod refine;
mod sightings;
mod world;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::camera::Camera;
use crate::camera::relative::{self, Pose};
use crate::diagnostic::{Diagnostics, Sources};
use crate::error::Error;
use crate::io::{CameraRecord, FileError, pose2sim_writer};
use crate::report::camera_record;
use sightings::Sightings;

/// What is known besides the images, and where to.
#[derive(Clone, Debug)]
pub struct PlaceCamerasOptions {
    /// The person's height, m; else that of the body, which is 1.70 m for the built-in one.
    pub height: Option<f64>,
    pub out: PathBuf,
    /// Replace a file that is already there.
    pub force: bool,
}

/// What became of the cameras.
#[derive(Clone, Debug, Serialize)]
pub struct PlacedCameras {
    pub cameras: Vec<PlacedCamera>,
    /// Frames in which two cameras saw the person.
    pub frames: usize,
    /// Points in space that they agree on.
    pub points: usize,
    /// The height that the scale comes from, m, and whether it was said.
    pub height: f64,
    pub height_is_said: bool,
    pub vertical: Vertical,
    /// By how much distances between points differ from those of a person, as a share: the median.
    pub odd: f64,
    #[serde(skip)]
    pub diagnostics: Diagnostics,
    #[serde(skip)]
    pub sources: Sources,
}

/// Where the vertical comes from.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Vertical {
    /// `floor`, that feet stand on; `balance`, from the feet to the centre of mass; or `stance`, the mean
    /// direction of the trunk.
    pub by: &'static str,
    /// By how much what else says it differs at most, degrees.
    pub others_differ: f64,
}

/// A camera, with how well it fits.
#[derive(Clone, Debug, Serialize)]
pub struct PlacedCamera {
    pub name: String,
    /// Where it stands, m, y up, the floor at 0.
    pub position: [f64; 3],
    /// The median distance of points from where it sees them, px.
    pub median_px: f64,
    /// Points that it sees.
    pub points: usize,
}

/// Finds where the cameras of a spec stand by the keypoints that a term of it compares with their images, and
/// writes them as Pose2Sim's `Calib.toml`, z up.
///
/// Lenses are as the spec has them; what it says of places is not looked at.
///
/// # Errors
/// All that is wrong with the spec and its data; cameras that share too little with the others.
pub fn place_cameras(spec: &Path, options: &PlaceCamerasOptions) -> Result<PlacedCameras, Error> {
    if !options.force && options.out.symlink_metadata().is_ok() {
        let message = "the file exists; `--force` replaces it";
        return Err(FileError::new(&options.out, message).into());
    }
    let found = Sightings::read(spec)?;
    let off = OFF * found.usual(|c| c.diagonal() / c.intrinsics[0]);
    let (poses, points) = relative::place(&found.in_planes(), off).map_err(|lost| {
        let names: Vec<&str> = lost.iter().map(|c| found.cameras[*c].name.as_str()).collect();
        found.reject(format!(
            "{} cannot be placed: too little is seen together with the others, or from too nearly the same side",
            crate::diagnostic::list(&names)
        ))
    })?;
    let refined = refine::refine(&found, &poses, &points)?;
    let world = world::find(&found, &refined, options.height)?;
    let cameras = found.cameras.iter().zip(&refined.poses);
    let cameras: Vec<Camera> = cameras.map(|(c, pose)| world.camera(c, pose)).collect();
    // Pose2Sim's world has its z up.
    let upright = crate::read::Up::Z.upright();
    let records: Vec<CameraRecord> = cameras.iter().map(|c| camera_record(c, &upright)).collect();
    pose2sim_writer::write(&options.out, &records)?;
    let placed = cameras.iter().enumerate().map(|(c, camera)| {
        let (median_px, points) = refined.errors(&found, c);
        PlacedCamera {
            name: camera.name.clone(),
            position: camera.centre().into(),
            median_px,
            points,
        }
    });
    Ok(PlacedCameras {
        cameras: placed.collect(),
        frames: found.frames(),
        points: refined.points.iter().flatten().count(),
        height: world.height,
        height_is_said: options.height.is_some(),
        vertical: world.vertical,
        odd: world.odd,
        diagnostics: found.diagnostics,
        sources: found.sources,
    })
}

/// A share of an image's diagonal by which a detector may be off.
const OFF: f64 = 0.006;

/// A camera's pose in a world that is turned, shifted and scaled.
fn moved(pose: &Pose, world: &world::World) -> Pose {
    // x_camera = R x + t, and x in the world = s · turn (x − origin).
    let rotation = pose.rotation * world.turn.transpose();
    let origin = pose.rotation * world.origin + pose.translation;
    Pose {
        rotation,
        translation: origin * world.scale,
    }
}
