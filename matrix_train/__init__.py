"""matrix_train: LoRA adapters that align the attention of video diffusion transformers with mask tracks."""

__version__ = "0.1.0"
