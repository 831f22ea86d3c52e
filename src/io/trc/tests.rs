//! Headers, gaps and damage of TRC files.

use super::super::testing::{converted_markers, damage, real_data};
use super::*;

const TRC: &str = "PathFileType\t4\t(X/Y/Z)\ta.trc
DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames
60.00\t60.00\t     2\t2\tmm\t60.00\t1\t     2
Frame#\tTime\tR.ASIS\t\t\tL.ASIS\t\t\t
\t\tX1\tY1\tZ1\tX2\tY2\tZ2

11\t0.000\t1.5\t2.0\t-3e1\t4\t5\t6
12\t0.017\t\t\t\t7\t8\t9\t
";

fn table(text: &str) -> Result<Markers, FileError> {
    parse(Path::new("a.trc"), text)
}

fn with(old: &str, new: &str) -> Result<Markers, FileError> {
    assert!(TRC.contains(old), "{old}");
    table(&TRC.replacen(old, new, 1))
}

fn message(old: &str, new: &str) -> String {
    with(old, new).unwrap_err().message
}

#[test]
fn cells_are_numbers_and_gaps() {
    let markers = table(TRC).unwrap();
    assert_eq!(markers.labels, ["R.ASIS", "L.ASIS"]);
    assert_eq!((markers.rate, markers.metres()), (Some(60.0), Some(0.001)));
    assert_eq!((markers.up, markers.frame_numbers), (None, vec![11, 12]));
    let row = |f: usize, p: usize| markers.values.slice(ndarray::s![f, p, ..]).to_vec();
    assert_eq!(row(0, 0), [1.5, 2.0, -30.0]);
    assert_eq!(row(0, 1), [4.0, 5.0, 6.0]);
    assert!(row(1, 0).iter().all(|x| x.is_nan()));
    assert_eq!(row(1, 1), [7.0, 8.0, 9.0]);
}

#[test]
fn the_same_is_read_from_every_way_of_writing_it() {
    let plain = table(TRC).unwrap();
    let same = |text: String| {
        let read = table(&text).unwrap();
        assert_eq!(read.labels, plain.labels);
        assert_eq!(
            read.values.map(|x| x.to_bits()),
            plain.values.map(|x| x.to_bits())
        );
    };
    same(TRC.replace('\n', "\r\n"));
    same(TRC.replace("Z2\n\n", "Z2\n"));
    same(TRC.replace(
        "60.00\t60.00\t     2\t2\tmm\t",
        "  60.00\t\t 60.0\t\t 2\t\t 2\t mm\t",
    ));
    same(TRC.replace("\t\t\t\t7\t8\t9\t", "\tNaN\tnan\t\t7\t8\t9"));
    same(TRC.replace("\t\t\t\t7", "\t0.0\t0\t0\t7"));
    same(TRC.replace(
        "11\t0.000\t1.5\t2.0\t-3e1\t4\t5\t6",
        "11  0.000 1.5 2.0   -30 4 5 6",
    ));
    same(TRC.replace("R.ASIS\t\t\tL.ASIS\t\t\t", "R.ASIS\tL.ASIS"));
}

#[test]
fn what_is_missing_at_the_end_of_a_row_is_a_gap() {
    let markers = with("-3e1\t4\t5\t6", "-3e1").unwrap();
    assert!(
        markers
            .values
            .slice(ndarray::s![0, 1, ..])
            .iter()
            .all(|x| x.is_nan())
    );
    assert_eq!(markers.values[[0, 0, 2]], -30.0);
}

#[test]
fn a_column_without_a_name_is_left_out() {
    let markers = with("R.ASIS\t\t\tL.ASIS\t\t\t", "\t\t\tL.ASIS\t\t\t").unwrap();
    assert_eq!(markers.labels, ["L.ASIS"]);
    assert_eq!(markers.values[[0, 0, 0]], 4.0);
}

