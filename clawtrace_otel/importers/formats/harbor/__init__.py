"""Jobs of Harbor: trials and trajectories."""
