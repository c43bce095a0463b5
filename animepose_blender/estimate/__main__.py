"""`python -m animepose_blender.estimate --job JOB.json`: the worker that Blender and the command line start."""

import os
import sys

# The solve's matrices are small: OpenBLAS's threads only wait for each other over them, which on a busy machine takes
# ten times as long. To be set before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Workers that share a machine share its processors as well.
if "ANIMEPOSE_THREADS" in os.environ:
    os.environ.setdefault("OPENCV_FOR_THREADS_NUM", os.environ["ANIMEPOSE_THREADS"])

from .worker import main

if __name__ == "__main__":
    sys.exit(main())
