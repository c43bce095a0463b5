"""`python -m animepose_blender.estimate --job JOB.json`: the worker that Blender and the command line start."""

import os
import sys

from ..protocol import THREADS_VARIABLE

# The solve's matrices are small: OpenBLAS's threads only wait for each other over them, which on a busy machine takes
# ten times as long. To be set before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Workers that share a machine share its processors as well.
if THREADS_VARIABLE in os.environ:
    os.environ.setdefault("OPENCV_FOR_THREADS_NUM", os.environ[THREADS_VARIABLE])

from .worker import main

if __name__ == "__main__":
    sys.exit(main())
