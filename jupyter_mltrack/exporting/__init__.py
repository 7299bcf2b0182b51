"""Ways out of the notebook: a plain script, a run as a notebook or a page, a notebook as a batch.

Nothing here is imported when the extension is loaded.
"""
