//! What `inspect` says of files of every kind.

use super::*;

fn inspected(name: &str, text: &str) -> Inspection {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let mut found = inspect(&path).unwrap();
    let folder = folder.path().display().to_string();
    found.snippet = found.snippet.replace(&format!("{folder}/"), "");
    found
}

#[test]
fn markers_are_told_with_the_share_of_frames_in_which_each_is_seen() {
    let found = inspected(
        "walk.trc",
        "PathFileType\t4\t(X/Y/Z)\twalk.trc
DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits
100\t100\t2\t2\tmm
Frame#\tTime\tLASI\t\t\tRASI\t\t\t
\t\tX1\tY1\tZ1\tX2\tY2\tZ2
5\t0\t0\t900\t100\t\t\t
6\t0.01\t0\t910\t200\t0\t905\t-100
",
    );
    assert_eq!(
        found.to_string(),
        "\
optical markers (trc)
markers  2
frames   2, numbered 5 to 6
rate     100 Hz
unit     mm
up       y, as trc files usually mean; the file does not say
extent   x 0.00, y 0.01, z 0.30 m

LASI  100 %  RASI  50.0 %

[data.markers]
file = \"walk.trc\"
format = \"trc\"
unit = \"mm\"
up = \"y\"
"
    );
}

#[test]
fn a_table_of_points_gets_the_unit_that_makes_it_a_person() {
    let found = inspected(
        "walk.csv",
        "head.x,head.y,head.z,foot.x,foot.y,foot.z\n0,1712,0,0,20,0\n0,1712,0,,,\n0,1700,0,0,0,9\n",
    );
    assert_eq!(
        found.to_string(),
        "\
table (csv)
frames  3
points  2 in space
rate    not said
unit    not said

head  100 %  foot  66.7 %

[data.points]
file = \"walk.csv\"
format = \"csv\"
unit = \"mm\"  # the file does not say it
up = \"y\"  # the file does not say it
"
    );
}

#[test]
fn a_table_of_other_numbers_lists_its_columns() {
    let found = inspected("decay.csv", "t,y\n0,1.5\n1,\n");
    assert_eq!(
        found.snippet,
        "[data.table]\nfile = \"decay.csv\"\ncolumns = { t = \"1\", y = \"1\" }  # units, such as `m`, or `ref:` with the name of a set\n"
    );
    assert_eq!(
        found.contents,
        "column  holds\nt       0 to 1\ny       1.5 to 1.5, 50.0 % missing\n"
    );
}

#[test]
fn the_arrays_of_an_example_are_listed_and_the_labelled_one_is_proposed() {
    let found = inspect("specs/fit/walk.npz").unwrap();
    assert!(
        found
            .contents
            .contains("\njoints          (60, 22, 3)     <f4    -1.467 to 1.826, 3.1 % missing\n"),
        "{}",
        found.contents
    );
    assert_eq!(
        found.snippet,
        "\
[data.joints]
file = \"specs/fit/walk.npz\"
format = \"npz\"
array = \"joints\"
axes = [\"frame\", \"joint\", \"xyz\"]
names = \"joint_names\"
unit = \"m\"  # by the size of a person
up = \"y\"  # the file does not say it
"
    );
}

#[test]
fn bodies_cameras_and_mixtures_are_recognised() {
    let kind = |path: &str| inspect(path).unwrap().kind;
    assert_eq!(
        kind("assets/body/builtin.npz"),
        "body model in SMPL's format (npz)"
    );
    assert_eq!(kind("specs/fit/calibration.toml"), "cameras (pose2sim)");
    assert_eq!(
        kind("assets/priors/gmm.safetensors"),
        "mixture of Gaussians over poses (safetensors)"
    );
}

#[test]
fn detections_in_json_are_told_with_their_views_and_conventions() {
    let points: Vec<String> = (0..133).map(|n| format!("{n}, 20.5, 0.9")).collect();
    let text = format!(
        r#"[{{"image_id": "7.jpg", "category_id": 1, "keypoints": [{}], "score": 2, "idx": [1]}}]"#,
        points.join(", ")
    );
    assert_eq!(
        inspected("cam01.json", &text).to_string(),
        "\
people in images (alphapose)
views        1
keypoints    133
conventions  COCO_WHOLEBODY_133 have as many
passed over  68 points that no body has, 40 more on a body without fingers

view   frames  numbered  people  keypoints seen
cam01  1       7 to 7    1       100 %

[data.detections]
file = \"cam01.json\"
format = \"alphapose\"
keypoints = \"COCO_WHOLEBODY_133\"
"
    );
    let frame =
        r#"[{"frame_id": 0, "instances": [{"keypoints": [[1, 2]], "keypoint_scores": [0.5]}]}]"#;
    let found = inspected("video.json", frame);
    assert_eq!(found.kind, "people in images (mmpose)");
}

#[test]
fn cameras_are_told_with_what_their_program_says() {
    let found = inspected(
        "panoptic.json",
        r#"{"cameras": [{"name": "00_01", "resolution": [1920, 1080], "panel": 0, "node": 1,
            "K": [[1390, 0, 960], [0, 1390, 540], [0, 0, 1]], "distCoef": [0, 0, 0, 0, 0],
            "R": [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "t": [[10], [120], [300]]}]}"#,
    );
    let up = "up = \"-y\"  # as the program that wrote it has it\n";
    assert!(found.snippet.contains(up), "{found}");
    assert!(
        found.snippet.contains(
            "unit = \"cm\"  # as the program that wrote it has it; the file does not say\n"
        ),
        "{found}"
    );
}

