"""Keep what a store told of an ended run as a series file, so that it is read once only."""

from __future__ import annotations

import errno
from collections.abc import Collection
from pathlib import Path

from jupyter_mltrack.errors import WorkspaceError
from jupyter_mltrack.journal import series as series_files
from jupyter_mltrack.journal.columns import BYTES_PER_POINT, Points
from jupyter_mltrack.journal.facts import RunFacts


def keep_copy(
    data_dir: Path,
    facts: RunFacts,
    columns: dict[str, Points],
    stamp: str,
    every: Collection[str] | None,
) -> None:
    """Keep metrics of an ended run that were read from its store, beside those kept before.

    What journals of this machine told stays as it is; a copy with another stamp is replaced.

    Args:
        data_dir: where series files lie.
        facts: of the run.
        columns: whole histories of some metrics.
        stamp: what the store said of the run; see `runs.points`.
        every: all metrics of the run; None where they are too many to be known.

    Raises:
        OSError: the file cannot be written.
    """
    from jupyter_mltrack.journal.progress import replace_file
    from jupyter_mltrack.settings import ensure_private_dir

    path = series_files.path_of(data_dir, facts.workspace_id, facts.run_id)
    known = series_files.load(data_dir, facts.workspace_id, facts.run_id)
    if known is not None and known.stamp is None:
        return
    run = series_files.KeptRun(facts)
    run.columns = {**(known.columns if known and known.stamp == stamp else {}), **columns}
    run.complete = every is not None and run.columns.keys() >= set(every)
    if (
        BYTES_PER_POINT * sum(points.total for points in run.columns.values())
        > series_files.RUN_FILE_BYTES_MAX
    ):
        return
    try:
        ensure_private_dir(path.parent)
    except WorkspaceError as error:
        raise PermissionError(errno.EPERM, error.message) from error
    replace_file(path, series_files.frame(f"{series_files.COPY_MARK}{stamp}", 1, run, full=False))
    series_files.trim(data_dir, series_files.SERIES_BYTES_MAX)
