"""How asking a model fails."""


class StoppedError(Exception):
    """Nothing more is asked: a limit is reached, or the endpoint refuses everything."""


class LimitReachedError(StoppedError):
    """The next call may exceed a limit. The message says which."""


class UnansweredError(Exception):
    """One question got no answer that can be used: an error, or nonsense."""


class NonsenseError(UnansweredError):
    """The model answered, twice, what is not an answer to the question."""
