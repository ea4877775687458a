"""Where cards are: a folder of this machine, or object storage."""
