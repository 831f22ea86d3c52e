//! Marker centres on a posed body: the plain version of the operation.

use nalgebra::Vector3;

use super::{Layout, Site};
use crate::body::{BodyModel, Transforms};

/// From the skin to a marker's centre where neither layout nor spec says it: half of a 14 mm marker
/// and its base, as Plug-in-Gait assumes.
pub(crate) const DISTANCE: f64 = 9.5e-3;

impl Layout {
    /// The marker's own distance from the skin, else the layout's, else 9.5 mm.
    pub(crate) fn distance(&self, marker: usize) -> f64 {
        self.markers[marker]
            .offset
            .or(self.offset)
            .unwrap_or(DISTANCE)
    }

    /// Centres of the markers on a posed body, (markers), metres.
    ///
    /// `vertices` are all of the body's; `offsets` (markers or none) are added in each marker's own
    /// axes: along the first edge of its face, across it, and along the outward normal.
    ///
    /// # Errors
    /// Names the marker that has no place on this body.
    pub fn centres(
        &self,
        body: &BodyModel,
        transforms: &Transforms,
        vertices: &[Vector3<f64>],
        offsets: &[Vector3<f64>],
    ) -> Result<Vec<Vector3<f64>>, String> {
        let centre = |m: usize| {
            let offset = offsets.get(m).copied().unwrap_or_default();
            Ok(match self.site(body, m)? {
                Site::Joint { joint, offset: own } => {
                    let (turn, position) = &transforms[joint];
                    position + turn * (Vector3::from(own) + offset)
                }
                Site::Surface {
                    vertices: corners,
                    weights,
                } => {
                    let [a, b, c] = corners.map(|v| vertices[v]);
                    let tangent = (b - a).normalize();
                    let normal = (b - a).cross(&(c - a)).normalize();
                    let skin = a * weights[0] + b * weights[1] + c * weights[2];
                    let side = normal.cross(&tangent);
                    let out = self.distance(m) + offset.z;
                    skin + tangent * offset.x + side * offset.y + normal * out
                }
            })
        };
        (0..self.markers.len()).map(centre).collect()
    }
}
