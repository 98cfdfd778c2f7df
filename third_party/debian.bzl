"""Libraries of Debian packages as external repositories, under the labels their projects use.

Their headers lie in /usr/include, which the compiler searches anyway; a repository therefore only
holds cc_library targets with the flags to link, as pkg-config tells them when the repository is
fetched (after an upgrade of the packages: `./bazelw sync --configure`).
"""

def _run_pkg_config(repository_ctx, modules):
    if not modules:
        return []
    result = repository_ctx.execute(["pkg-config", "--libs"] + modules)
    if result.return_code != 0:
        fail("pkg-config does not know %s: %s (./bazelw installs what is missing)" %
             (", ".join(modules), result.stderr))
    return [flag for flag in result.stdout.strip().split(" ") if flag]

def _debian_library_impl(repository_ctx):
    for link, target in repository_ctx.attr.links.items():
        if not repository_ctx.path(target).exists:
            fail("%s does not exist (./bazelw installs what is missing)" % target)
        repository_ctx.symlink(target, link)

    rules = {"": [repository_ctx.attr.build]}
    for label, words in repository_ctx.attr.libraries.items():
        package, _, name = label.partition(":")
        flags = [word for word in words if word.startswith("-")]
        deps = [word for word in words if word.startswith(":")]
        modules = [word for word in words if word[0] not in "-:"]
        rules.setdefault(package, []).append(
            "cc_library(name = %r, linkopts = %r, deps = %r)\n" %
            (name, flags + _run_pkg_config(repository_ctx, modules), deps),
        )
    for package, texts in rules.items():
        repository_ctx.file(
            (package + "/BUILD").lstrip("/"),
            "package(default_visibility = [\"//visibility:public\"])\n\n" + "\n".join(texts),
        )

_debian_library = repository_rule(
    implementation = _debian_library_impl,
    doc = "One repository over libraries that Debian packages have installed.",
    attrs = {
        "build": attr.string(doc = "further text of the root BUILD file"),
        "libraries": attr.string_list_dict(
            doc = "package:name -> words: a pkg-config module, a linker flag or a dependency's :name",
        ),
        "links": attr.string_dict(doc = "path in the repository -> path on the system"),
    },
    configure = True,
    environ = ["PATH", "PKG_CONFIG_PATH"],
)

# Abseil's Bazel packages -> their targets. The pkg-config module is absl_TARGET but for _ABSL_MODULES.
_ABSL = {
    "absl/algorithm": ["algorithm", "container"],
    "absl/base": ["base", "config", "core_headers", "dynamic_annotations", "endian"],
    "absl/cleanup": ["cleanup"],
    "absl/container": [
        "btree",
        "fixed_array",
        "flat_hash_map",
        "flat_hash_set",
        "inlined_vector",
        "node_hash_map",
        "node_hash_set",
    ],
    "absl/debugging": ["demangle_internal", "failure_signal_handler", "stacktrace", "symbolize"],
    "absl/functional": ["any_invocable", "bind_front", "function_ref"],
    "absl/hash": ["hash"],
    "absl/memory": ["memory"],
    "absl/meta": ["type_traits"],
    "absl/numeric": ["bits", "int128"],
    "absl/random": ["random", "bit_gen_ref", "distributions"],
    "absl/status": ["status", "statusor"],
    "absl/strings": ["cord", "str_format", "strings"],
    "absl/synchronization": ["synchronization"],
    "absl/time": ["civil_time", "time"],
    "absl/types": ["any", "optional", "span", "variant"],
    "absl/utility": ["utility"],
}

_ABSL_MODULES = {
    "absl/algorithm:container": "absl_algorithm_container",
    "absl/random:bit_gen_ref": "absl_random_bit_gen_ref",
    "absl/random:distributions": "absl_random_distributions",
    "absl/random:random": "absl_random_random",
}

def _absl_libraries():
    libraries = {}
    for package, names in _ABSL.items():
        for name in names:
            label = package + ":" + name
            libraries[label] = [_ABSL_MODULES.get(label, "absl_" + name)]
    return libraries

# The messages that protobuf brings along. descriptor.proto is what custom options extend.
_WELL_KNOWN_PROTOS = ["any", "descriptor", "duration", "empty", "field_mask", "struct", "timestamp", "wrappers"]

def _protobuf_build():
    # The attribute's old name is the one that Bazel 4.2 knows.
    text = """
exports_files(["protoc"])
proto_lang_toolchain(
    name = "cc_toolchain",
    blacklisted_protos = %r,
    command_line = "--cpp_out=$(OUT)",
    runtime = ":protobuf",
)
""" % [":%s_proto" % name for name in _WELL_KNOWN_PROTOS]
    for name in _WELL_KNOWN_PROTOS:
        text += "proto_library(name = \"%s_proto\", srcs = [\"google/protobuf/%s.proto\"])\n" % (name, name)
    return text

def debian_libraries():
    """Declares every library of this workspace."""
    _debian_library(
        name = "com_google_absl",
        libraries = _absl_libraries(),
    )
    _debian_library(
        name = "com_google_protobuf",
        build = _protobuf_build(),
        libraries = {":protobuf": ["protobuf"]},
        links = {
            "google/protobuf": "/usr/include/google/protobuf",
            "protoc": "/usr/bin/protoc",
        },
    )
    _debian_library(
        name = "com_google_googletest",
        libraries = {
            ":gtest": ["gmock", "gtest"],
            ":gtest_main": ["gmock_main", ":gtest"],
        },
    )
    _debian_library(
        name = "com_github_google_benchmark",
        libraries = {
            ":benchmark": ["benchmark"],
            ":benchmark_main": ["-lbenchmark_main", ":benchmark"],
        },
    )
    _debian_library(name = "zstd", libraries = {":zstd": ["libzstd"]})
    _debian_library(name = "zlib", libraries = {":zlib": ["zlib"]})
    _debian_library(name = "sqlite3", libraries = {":sqlite3": ["sqlite3"]})
    _debian_library(name = "libzip", libraries = {":zip": ["libzip"]})
    _debian_library(name = "nlopt", libraries = {":nlopt": ["nlopt"]})
    _debian_library(name = "xxhash", libraries = {":xxhash": ["libxxhash"]})

    # Headers only.
    _debian_library(name = "nlohmann_json", libraries = {":json": []})
    _debian_library(name = "cli11", libraries = {":cli11": []})
