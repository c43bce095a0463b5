"""Rendered scenes of moving people with an exact truth: bodies, motion, clothes, a room, a camera.

Each module has one idea and is usable alone, so that a benchmark of many clips can be rendered with the same parts:
`mesh` shapes a body, `mocap`, `motion`, `feet` and `couple` move it, `clothing` dresses it, `room`, `camera` and
`render` draw it, `video` makes a clip of it, `truth` says where it is.
Coordinates are Blender's (metres, Z up, floor at z = 0; a person at rest looks along -Y, its left is +X).
"""
