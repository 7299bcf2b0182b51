"""Services on this machine that real, unmodified clients take for the far ones. Never part of the package."""
