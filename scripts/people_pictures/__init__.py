"""Training pictures of people: MakeHuman bodies in recorded poses, rendered by OpenGL with their exact truth."""
