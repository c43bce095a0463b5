"""Cleanup of the channels of any armature's action: reading, filtering by `core/cleanup`, writing back, operators."""
