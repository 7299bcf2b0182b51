"""The page of a run: what it shows beside curves and numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mltrack import wire
from jupyter_mltrack.exporting import run_figures, run_page
from jupyter_mltrack.journal import kept
from jupyter_mltrack.settings import data_dir
from jupyter_mltrack.workspaces import resolve

RUN = wire.RunId("a" * 32)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MLTRACK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(run_figures, "BYTES_MAX", 1_000)
    workspace = resolve(f"sqlite:///{tmp_path}/none.db")
    place = kept.folder(data_dir(), workspace.id, RUN)
    kept.write(place, "figures/fit <b>.png", b"picture")
    kept.write(place, "figures/drawn.svg", SVG)
    kept.write(place, "figures/large.png", b"0" * 2_000)
    kept.write(place, "figures/chart.json", b"{}")
    summary = wire.RunSummary(
        run_id=RUN, workspace_id=workspace.id, experiment_id=None, experiment=None, name="net",
        status="FINISHED", start_ms=1_000, end_ms=2_000, metrics=[],
    )  # fmt: skip
    data = wire.DataInfo(name="train", digest="12ab", shape=[1500, 3], context="used")
    about = wire.RunAbout(run_id=RUN, data=[data])
    return run_page.text_of(
        wire.RunDetail(summary=summary, params=[], tags=[]), about, workspace, None
    )


def test_a_page_has_the_figures_of_its_run_in_it_and_says_what_is_too_large(page: str) -> None:
    assert '<img alt="fit &lt;b&gt;" src="data:image/png;base64,cGljdHVyZQ==">' in page
    assert 'src="data:image/svg+xml;base64,' in page
    assert "<script" not in page
    assert "chart" not in page
    assert "<p>Not shown here: 1 among the run's artifacts.</p>" in page


def test_a_page_names_the_data_of_its_run(page: str) -> None:
    assert "1,500 x 3" in page
    assert "12ab" in page
