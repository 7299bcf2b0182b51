"""All that one deploy to Azure works with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from jupyter_mltrack.azure.manage.place import Place
    from jupyter_mltrack.deployments.azure.model_there import There
    from jupyter_mltrack.deployments.jobs import Order
    from jupyter_mltrack.deployments.subject import Subject
    from jupyter_mltrack.models.fetching import Fetched


class Task(NamedTuple):
    """One deploy.

    Attributes:
        place: the workspace that is deployed in.
        location: its region.
        order: what to do.
        found: the model, in the workspace that it comes from.
        fetched: its files.
        step: called with each step of the job.
        mark: the job's id, which each thing that it makes carries.
        there: the model in the workspace that is deployed in, once it is there.
    """

    place: Place
    location: str
    order: Order
    found: Subject
    fetched: Fetched
    step: Callable[..., None]
    mark: str
    there: There | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What was said about the target."""
        return dict(self.order.options)

    @property
    def model(self) -> str:
        """ARM id of the model."""
        assert self.there is not None
        return self.there.arm_id

    def telling(self, name: str, title: str) -> Callable[[str], None]:
        """What tells of a step's going on."""
        return lambda detail: self.step(name, title, "running", detail)
