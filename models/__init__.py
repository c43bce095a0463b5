"""Networks, one file each, with its reference at the top. Their weights lie in `weights/`, each with a card.

`trajectory_gru` predicts hidden people; `temporal_lifter` makes keypoints over time into joints in space, and
`residual_lifter` and `attention_lifter` are what it was compared with; `lifter_heads` is shared by them. The preset
`offline` also uses the networks inside MediaPipe's wheel, see their card.

Of the papers, not trained yet: `detect_net` finds people and their masks in one stage, with its targets in
`detect_targets`; `depth_net` gives the depth of every pixel from planes at three scales; `pose_net` and `root_net` find
a person's joints and distance in a crop; `cascade` lifts a crop of one person to joints in space, one dimension after
another. All take any backbone of `backbones`; `published_3dmppe` converts published weights of `pose_net` and
`root_net`.
"""
