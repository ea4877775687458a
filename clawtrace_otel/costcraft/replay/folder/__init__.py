"""Runs that read and write files and cells of spreadsheets in a folder."""
