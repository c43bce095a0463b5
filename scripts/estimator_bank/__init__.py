"""What the estimator makes of rendered people, beside the truth: staging, pairs and figures of the error bank."""
