"""Files of the source tree inside a binary."""

load("@rules_cc//cc:defs.bzl", "cc_library")

def cc_embed(name, srcs, function, namespace, **kwargs):
    """A cc_library whose header <name>.h declares a function that returns the files.

    Args:
      name: of the library and its header.
      srcs: the files, of which the base names are kept.
      function: name of the function, which returns absl::Span<const heapsim::EmbeddedFile>.
      namespace: where the function is declared.
      **kwargs: for the cc_library.
    """
    native.genrule(
        name = name + "_source",
        srcs = srcs,
        outs = [
            name + ".h",
            name + ".cc",
        ],
        cmd = "/usr/bin/python3 $(execpath //tools:embed.py) %s %s $(OUTS) $(SRCS)" % (function, namespace),
        tools = ["//tools:embed.py"],
    )
    cc_library(
        name = name,
        srcs = [name + ".cc"],
        hdrs = [name + ".h"],
        deps = [
            "//tools:embedded_file",
            "@com_google_absl//absl/strings",
            "@com_google_absl//absl/types:span",
        ],
        **kwargs
    )
