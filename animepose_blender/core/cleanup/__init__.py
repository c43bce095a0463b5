"""Filters for curves over time: pure functions on arrays, numpy alone.

They all take values (F, ...) with the time first and time_s (F,), seconds, increasing, evenly spaced or not. They
return new float64 arrays of the same shape. NaN means not known: a filter looks across it and leaves it,
`gaps.fill_gaps` fills it. Series in the further axes do not know of each other, unless `together` says that the last
axis holds the parts of one vector: then its length decides, so that the result does not depend on how the axes lie.
Rotations go through `rotations.on_rotations`.
"""
