"""Motion onto rigs of the animator's own: reading, probing, sampling and writing, and the panels for it."""
