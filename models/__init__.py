"""Networks, one file each, with its reference at the top. Their weights lie in `weights/`, each with a card.

There is none yet: the preset `offline` uses the networks that come inside MediaPipe's wheel; see their card.
"""
