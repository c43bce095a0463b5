"""Pure functions that both processes use. numpy only: Blender ships no SciPy."""
