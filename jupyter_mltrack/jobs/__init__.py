"""The only door to cells and scripts that run elsewhere.

A job is a run: both have one id. A keeper process of its own follows each job, so closing the
notebook, the kernel or the Jupyter server loses nothing; whoever looks later reads the same folder.
Where a job runs is a backend's matter (`door`), found by the word before the colon of `--on`.

The package is also the verb: `jupyter_mltrack.jobs()` calls it, and the functions are its members,
because one name cannot be both otherwise.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.jobs.folders import cancel, find, get, listed, log_text, resume, wait
from jupyter_mltrack.jobs.returning import results
from jupyter_mltrack.jobs.stopping import remove, stop_run
from jupyter_mltrack.jobs.submitting import submit_cell, submit_file

__all__ = [
    "cancel",
    "find",
    "get",
    "listed",
    "log_text",
    "remove",
    "results",
    "resume",
    "stop_run",
    "submit_cell",
    "submit_file",
    "wait",
]


class _JobsVerb(ModuleType):
    """The package itself, callable as the verb `jobs`."""

    def __call__(self, *args: Any, **keywords: Any) -> wire.JobList | wire.SubmittedJob:
        from jupyter_mltrack.verbs import job_acts

        return job_acts.jobs(*args, **keywords)


sys.modules[__name__].__class__ = _JobsVerb
