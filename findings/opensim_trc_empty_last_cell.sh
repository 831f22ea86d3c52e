#!/usr/bin/env bash
# opensim 4.6 (pip): TimeSeriesTableVec3 reads a .trc whose markers have gaps as empty cells, and takes them
# as NaN, but drops the last cell of a row where it is empty. A row that ends in a marker that was not seen
# has one number too few then, and the whole file is refused; with one more tab at the end of the row it is
# read. A tab at the end of a full row does no harm. So a writer of .trc ends every row in a tab.
#
# Output seen with opensim 4.6:
#   full rows: [4.0, 5.0, 6.0]
#   row that ends in empty cells: refused: Error reading rows
#   the same with one more tab: [nan, nan, nan]
#   full rows with one more tab: [4.0, 5.0, 6.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "opensim==4.6" "numpy<3"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import math

import opensim

HEADER = (
    "PathFileType\t4\t(X/Y/Z)\tm.trc\n"
    "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames\n"
    "100\t100\t2\t2\tm\t100\t1\t2\n"
    "Frame#\tTime\tA\t\t\tB\t\t\n"
    "\t\tX1\tY1\tZ1\tX2\tY2\tZ2\n\n"
)


def last_point(name, last_row, end=""):
    rows = ["1\t0.00\t1\t2\t3\t4\t5\t6" + end, last_row + end]
    with open("m.trc", "w") as file:
        file.write(HEADER + "".join(row + "\n" for row in rows))
    try:
        table = opensim.TimeSeriesTableVec3("m.trc")
    except Exception as error:
        found = "Error reading rows" if "Error reading rows" in str(error) else str(error)
        print(f"{name}: refused: {found}")
        return found
    point = table.getDependentColumn("B")[1]
    found = [point[k] for k in range(3)]
    print(f"{name}: {found}")
    return found


full, gap = "2\t0.01\t1\t2\t3\t4\t5\t6", "2\t0.01\t1\t2\t3\t\t\t"
assert last_point("full rows", full) == [4.0, 5.0, 6.0]
assert last_point("row that ends in empty cells", gap) == "Error reading rows"
assert all(math.isnan(x) for x in last_point("the same with one more tab", gap, "\t"))
assert last_point("full rows with one more tab", full, "\t") == [4.0, 5.0, 6.0]
PY