#[test]
fn messages_name_the_line() {
    assert_eq!(table(" \n").unwrap_err().message, "the file is empty");
    assert_eq!(
        message("PathFileType", "frame"),
        "expected a TRC file, which begins with `PathFileType`"
    );
    assert_eq!(
        message("NumMarkers", "Markers"),
        "lines 2 and 3 do not say `NumMarkers`"
    );
    assert_eq!(
        message("     2\t2\tmm", "     2\t1e9\tmm"),
        "line 3, `NumMarkers`: expected a whole number, found `1e9`"
    );
    assert_eq!(
        message("2.0", "2,0"),
        "line 7: expected a number, found `2,0`"
    );
    assert_eq!(
        message("\t9\t", "\t9\t10"),
        "line 8: `10` stands after the last of 2 markers"
    );
    assert_eq!(
        message("\n12\t", "\n11\t"),
        "line 8: frame 11 stands after frame 11"
    );
}

#[test]
fn counts_that_the_rows_do_not_bear_out_are_warned_of() {
    let plain = table(TRC).unwrap();
    assert!(plain.warnings.is_empty());
    let cut = with("12\t0.017\t\t\t\t7\t8\t9\t\n", "").unwrap();
    assert_eq!(cut.frame_numbers, [11]);
    assert_eq!(
        cut.warnings,
        ["line 3 says `NumFrames` 2, but the file holds 1 frames, which are read"]
    );
    for said in ["1", "4", "999999999999"] {
        let markers = with("     2\t2\tmm", &format!("     2\t{said}\tmm")).unwrap();
        assert_eq!(markers.labels, plain.labels, "{said}");
        assert_eq!(
            markers.warnings,
            [format!(
                "line 3 says `NumMarkers` {said}, but the file holds 2 markers, which are read"
            )]
        );
    }
}

#[test]
fn rows_may_begin_with_a_tab() {
    let rows = TRC
        .replace("\n11\t", "\n\t11\t")
        .replace("\n12\t", "\n\t12\t");
    let (plain, shifted) = (table(TRC).unwrap(), table(&rows).unwrap());
    assert_eq!(shifted.frame_numbers, plain.frame_numbers);
    assert_eq!(
        shifted.values.map(|x| x.to_bits()),
        plain.values.map(|x| x.to_bits())
    );
}

#[test]
fn rows_of_nothing_are_not_given_memory() {
    let names: String = (0..2000).map(|n| format!("m{n}\t\t\t")).collect();
    let rows: String = (0..2000).map(|n| format!("{n}\t0\n")).collect();
    let text = format!(
        "PathFileType\nNumFrames NumMarkers\n2000 2000\nFrame#\tTime\t{names}\n\t\tX1\n{rows}"
    );
    let message = table(&text).unwrap_err().message;
    assert!(
        message.ends_with("most cells of the rows are not there"),
        "{message}"
    );
}

#[test]
fn damage_never_panics() {
    damage(TRC.as_bytes(), |bytes| {
        let _ = table(&String::from_utf8_lossy(bytes));
    });
}

#[test]
fn real_recordings_are_what_others_made_of_them() {
    let Some(data) = real_data() else { return };
    for name in [
        "opensim_markers_walk",
        "opensim_subject01_static",
        "opensim_subject01_walk1",
    ] {
        let markers = read(data.join(format!("markers/raw/{name}.trc"))).unwrap();
        converted_markers(&data, name, &markers, |point| point);
    }
}

#[test]
fn real_files_of_pose2sim_are_read() {
    let Some(data) = real_data() else { return };
    let folder = data.join("views/S00_P00_T01_BalancingTrial/pose-3d");
    for (name, points) in [
        ("", 21),
        ("_filt_butterworth", 21),
        ("_filt_butterworth_LSTM", 64),
    ] {
        let file = format!("S00_P00_T01_BalancingTrial_0-100{name}.trc");
        let markers = read(folder.join(file)).unwrap();
        assert_eq!(markers.values.dim(), (100, points, 3));
        assert_eq!((markers.metres(), markers.rate), (Some(1.0), Some(60.0)));
    }
}
