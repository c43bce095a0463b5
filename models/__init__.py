"""Networks, one file each, with its reference at the top. Their weights lie in `weights/`, each with a card.

`trajectory_gru` predicts hidden people; the preset `offline` also uses the networks inside MediaPipe's wheel, see their
card.
"""
