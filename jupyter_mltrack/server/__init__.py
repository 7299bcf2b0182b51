"""The Jupyter server extension; `jupyter_mltrack` names it to the server."""

from __future__ import annotations

__all__: list[str] = []
