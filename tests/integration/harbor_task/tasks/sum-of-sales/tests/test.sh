#!/bin/sh
# The tests as CTRF, and 1 or 0 as the reward.
python3 /tests/check.py /app/answer.txt /logs/verifier
