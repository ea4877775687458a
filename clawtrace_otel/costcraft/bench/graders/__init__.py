"""What says whether a run did its task: one way of grading a module."""
