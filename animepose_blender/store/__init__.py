"""The weight store: which networks there are, which are here, and how they come and go. Standard library only.

Both processes use it: the command line and Blender fetch, verify and import; the worker only looks up what is here.
"""
