"""Networks of the public model hub, run by `transformers`: detectors, masks, keypoints, depth. The only part of the
worker, beside `models/`, that imports torch; the presets that need no such network never import it."""
