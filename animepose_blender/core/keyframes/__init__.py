"""Animation curves as Blender draws them, and motion described by as few keys as an error in millimetres allows."""
