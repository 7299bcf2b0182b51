"""`jupyter nbconvert --to mltrack-script`, and the same in JupyterLab's menu of exports."""

from __future__ import annotations

from typing import Any

from nbconvert.exporters.exporter import Exporter


class ScriptExporter(Exporter):  # type: ignore[misc]  # nbconvert has no types of its own
    """Writes a notebook as a script that runs without IPython; see `script`."""

    export_from_notebook = "MLTrack script"
    output_mimetype = "text/x-python"

    def _file_extension_default(self) -> str:
        return ".py"

    def from_notebook_node(
        self, nb: Any, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """The script, and nbconvert's resources."""
        from jupyter_mltrack.exporting.script import hides_a_module, script_of
        from jupyter_mltrack.tracking import choice

        made, about = super().from_notebook_node(nb, resources, **options)
        name = about.get("metadata", {}).get("name") or "notebook"
        title = f"{name}.ipynb as a script: jupyter nbconvert --to mltrack-script"
        if hides_a_module(name):
            title += f"\n# Give it another name: {name}.py hides the module {name}."
            self.log.warning("%s.py hides the module %s: give it another name.", name, name)
        chosen = choice.settings_for_runs()
        literals, value = chosen.params == "auto", chosen.last_value
        return script_of(made, title, literals=literals, last_value=value), about
