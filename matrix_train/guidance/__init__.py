"""Guidance without training: away from what the model would predict with its interaction attention cut (protocol, section 5).

CMG cuts the attention from an instance's region to the words of its role, CAG the attention between frames; both after the
softmax and without making up for what is taken. The guided prediction is e + s (e - e_perturbed), e being the conditional one.
"""
