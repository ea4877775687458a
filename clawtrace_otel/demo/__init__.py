"""What `clawtrace demo` runs: a scripted model server and an agent that calls it."""
