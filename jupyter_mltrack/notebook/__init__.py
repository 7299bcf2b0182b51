"""The magics, the hooks around cells, and what a cell shows; nothing is imported here."""
