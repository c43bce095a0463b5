"""Networks, one file each, with its reference at the top. Their weights lie in `weights/`, each with a card.

`trajectory_gru` predicts hidden people; `temporal_lifter` makes keypoints over time into joints in space, and
`residual_lifter` and `attention_lifter` are what it was compared with; `lifter_heads` is shared by them. The preset
`offline` also uses the networks inside MediaPipe's wheel, see their card.
"""
