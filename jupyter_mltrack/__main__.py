"""`python -m jupyter_mltrack VERB ...`: the same as `jupyter mltrack VERB ...`."""

import sys

from jupyter_mltrack.cli import main

sys.exit(main())
