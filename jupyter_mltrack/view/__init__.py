"""What a tracked cell shows of its runs: one line each, and under it curves and a table.

Kernel and server make the same view. It stands alone: no script, no network, colours that are
legible on white and on black where no theme gives them; so a saved, mailed or exported notebook
shows what the page showed. Nothing here knows IPython or asks a store.
"""

from jupyter_mltrack.view.card import MARKS, Shown, live_line, shown_runs

__all__ = ["MARKS", "Shown", "live_line", "shown_runs"]
