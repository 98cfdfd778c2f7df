#!/bin/sh
echo "bazel coverage needs Bazel's own lcov merger, which this workspace does not bring" >&2
exit 1
