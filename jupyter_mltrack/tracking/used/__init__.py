"""What a tracked cell used: frames, arrays and files, and the cells that its names came from.

On the cell's own path only references and small samples are taken, within a budget of
milliseconds; reading the source, digests and files is the work of a thread of ours.
"""

from jupyter_mltrack.tracking.used.ledger import CellLedger
from jupyter_mltrack.tracking.used.uses import Uses

__all__ = ["CellLedger", "Uses"]
