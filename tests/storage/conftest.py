"""What the tests of storage share."""

from tests.postgres import postgres, postgres_server, postgres_url
from tests.storage.s3 import _s3_server, s3, where

__all__ = ["_s3_server", "postgres", "postgres_server", "postgres_url", "s3", "where"]
