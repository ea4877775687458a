"""Formats of recorded runs, a module or a folder each, and what they share."""
