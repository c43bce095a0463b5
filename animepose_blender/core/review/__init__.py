"""Looking over a take and mending its tracks, numpy alone: what was seen, what is doubtful, and edits laid over it."""
