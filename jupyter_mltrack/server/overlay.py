"""Lay over a row of the store what the live index knows better."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jupyter_mltrack import wire


def laid_over(
    run: wire.RunSummary, live: wire.RunSummary | None, columns: Sequence[str] | None
) -> wire.RunSummary:
    """The store's row with newer values; `columns` as the list was asked for."""
    if live is None:
        return run
    newest = {value.key: value for value in run.metrics}
    newest.update({value.key: value for value in live.metrics})
    keys = [value.key for value in live.metrics]
    keys += [value.key for value in run.metrics if value.key not in set(keys)]
    if columns is not None:
        held = {value.key for value in run.metrics}
        keys = [key for key in keys if key in held or f"metrics.{key}" in columns]
    return msgspec.structs.replace(
        run,
        status=live.status,
        end_ms=live.end_ms,
        error=live.error or run.error,
        live=live.live,
        metrics=[newest[key] for key in keys],
    )


def as_here(run: wire.LiveRun, notebook_path: str) -> wire.LiveRun:
    """A live run of this machine with its notebook as the server names it, and what can stop it."""
    from jupyter_mltrack.jobs import stopping

    may_be_job = not run.kernel_id and run.summary.status in ("RUNNING", "SCHEDULED")
    job = may_be_job and stopping.has_folder(run.summary.run_id)
    return msgspec.structs.replace(run, notebook_path=notebook_path, job=job)
