"""Azure Machine Learning on this machine, for the real clients; `core.py` says how modules hang in."""