#[test]
fn a_skeleton_is_told_by_its_joints() {
    let found = inspected(
        "walk.bvh",
        "HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 0\nCHANNELS 3 Xposition Yposition Zposition\nEnd Site\n{\nOFFSET 0 1 0\n}\n}\nMOTION\nFrames: 2\nFrame Time: 0.01\n0 90 0\n5 90 0\n",
    );
    assert_eq!(
        found.to_string(),
        "\
moving skeleton (bvh)
joints  1
frames  2, numbered 0 to 1
rate    100 Hz
unit    not said
up      y, as bvh files usually mean; the file does not say
extent  x 5.00, y 0.00, z 0.00 of the file's unit

Hips  100 %

[data.skeleton]
file = \"walk.bvh\"
format = \"bvh\"
unit = \"\"  # the file does not say it; one of m, dm, cm, mm, um, km, in, ft
up = \"y\"
"
    );
}

#[test]
fn a_name_of_no_known_format_is_told_the_known_ones() {
    let error = inspect("Cargo.lock").unwrap_err();
    assert_eq!(error.message, "its name is of no format that fitrun reads");
    assert!(error.hint.unwrap().contains(".c3d"));
}

#[test]
fn lists_name_what_the_language_permits() {
    use crate::spec::keys::{Kind, tables};
    let permitted = |path: &str| -> Vec<&str> {
        let all = tables();
        let (_, keys) = all.iter().find(|(p, _)| *p == path).unwrap();
        let kind = keys.iter().find(|k| k.name == "kind").unwrap();
        match kind.kind {
            Kind::Choice(names) => names.to_vec(),
            _ => panic!("a choice"),
        }
    };
    for (topic, path) in [("priors", "prior"), ("terms", "terms.*")] {
        let listed = list(topic, None).unwrap();
        let listed: Vec<&str> = listed
            .lines()
            .filter_map(|l| l.split_whitespace().next())
            .collect();
        assert_eq!(listed, permitted(path), "{topic}");
    }
}

#[test]
fn names_are_found_by_parts_and_in_any_case() {
    let said = |topic: &str, name: &str| list(topic, Some(name)).unwrap_err();
    assert!(said("conventions", "coco").contains("did you mean `COCO_"));
    assert!(!said("functions", "nope").contains("did you mean"));
    assert_eq!(
        list("presets", Some("hands")),
        list("presets", Some("presets/hands.toml"))
    );
    assert_eq!(
        list("plug-in-gait", None),
        list("layouts", Some("plug-in-gait"))
    );
}

#[test]
fn runs_and_specs_are_told_from_data() {
    let spec = inspect("specs/fit/joints.toml").unwrap();
    assert_eq!(spec.kind, "a fitting spec");
    assert!(spec.contents.contains("data.targets") && !spec.contents.contains("is not there"));
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run.json");
    let record = "{\"fitrun\": \"0.1.0\", \"name\": \"n\", \"status\": {\"converged\": 2, \
                  \"invalid\": {\"count\": 1}}, \"warnings\": [\"odd\"]}";
    std::fs::write(&run, record).unwrap();
    let found = inspect(folder.path()).unwrap();
    assert_eq!(found.facts[1].1, "2 converged, 1 invalid");
    assert!(found.contents.contains("warning: odd") && found.contents.contains("run.json"));
    std::fs::write(&run, "{}").unwrap();
    assert!(
        inspect(folder.path())
            .unwrap_err()
            .message
            .contains("no record")
    );
}
