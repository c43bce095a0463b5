"""Parts of `bench_motion.py`: what our motion is compared with, how it is measured, and the pictures of it."""
