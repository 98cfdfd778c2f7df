#!/bin/bash
# memory_test.sh HEAPSIM TRACE FLAGS...: `heapsim check` as a Bazel test (tools/memory_test.bzl).
set -eu
tool=$1
shift
outputs=()
# Bazel reads the test cases from here.
[ -z "${XML_OUTPUT_FILE:-}" ] || outputs+=("--junit=$XML_OUTPUT_FILE")
[ -z "${TEST_UNDECLARED_OUTPUTS_DIR:-}" ] ||
  outputs+=("--markdown=$TEST_UNDECLARED_OUTPUTS_DIR/check.md")
exec "$tool" check "$@" "${outputs[@]}"
