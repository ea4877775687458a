"""Executed deletion: a recorded run again, call by call, without some of its calls.

What it shows: whether every other call would have had the same result, the environment would have
ended in the same state, and the oracle would have said the same. What it does not show: that the
agent would have made the same other calls. For a repeat that is plain, since the agent had seen the
same result before; for any other call it takes evidence that its result was used nowhere.
"""
