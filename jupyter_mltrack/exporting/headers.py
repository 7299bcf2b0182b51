"""`%%track ...` as the call of `jupyter_mltrack.track` that does the same."""

from __future__ import annotations

from typing import Any

from jupyter_mltrack.exporting.magics import RAN_HERE, quoted, text_of


def call_of(
    line: str,
    settings: dict[str, object],
    parameters: list[str],
    value: str = "",
    *,
    literals: bool = True,
) -> tuple[str, list[str]]:
    """The call, and notes on what a script cannot do.

    Args:
        line: what stands behind `%%track`.
        settings: what `%config MLTrack` has set above; takes that a job's cell ran.
        parameters: names of the notebook's own parameters: they are parameters of every run.
        value: expression for the numbers that the cell ends with; empty without.
        literals: whether literal assignments become parameters where nothing is said.

    Raises:
        UsageError: the header is wrong; the notebook's cell would not run either.
    """
    from jupyter_mltrack.notebook.header import metric, pair, parsed, refuse_two
    from jupyter_mltrack.notebook.magics import MLTrack

    said = parsed(MLTrack.track, line)
    refuse_two(said)
    tags = [pair("--tag", text) for text in said.tag]
    metrics = [metric(text) for text in said.metric]
    words = [text_of(said.name)] if said.name else []
    options: dict[str, str] = {}
    experiment = said.experiment or settings.get("experiment")
    if experiment:
        options["experiment"] = text_of(str(experiment))
    options |= _params(said.param, settings, parameters, literals=literals)
    if metrics:
        pairs = [f"{quoted(name)}: lambda: {expression}" for name, expression in metrics]
        options["metrics"] = f"{{{', '.join(pairs)}}}"
    if value:
        options["value"] = f"lambda: {value}"
    if tags:
        pairs = [f"{text_of(name)}: {text_of(value)}" for name, value in tags]
        options["tags"] = f"{{{', '.join(pairs)}}}"
    options |= _plain_options(said, settings)
    if said.on:
        settings[RAN_HERE] = True
    words += [f"{name}={value}" for name, value in options.items()]
    return f"jupyter_mltrack.track({', '.join(words)})", _notes(said)


def _params(
    asked: list[str], settings: dict[str, object], parameters: list[str], *, literals: bool
) -> dict[str, str]:
    if "none" in asked:
        names = []
    elif "auto" in asked or (settings.get("params") or ("auto" if literals else "none")) == "auto":
        names = ["auto"]
    else:
        names = []
    names += [name for name in asked if name not in ("auto", "none")]
    names += [name for name in parameters if name not in names]
    if not names:
        return {}
    listed = ", ".join(map(quoted, names))
    return {"params": quoted(names[0]) if names == ["auto"] else f"[{listed}]"}


def _plain_options(said: Any, settings: dict[str, object]) -> dict[str, str]:
    found: dict[str, str] = {}
    if said.nested:
        found["nested"] = "True"
    for name in ("parent", "resume"):
        value = getattr(said, name)
        if value:
            found[name] = text_of(value)
    autolog = settings.get("autolog") if said.autolog is None else said.autolog
    if autolog is not None:
        found["autolog"] = repr(bool(autolog))
    if said.system_metrics or settings.get("system_metrics"):
        found["system_metrics"] = "True"
    if said.alert:
        found["alerts"] = f"[{', '.join(map(quoted, said.alert))}]"
    if said.quiet or settings.get("quiet"):
        found["quiet"] = "True"
    return found


def _notes(said: Any) -> list[str]:
    return [f"The cell ran --on {said.on}; here it runs in this process."] if said.on else []
