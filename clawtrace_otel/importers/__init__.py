"""Recorded spans from files, as the receivers would have delivered them."""
