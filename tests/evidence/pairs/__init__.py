"""Pairs of recorded calls, and what a reader said of each."""
