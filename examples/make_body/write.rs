//! Writes the body as an `.npz` archive in SMPL's layout.

use std::fs::File;
use std::io::{Error, Result, Write};
use std::path::Path;

use npyz::WriterBuilder;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::Body;
use crate::joints::JOINTS;

pub fn write(path: &Path, body: &Body) -> Result<()> {
    let mut archive = Archive(ZipWriter::new(File::create(path)?));
    let count = body.mesh.vertices.len() as u64;
    let joints = JOINTS.len() as u64;
    let vertices = body.mesh.vertices.iter().flatten().map(|&x| x as f32);
    archive.array("v_template", "<f4", &[count, 3], vertices)?;
    let corners = body.mesh.faces.iter().flatten().map(|&v| v as u32);
    archive.array("f", "<u4", &[body.mesh.faces.len() as u64, 3], corners)?;
    let regressor = body.regressor.iter().flatten().map(|&r| r as f32);
    archive.array("J_regressor", "<f4", &[joints, count], regressor)?;
    let weights = body.weights.iter().flatten().map(|&w| w as f32);
    archive.array("weights", "<f4", &[count, joints], weights)?;
    let parents = JOINTS.iter().map(|j| j.1.map_or(u32::MAX, |p| p as u32));
    archive.array(
        "kintree_table",
        "<u4",
        &[2, joints],
        parents.chain(0..joints as u32),
    )?;
    let directions = body.shapes.len() as u64;
    archive.array("shapedirs", "<f4", &[count, 3, directions], shapedirs(body))?;
    let names: Vec<String> = JOINTS.iter().map(|j| j.0.to_string()).collect();
    archive.array("joint_names", "<U14", &[joints], names)?;
    archive.0.finish().map_err(Error::other)?;
    Ok(())
}

/// (V, 3, 10), the direction running fastest.
fn shapedirs(body: &Body) -> impl Iterator<Item = f32> + '_ {
    (0..body.mesh.vertices.len()).flat_map(move |v| {
        (0..3).flat_map(move |axis| body.shapes.iter().map(move |s| s.skin[v][axis] as f32))
    })
}

struct Archive(ZipWriter<File>);

impl Archive {
    fn array<T: npyz::Serialize>(
        &mut self,
        name: &str,
        dtype: &str,
        shape: &[u64],
        values: impl IntoIterator<Item = T>,
    ) -> Result<()> {
        let dtype = npyz::DType::new_scalar(dtype.parse().map_err(Error::other)?);
        let mut bytes = Vec::new();
        let options = npyz::WriteOptions::new().dtype(dtype).shape(shape);
        let mut writer = options.writer(&mut bytes).begin_nd()?;
        writer.extend(values)?;
        writer.finish()?;
        // A fixed date, the default, keeps the file the same from run to run.
        let options = SimpleFileOptions::default().compression_level(Some(9));
        self.0
            .start_file(format!("{name}.npy"), options)
            .map_err(Error::other)?;
        self.0.write_all(&bytes)
    }
}
