//! Real poses found again as codes: the nearest that a prior's decoder can come.

use super::fitting::{heading, solved};
use super::scratch::Scratch;
use super::{Contestant, EvaluateError};
use crate::io::{NpzWriter, atomic};
use crate::measure::surface::{Surface, distance};
use crate::prior::Prior;

/// Vertices that a fit sees, spread evenly over the mesh.
const SEEN: usize = 100;

/// Mean vertex distances of poses (63) to what codes fitted to their vertices decode to, mm.
///
/// Root and shape are held; the prior's own term hardly counts, so that what is measured is how
/// near its decoder comes, not how much it likes the pose.
pub(super) fn reconstruct(
    contestant: &Contestant,
    body: &str,
    surface: &Surface,
    poses: &[Vec<f64>],
) -> Result<Vec<f64>, EvaluateError> {
    let folder = Scratch::new()?;
    let count = surface.vertices();
    let seen: Vec<usize> = (0..SEEN.min(count))
        .map(|k| k * count / SEEN.min(count))
        .collect();
    let real = surface.poses(&Prior::None.rotations(&poses.concat()));
    let mut points = Vec::new();
    for skin in &real {
        for &v in &seen {
            points.extend((0..3).map(|k| f64::from(skin[k * count + v])));
        }
    }
    let mut file = NpzWriter::create(folder.0.join("points.npz"));
    file.floats64("points", &[poses.len(), seen.len(), 3], &points)?;
    file.finish()?;
    let markers: Vec<String> = seen
        .iter()
        .map(|v| format!("v{v} = {{ vertex = {v} }}\n"))
        .collect();
    let layout = format!("offset = \"0 mm\"\n[markers]\n{}", markers.concat());
    atomic::write(folder.0.join("layout.toml"), layout.as_bytes())?;
    let text = text(contestant, body, surface, &seen)?;
    let (problem, fit) = solved(&folder.0, &text, contestant)?;
    let code = |f| fit.variable(&problem, contestant.prior.variable(), f);
    let codes: Vec<f64> = (0..poses.len())
        .filter_map(code)
        .flatten()
        .copied()
        .collect();
    let found = surface.poses(&contestant.prior.rotations(&codes));
    let pairs = real.iter().zip(&found);
    Ok(pairs.map(|(a, b)| 1000.0 * distance(a, b)).collect())
}

fn text(
    contestant: &Contestant,
    body: &str,
    surface: &Surface,
    seen: &[usize],
) -> Result<String, EvaluateError> {
    let labels: Vec<String> = seen.iter().map(|v| format!("\"v{v}\"")).collect();
    let [x, y, z]: [f64; 3] = (-surface.joints[0]).into();
    Ok(format!(
        "{}[data.points]\nfile = \"points.npz\"\narray = \"points\"\n\
         axes = [\"frame\", \"marker\", \"xyz\"]\nunit = \"m\"\nnames = [{}]\n\
         [vars.trans]\ninit = [{x:?}, {y:?}, {z:?}]\n\
         [sources.skin]\nkind = \"surface\"\nlayout = \"layout.toml\"\n\
         [terms.fit]\nsource = \"skin\"\ntarget = \"points\"\nsigma = \"5 mm\"\n\
         [terms.prior]\nweight = 1e-3\n\
         [[stages]]\nname = \"pose\"\nfree = [\"pose\"]\n",
        heading(contestant, body)?,
        labels.join(", ")
    ))
}
