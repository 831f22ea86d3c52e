#!/usr/bin/env bash
# opensim 4.6 (pip): a marker that is missing in a TRC file has empty cells, which read as NaN, but not
# when it is the last one. A row that ends in an empty cell is counted one column short, and the whole
# file is refused ("Error reading rows in file ... Unexpected number of columns in line ..."). With one
# more tab at the end of that row (a tab after each cell) it is taken, with NaN for the marker. A tab at
# the end of a full row does no harm: the numbers are the same. So rows that all end in one tab are read
# whether or not the last marker is there.
#
# Output seen with opensim 4.6 (the last row of each file; its time is 0.01):
#   all there:                       1 2 3  4 5 6  7 8 9
#   all there, a tab at the end:     1 2 3  4 5 6  7 8 9
#   middle missing:                  1 2 3  nan nan nan  7 8 9
#   last missing:                    refused, Expected = 11. Received = 10.
#   last missing, a tab at the end:  1 2 3  4 5 6  nan nan nan
#   last missing, two tabs:          refused, Expected = 11. Received = 12.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "opensim==4.6" "numpy>=2,<3"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import math
import re

import opensim

opensim.Logger.setLevelString("off")


def read(cells, end):
    first = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    lines = [
        ["PathFileType", "4", "(X/Y/Z)", "three.trc"],
        ["DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units"]
        + ["OrigDataRate", "OrigDataStartFrame", "OrigNumFrames"],
        ["100", "100", "2", "3", "m", "100", "1", "2"],
        ["Frame#", "Time", "A", "", "", "B", "", "", "C", "", ""],
        ["", "", "X1", "Y1", "Z1", "X2", "Y2", "Z2", "X3", "Y3", "Z3"],
        [""],
        ["1", "0.00", *map(str, first)],
        ["2", "0.01", *cells],
    ]
    with open("three.trc", "w") as file:
        file.write("\n".join("\t".join(line) for line in lines) + end + "\n")
    try:
        table = opensim.TimeSeriesTableVec3("three.trc")
    except RuntimeError as error:
        assert "Unexpected number of columns in line 8" in str(error), error
        return re.search(r"Expected = .*Received = \d+\.", str(error)).group()
    assert list(table.getIndependentColumn()) == [0.0, 0.01]
    rows = [[table.getRowAtIndex(r)[m][k] for m in range(3) for k in range(3)] for r in range(2)]
    assert rows[0] == first
    return rows[1]


full, none = list("123456789"), [""] * 3
refused = "Expected = 11. Received = "
for name, cells, end, expected in (
    ("all there", full, "", "123456789"),
    ("all there, a tab at the end", full, "\t", "123456789"),
    ("middle missing", full[:3] + none + full[6:], "", "123nnn789"),
    ("last missing", full[:6] + none, "", refused + "10."),
    ("last missing, a tab at the end", full[:6] + none, "\t", "123456nnn"),
    ("last missing, two tabs", full[:6] + none, "\t\t", refused + "12."),
):
    got = read(cells, end)
    if isinstance(got, str):
        shown = "refused, " + got
    else:
        shown = "  ".join(" ".join(f"{v:g}" for v in got[i : i + 3]) for i in (0, 3, 6))
        got = "".join("n" if math.isnan(v) else f"{v:g}" for v in got)
    print(f"{name + ':':<32} {shown}")
    assert got == expected, f"{name}: no longer {expected}"
PY
