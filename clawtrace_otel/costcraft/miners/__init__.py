"""The analyst ``rules``: patterns that a program finds in runs, without any model or network."""
