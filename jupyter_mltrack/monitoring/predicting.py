"""What the model says of the reference and of new data, where it may be loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mltrack.errors import MltrackError

if TYPE_CHECKING:
    import pandas as pd

    from jupyter_mltrack.deployments.subject import Subject
    from jupyter_mltrack.workspaces import Workspace

_ROWS_AT_ONCE = 10_000


class Model:
    """A model that is loaded when it is first asked, if that is agreed to.

    Args:
        workspace: whose model.
        subject: which.
        trust: the answer given ahead.
    """

    def __init__(self, workspace: Workspace, subject: Subject, *, trust: bool) -> None:
        self._workspace = workspace
        self._subject = subject
        self._trust = trust
        self._path: Any = None
        self._signature: Any = None
        self._loaded: Any = None

    def inputs(self) -> list[str]:
        """Names of its inputs; none where the signature names none. Loads nothing.

        Raises:
            MltrackError: its files cannot be read.
        """
        self._fetch()
        inputs = getattr(self._signature, "inputs", None)
        if inputs is None or inputs.is_tensor_spec() or not inputs.has_input_names():
            return []
        return [str(one.name) for one in inputs.inputs]

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Its answers as columns, one row for each of `frame`.

        Raises:
            ConsentNeeded: the model was not made here and nobody agreed to load it.
            MltrackError: the data does not fit, or the model cannot be loaded or fails.
        """
        import pyarrow as pa

        from jupyter_mltrack.scoring import fitting
        from jupyter_mltrack.scoring.data import FrameSource
        from jupyter_mltrack.scoring.predictions import Columns

        model = self._load()
        title = self._subject.title
        fit = fitting.fit(self._signature, FrameSource(frame, "the data"), title)
        given = frame if fit.inputs is None else frame[fit.inputs]
        given = fitting.cast_frame(given, fit.casts)
        columns = Columns(self._signature, [])
        made = []
        for at in range(0, len(given), _ROWS_AT_ONCE):
            part = given.iloc[at : at + _ROWS_AT_ONCE]
            try:
                value = model.predict(part)
            except Exception as error:
                raise MltrackError(f"{title} failed: {type(error).__name__}: {error}") from error
            made.append(columns.of(value, len(part)))
        found: pd.DataFrame = pa.concat_tables(made).to_pandas()
        return found

    def _fetch(self) -> None:
        if self._path is not None:
            return
        from mlflow.models import Model as Files

        from jupyter_mltrack.models import fetching

        fetched = fetching.fetch(self._workspace, self._subject.source)
        try:
            self._signature = Files.load(str(fetched.path)).signature
        except Exception as error:
            raise MltrackError(
                f"The files of {self._subject.title} cannot be read: {error}", "Log it anew."
            ) from error
        self._path = fetched

    def _load(self) -> Any:
        if self._loaded is None:
            import mlflow.pyfunc

            from jupyter_mltrack.models import trust

            self._fetch()
            trust.permit(self._path, self._subject.title, trust=self._trust)
            try:
                self._loaded = mlflow.pyfunc.load_model(str(self._path.path))
            except Exception as error:
                raise MltrackError(
                    f"{self._subject.title} cannot be loaded: {type(error).__name__}: {error}"
                ) from error
        return self._loaded
