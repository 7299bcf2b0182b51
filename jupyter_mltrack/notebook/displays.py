"""Hear what cells show: figures, images, tables, charts, and that a cell clears its output.

Only two calls of the shell are stood in for, the one that publishes and the one that writes the
last value of a cell; both do what they did, first. Hearing costs an append to a list. The title of
a figure of matplotlib is asked for when IPython formats it.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_TITLE_CHARACTERS = 200
_FIGURE = ("matplotlib.figure", "Figure")


class Displays:
    """Hears one shell."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._undo: list[Callable[[], None]] = []
        self._title = threading.local()

    def install(self) -> None:
        """Hear from now on."""
        publisher, hook = self._shell.display_pub, self._shell.displayhook
        self._stand_in(publisher, "publish", self._published)
        self._stand_in(publisher, "clear_output", self._cleared)
        self._stand_in(hook, "write_format_data", self._written)
        formatter = self._shell.display_formatter.mimebundle_formatter
        if formatter.type_printers.keys().isdisjoint({_FIGURE}) and (
            _FIGURE not in formatter.deferred_printers
        ):
            formatter.for_type_by_name(*_FIGURE, self._note_title)
            self._undo.append(lambda: formatter.deferred_printers.pop(_FIGURE, None))

    def remove(self) -> None:
        """Give the calls back."""
        while self._undo:
            self._undo.pop()()

    def _stand_in(self, owner: Any, name: str, then: Callable[..., None]) -> None:
        """Call `then` with the arguments of each call of `owner.name`, after the call."""
        original = getattr(owner, name, None)
        if original is None:
            return

        @functools.wraps(original)
        def heard(*args: Any, **kwargs: Any) -> Any:
            done = original(*args, **kwargs)
            try:
                then(*args, **kwargs)
            except Exception as error:
                from jupyter_mltrack.tracking import caution

                caution.trouble("displays", "A figure of this cell is not kept", error)
            return done

        before = vars(owner).get(name)
        setattr(owner, name, heard)

        def give_back() -> None:
            if vars(owner).get(name) is not heard:
                return  # somebody else has put a hand on it since
            if before is None:
                delattr(owner, name)
            else:
                setattr(owner, name, before)

        self._undo.append(give_back)

    # --------------------------------------------------------------------------- hearing

    def _published(
        self,
        data: Any,
        metadata: Any = None,
        *_: Any,
        transient: Any = None,
        update: bool = False,
        **__: Any,
    ) -> None:
        title, self._title.text = getattr(self._title, "text", ""), ""
        if isinstance(metadata, dict) and "mltrack" in metadata:
            return  # a line of ours
        self._tell(data, title, str((transient or {}).get("display_id", "")), update)

    def _written(self, data: Any, _metadata: Any = None, *_: Any, **__: Any) -> None:
        title, self._title.text = getattr(self._title, "text", ""), ""
        self._tell(data, title, "", update=False)

    def _cleared(self, *_: Any, **__: Any) -> None:
        self._tell(None, "", "", update=False)

    def _tell(self, data: Any, title: str, display_id: str, update: bool) -> None:
        from jupyter_mltrack.tracking.lineage import current_context

        context = current_context()
        if context is None:
            return
        from jupyter_mltrack.tracking import remembering

        remembering.shown(context, data, title, display_id, is_update=update)

    def _note_title(self, figure: Any, *_: Any, **__: Any) -> None:
        """Note the title of a figure that is about to be published."""
        try:
            suptitle = getattr(figure, "_suptitle", None)
            titles = [suptitle.get_text() if suptitle is not None else ""]
            titles += [axes.get_title() for axes in figure.axes[:1]]
            titles.append(figure.get_label())
            found = next((text for text in titles if isinstance(text, str) and text.strip()), "")
            self._title.text = found[:_TITLE_CHARACTERS]
        except Exception:  # a figure in an odd state is shown without our help
            self._title.text = ""
