"""`python -m animepose_blender.estimate --job JOB.json`: the worker that Blender and the command line start."""

import sys

from .worker import main

if __name__ == "__main__":
    sys.exit(main())
