"""Memory as a test: the replay of a trace held to limits."""

def _is_label(text):
    return text.startswith("//") or text.startswith(":") or text.startswith("@")

def heapsim_memory_test(name, trace, limits, policy = "go1.10", baseline = None, flags = [], **kwargs):
    """A test that runs `heapsim check` and fails where a limit is broken, saying why.

    The verdict is in the test's XML, a limit a test case, and as a table in its undeclared outputs.

    Args:
      name: of the test.
      trace: label of the trace, in any format that heapsim reads.
      limits: either a list such as ["memory.peak_rss_bytes<=12MiB"], or the label of a limits file
        (proto/limits.proto), which can also give names and reasons.
      policy: a policy's name, or the label of a .textproto.
      baseline: label of what `heapsim check --update` wrote; relative limits ("<=+2%") need it.
      flags: further flags of `check`, for instance ["--seed=2"].
      **kwargs: for the test (size, tags, ...).
    """
    data = ["//sim:heapsim", trace]
    args = ["$(rootpath //sim:heapsim)", "$(rootpath %s)" % trace]
    if _is_label(policy):
        data.append(policy)
        policy = "$(rootpath %s)" % policy
    args.append("--policy=" + policy)
    if baseline:
        data.append(baseline)
        args.append("--baseline=$(rootpath %s)" % baseline)
    if type(limits) == "list":
        # Quoted for the shell that splits a test's arguments.
        args += ["'--limit=%s'" % limit for limit in limits]
    else:
        data.append(limits)
        args.append("--limits=$(rootpath %s)" % limits)
    args += flags
    if "size" not in kwargs:
        kwargs["size"] = "small"
    native.sh_test(
        name = name,
        srcs = ["//tools:memory_test.sh"],
        args = args,
        data = data,
        **kwargs
    )
