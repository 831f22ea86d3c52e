//! Makes fitrun's built-in human body in SMPL's file format: `make_body OUT.npz`.
//!
//! A solid is modelled from published body measurements, meshed on one side, mirrored, skinned
//! to SMPL's 24 joints and given ten shape directions. Nothing is taken from any other body model.

mod check;
mod cuts;
mod density;
mod field;
mod figure;
mod foot;
mod growth;
mod hand;
mod head;
mod joints;
mod loft;
mod march;
mod mesh;
mod regressor;
mod remesh;
mod shapes;
mod skin;
mod solid;
mod surface;
mod write;

use std::path::Path;

/// All that the file holds, in f64.
pub struct Body {
    mesh: mesh::Mesh,
    weights: skin::Weights,
    shapes: Vec<shapes::Shape>,
    regressor: Vec<Vec<f64>>,
}

fn main() -> std::io::Result<()> {
    let Some(out) = std::env::args().nth(1) else {
        return Err(std::io::Error::other("usage: make_body OUT.npz"));
    };
    let body = make_body();
    check::check(&body);
    write::write(Path::new(&out), &body)?;
    println!(
        "{} vertices, {} faces",
        body.mesh.vertices.len(),
        body.mesh.faces.len()
    );
    Ok(())
}

fn make_body() -> Body {
    let solid = figure::figure();
    let mut half = march::march(&solid);
    remesh::remesh(&mut half, &solid);
    let mesh = mesh::mirror(&half);
    let weights = skin::weights(&mesh);
    let shapes = shapes::shapes(&mesh, &weights);
    let regressor = regressor::regressor(&mesh, &shapes);
    Body {
        mesh,
        weights,
        shapes,
        regressor,
    }
}
