"""Writes files into a C++ source: embed.py NAME NAMESPACE OUT.h OUT.cc FILE...

OUT.h declares `absl::Span<const EmbeddedFile> NAME()`: base names and contents in the order given.
"""

import os
import sys


def literal(data):
    """C++ string literals for bytes, one a line of the source file."""
    pieces = []
    for line in data.splitlines(keepends=True) or [b""]:
        # Octal escapes have at most three digits, so a digit that follows is no part of them.
        pieces.append('"' + "".join(
            chr(c) if 32 <= c < 127 and chr(c) not in '"\\?' else f"\\{c:03o}" for c in line) + '"')
    return "\n    ".join(pieces)


def main():
    name, namespace, header, source, *files = sys.argv[1:]
    guard = header.split("/bin/")[-1].replace("/", "_").replace(".", "_").replace("-", "_").upper() + "_"
    with open(header, "w") as out:
        out.write(f"""#ifndef {guard}
#define {guard}

#include "absl/types/span.h"
#include "tools/embedded_file.h"

namespace {namespace} {{
absl::Span<const heapsim::EmbeddedFile> {name}();
}}

#endif
""")
    with open(source, "w") as out:
        out.write(f'#include "{header.split("/bin/")[-1]}"\n\nnamespace {namespace} {{\n\n'
                  "static const heapsim::EmbeddedFile kFiles[] = {\n")
        for path in files:
            with open(path, "rb") as file:
                data = file.read()
            out.write(f'    {{"{os.path.basename(path)}", absl::string_view(\n    {literal(data)}, {len(data)})}},\n')
        out.write(f"}};\n\nabsl::Span<const heapsim::EmbeddedFile> {name}() {{ return kFiles; }}\n\n}}\n")


main()
