"""Experiment tracking that lives in the notebook."""
