"""Name the system libraries that Blender as a package needs and this machine lacks.

Blender's package brings almost everything itself but links against the window system, even where no window is ever
opened. OpenCV, MediaPipe, PyAV and torch need nothing beyond what these bring along.

Run by `scripts/setup` and `.ci/run` with any Python 3, before anything is installed. Prints the names of the missing
Debian packages, one a line, and ends with 1 if there are any. Other systems than Linux need none.
"""

from __future__ import annotations

import ctypes
import sys

DEBIAN_PACKAGE = {
    # what `ldd bpy/__init__.so` finds outside the package and beyond the C and C++ libraries
    "libX11.so.6": "libx11-6",
    "libXrender.so.1": "libxrender1",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
    "libXext.so.6": "libxext6",
    "libGL.so.1": "libgl1",
    # opened when something is drawn through OpenGL without a window
    "libEGL.so.1": "libegl1",
}


def missing_packages() -> list[str]:
    """Debian packages of the libraries that cannot be loaded, in the order of the table."""
    if not sys.platform.startswith("linux"):
        return []
    return [package for library, package in DEBIAN_PACKAGE.items() if not _loads(library)]


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    packages = missing_packages()
    print("\n".join(packages), end="\n" if packages else "")
    sys.exit(1 if packages else 0)
