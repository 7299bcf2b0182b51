"""The live view as a widget, for pages that draw our MIME type not themselves (VS Code, Colab).

The widget holds two pieces of HTML that the kernel makes: the line and what it opens to. Its
script puts them into place and keeps what is open open, in the static form too where that comes
into the same place; it asks nothing of the kernel, whose main thread is at work. It is anywidget's
front-end module and no more: no import, no address. The packages are imported when the first
widget is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mltrack.view import live_line
from jupyter_mltrack.view.card import opened
from jupyter_mltrack.view.curves import curves_of

if TYPE_CHECKING:
    from jupyter_mltrack.view import Shown

VIEW_MIME = "application/vnd.jupyter.widget-view+json"
_SCRIPT = """
function put(node, html) {
  const parsed = new DOMParser().parseFromString(html, 'text/html');
  node.replaceChildren(...parsed.body.childNodes);
}
function openStatic(place, run) {
  const open = () => {
    const names = place.querySelectorAll('details.mltrack-View [data-mltrack-run]');
    const name = [...names].find((one) => one.dataset.mltrackRun === run);
    if (name) name.closest('details').open = true;
    return name;
  };
  if (open()) return;
  const observer = new MutationObserver(() => open() && observer.disconnect());
  observer.observe(place, { childList: true, subtree: true });
  setTimeout(() => observer.disconnect(), 5000);
}
function render({ model, el }) {
  const fold = document.createElement('details');
  const line = document.createElement('summary');
  const body = document.createElement('div');
  fold.style.fontFamily = 'var(--jp-code-font-family, var(--vscode-editor-font-family, monospace))';
  line.style.cssText = 'cursor:pointer;white-space:nowrap;overflow:hidden;text-overflow:ellipsis';
  body.style.cssText = 'font-size:.9em;margin:6px 0 6px 1.2em';
  fold.append(line, body);
  el.append(fold);
  const showLine = () => {
    put(line, model.get('line'));
    if (line.firstElementChild) line.firstElementChild.style.display = 'inline';
  };
  const showBody = () => put(body, fold.open ? model.get('body') : '');
  model.on('change:line', showLine);
  model.on('change:body', showBody);
  let place = null;
  let run = '';
  fold.addEventListener('toggle', () => {
    place = el.closest('.jp-OutputArea');
    run = line.querySelector('[data-mltrack-run]')?.dataset.mltrackRun;
    showBody();
  });
  showLine();
  return () => {
    if (fold.open && place) openStatic(place, run);
    model.off('change:line', showLine);
    model.off('change:body', showBody);
  };
}
export default { render };
"""


class RunWidget:
    """One widget of ours; `make` imports what it needs."""

    def __init__(self, widget: Any) -> None:
        self._widget = widget

    @classmethod
    def make(cls) -> RunWidget | None:
        """A new widget; None where anywidget is not installed."""
        try:
            import anywidget
            import traitlets
        except ImportError:
            return None
        kind = type(
            "RunView",
            (anywidget.AnyWidget,),
            {
                "_esm": _SCRIPT,
                "line": traitlets.Unicode().tag(sync=True),
                "body": traitlets.Unicode().tag(sync=True),
            },
        )
        return cls(kind())

    def show(self, run: Shown, now_ms: int) -> None:
        """Show how the run stands now."""
        self._widget.line = live_line(run, now_ms).html
        self._widget.body = opened(run, curves_of(run.columns), as_images=False)

    def bundle(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What has a page show the widget, and what Colab wants to be told beside it."""
        data, about = self._widget._repr_mimebundle_()
        return {VIEW_MIME: data[VIEW_MIME]}, about

    def close(self) -> None:
        """Take it off the page, and what it showed out of the state that a page may save."""
        self._widget.line = self._widget.body = ""
        self._widget.close()
