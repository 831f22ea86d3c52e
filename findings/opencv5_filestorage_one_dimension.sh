#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93 and 4.14.0.94 (pip): the same call, FileStorage.write of a numpy array
# of one dimension, makes two kinds of node. 4.x writes an opencv-matrix of 5 rows and 1 column, 5.x an
# opencv-nd-matrix with "sizes: [ 5 ]" and neither rows nor cols, so another reader of such files that
# knows only opencv-matrix misses distortion coefficients that 5.x wrote from a flat array. No number is
# lost between the two, but the shape depends on who reads: 5.x reads its own file as (5,), 4.x reads that
# file as (5, 1), and what 4.x wrote is (5, 1) to both. Arrays of two dimensions are the same in both.
# The first line differs too: "%YAML 1.2" from 5.x, "%YAML:1.0" from 4.x; each reads the other's.
#
# Output seen with these versions:
#   written by 5: %YAML 1.2, !!opencv-nd-matrix sizes: [ 5 ]
#     read by 5: (5,) [0.1, -0.2, 0.001, 0.002, 0.03]
#     read by 4: (5, 1) [0.1, -0.2, 0.001, 0.002, 0.03]
#   written by 4: %YAML:1.0, !!opencv-matrix rows: 5 cols: 1
#     read by 5: (5, 1) [0.1, -0.2, 0.001, 0.002, 0.03]
#     read by 4: (5, 1) [0.1, -0.2, 0.001, 0.002, 0.03]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for version in 5.0.0.93 4.14.0.94; do
    python3 -m venv "${version%%.*}"
    "${version%%.*}/bin/pip" install --quiet "opencv-python-headless==$version" "numpy>=2,<3"
done

cat > write.py <<'PY'
import sys

import cv2
import numpy as np

file = cv2.FileStorage(sys.argv[1], cv2.FILE_STORAGE_WRITE)
file.write("flat", np.array([0.1, -0.2, 0.001, 0.002, 0.03]))
file.write("square", np.eye(3))
file.release()
lines = open(sys.argv[1]).read().split("\n")
start = next(i for i, line in enumerate(lines) if line.startswith("flat:"))
stop = next(i for i, line in enumerate(lines) if i > start and line.strip().startswith("dt:"))
node = " ".join(line.strip() for line in lines[start:stop]).removeprefix("flat: ")
five = cv2.__version__.startswith("5.")
print(f"written by {cv2.__version__[0]}: {lines[0]}, {node}")
assert lines[0] == ("%YAML 1.2" if five else "%YAML:1.0"), "the first line has changed"
expected = "!!opencv-nd-matrix sizes: [ 5 ]" if five else "!!opencv-matrix rows: 5 cols: 1"
assert node == expected, "the node is no longer " + expected
PY
cat > read.py <<'PY'
import sys

import cv2
import numpy as np

file = cv2.FileStorage(sys.argv[1], cv2.FILE_STORAGE_READ)
flat, square = file.getNode("flat").mat(), file.getNode("square").mat()
print(f"  read by {cv2.__version__[0]}: {flat.shape} {flat.ravel().tolist()}")
own = sys.argv[1] == "5.yml" and cv2.__version__.startswith("5.")
assert flat.shape == ((5,) if own else (5, 1)), "the shape has changed"
assert flat.ravel().tolist() == [0.1, -0.2, 0.001, 0.002, 0.03], "the numbers have changed"
assert square.shape == (3, 3) and (square == np.eye(3)).all()
PY
for writer in 5 4; do
    "$writer/bin/python" write.py "$writer.yml"
    for reader in 5 4; do
        "$reader/bin/python" read.py "$writer.yml"
    done
done
