"""What all tests share."""

import os

from hypothesis import settings

# In CI the same examples every time; elsewhere new ones, so that they are searched on and on.
settings.register_profile("ci", derandomize=True, database=None, deadline=None)
settings.register_profile("search", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "search")
