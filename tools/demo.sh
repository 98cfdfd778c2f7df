#!/bin/bash
# Replays a sample trace and leaves the result files where the user stands (//:demo).
# Usage: demo.sh HEAPSIM TRACE
set -eu
tool=$(realpath "$1")
trace=$(realpath "$2")
cd "${BUILD_WORKING_DIRECTORY:-.}"
"$tool" replay "$trace" --json=heapsim-demo.json --csv=heapsim-demo.csv
cat <<TEXT

The whole result is in $PWD/heapsim-demo.json,
memory over time in    $PWD/heapsim-demo.csv
TEXT
