//! Formats that are not read, by name or by first bytes, and what would convert them.

use std::io::Read;
use std::path::Path;

use super::error::FileError;

/// What is read, for messages.
const READ: &str = "fitrun reads markers in .c3d and .trc, points in .csv, .npz and .npy, joints in .bvh, motions in AMASS's .npz, detections in folders of OpenPose's .json and in the .json of COCO, AlphaPose and MMPose, cameras in .toml, .json, .yml, .yaml, .qca.txt and .xcp, pose graphs in .g2o, weights and bodies in .safetensors, .pt, .pth, .ckpt and .pkl";

struct Foreign {
    /// Ends of names, in lower case.
    names: &'static [&'static str],
    /// First bytes, where they tell it.
    begins: &'static [u8],
    what: &'static str,
    /// What makes of it something that is read.
    convert: &'static str,
}

const fn row(
    names: &'static [&'static str],
    begins: &'static [u8],
    what: &'static str,
    convert: &'static str,
) -> Foreign {
    Foreign {
        names,
        begins,
        what,
        convert,
    }
}

const ARRAYS: &str = "load it in Python and save the arrays with `numpy.savez`";
const SKELETON: &str = "Blender or MotionBuilder plays it; write the places of the joints as .csv or .npz, or markers as .c3d";
const MARKERS: &str = "export the labelled markers as .c3d or .trc from the program that wrote it";
const DETECTOR: &str =
    "run a detector such as OpenPose, RTMPose or DeepLabCut on it, and give its .json or .csv";
const OPENSIM: &str = "OpenSim writes the markers as .trc; angles of its models are not read";

/// In order: the first row that fits counts.
static FOREIGN: &[Foreign] = &[
    row(&[".asf"], b"", "ASF, a skeleton of Acclaim", SKELETON),
    row(&[".amc"], b"", "AMC, a motion of Acclaim", SKELETON),
    row(
        &[".fbx"],
        b"Kaydara FBX",
        "FBX, a scene with skeletons",
        SKELETON,
    ),
    row(
        &[".mot"],
        b"",
        "a motion or forces of OpenSim (MOT)",
        OPENSIM,
    ),
    row(&[".sto"], b"", "a storage of OpenSim (STO)", OPENSIM),
    row(&[".osim"], b"", "a model of OpenSim", OPENSIM),
    row(&[".n3d", ".ndf"], b"", "data of Northern Digital", MARKERS),
    row(
        &[".mcp", ".vsk", ".x1d", ".x2d"],
        b"",
        "data of Vicon",
        MARKERS,
    ),
    row(&[".qtm"], b"", "a recording of Qualisys", MARKERS),
    row(
        &[".tak"],
        b"",
        "a take of OptiTrack's Motive",
        "export it as .c3d, .trc or .csv with Motive",
    ),
    row(
        &[".tsv"],
        b"",
        "a table separated by tabs",
        "write it as .csv; Qualisys exports .c3d too",
    ),
    row(
        &[".slp"],
        b"",
        "SLEAP's labels",
        "export them with `sleap-convert --format analysis`, and save the arrays with `numpy.savez`",
    ),
    row(
        &[".h5", ".hdf5", ".nwb"],
        b"\x89HDF\r\n\x1a\n",
        "HDF5",
        "DeepLabCut writes .csv with `save_as_csv=True`; otherwise load it in Python and save the arrays with `numpy.savez`",
    ),
    row(
        &[".mat"],
        b"MATLAB 5.0",
        "MATLAB's arrays",
        "`scipy.io.loadmat` loads them; save them with `numpy.savez`",
    ),
    row(
        &[".pkl", ".pickle", ".p"],
        b"\x80\x04",
        "a pickle of Python",
        ARRAYS,
    ),
    row(
        &[".xlsx", ".xls", ".ods"],
        b"",
        "a spreadsheet",
        "save the sheet as .csv",
    ),
    row(
        &[".parquet"],
        b"PAR1",
        "Parquet",
        "`pandas.read_parquet` loads it; write it with `to_csv`",
    ),
    row(
        &[".feather", ".arrow"],
        b"ARROW1",
        "Arrow",
        "`pandas.read_feather` loads it; write it with `to_csv`",
    ),
    row(
        &[".mp4", ".avi", ".mov", ".mkv", ".webm"],
        b"",
        "a video",
        DETECTOR,
    ),
    row(
        &[".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"],
        b"",
        "an image",
        DETECTOR,
    ),
    row(
        &[".glb", ".gltf"],
        b"glTF",
        "glTF, a scene; a skinned body in it is read as `body.model`",
        SKELETON,
    ),
    row(
        &[".obj", ".ply", ".stl"],
        b"",
        "a mesh",
        "as points, save its vertices as .npz",
    ),
    row(&[".zip"], b"PK\x03\x04", "a zip archive", "unpack it"),
    row(&[".gz"], b"\x1f\x8b", "a compressed file", "unpack it"),
    row(
        &[".txt", ".dat"],
        b"",
        "text of no known format",
        "write points as .csv with columns such as `pelvis.x`",
    ),
];

/// The error for a file whose name is of no format that is read.
pub(crate) fn refused(path: impl AsRef<Path>) -> FileError {
    let path = path.as_ref();
    match recognised(path) {
        Some(found) => FileError::new(
            path,
            format!("this is {}, which fitrun does not read", found.what),
        )
        .with_hint(format!("{}; {READ}", found.convert)),
        None => FileError::new(path, "its name is of no format that fitrun reads").with_hint(READ),
    }
}

fn recognised(path: &Path) -> Option<&'static Foreign> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let named = |f: &&Foreign| f.names.iter().any(|end| name.ends_with(end));
    FOREIGN.iter().find(named).or_else(|| {
        let mut begin = Vec::new();
        let file = std::fs::File::open(path).ok()?;
        file.take(64).read_to_end(&mut begin).ok()?;
        let begins = |f: &&Foreign| !f.begins.is_empty() && begin.starts_with(f.begins);
        FOREIGN.iter().find(begins)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_is_is_told_by_its_name_or_its_first_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let told = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            refused(&path).message
        };
        for (name, bytes, what) in [
            ("walk.FBX", &b""[..], "FBX, a scene with skeletons"),
            ("walk", b"Kaydara FBX Binary", "FBX, a scene with skeletons"),
            ("tracks.dat2", b"\x89HDF\r\n\x1a\n\0", "HDF5"),
            ("labels.slp", b"\x89HDF\r\n\x1a\n\0", "SLEAP's labels"),
        ] {
            let expected = format!("this is {what}, which fitrun does not read");
            assert_eq!(told(name, bytes), expected, "{name}");
        }
        let unknown = "its name is of no format that fitrun reads";
        assert_eq!(told("notes.md", b"#"), unknown);
        assert_eq!(refused("/nowhere/at.all").message, unknown);
    }
}
