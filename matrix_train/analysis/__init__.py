"""Which layers bind words and regions: attention alignment scores (AAS), and the layers that stand out (protocol, section 4).

Maps of every layer, step and role are kept while a video is sampled; the finished video is tracked, and then they are scored.
"""
