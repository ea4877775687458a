"""The commands of the ``clawtrace`` program, one a module."""
