"""From a batch to a loss: the transformer with its adapter, attention maps, decoders, losses (`aligned` is the whole)."""
