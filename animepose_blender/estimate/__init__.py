"""The worker: from a video to a take. Never imports bpy."""
