"""From one humanoid's motion to another's channels, numpy alone: slots, rest poses, transfer, pinned feet, channels."""
