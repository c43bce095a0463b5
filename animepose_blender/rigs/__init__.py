"""Rig families: one data-only file each."""
