"""Parts of `bench_scene.py`: what the benchmark compares us with, and what it gives us of the truth."""
