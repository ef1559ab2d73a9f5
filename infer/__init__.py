"""The judge's job: sea-ice masks for a folder of TIFF scenes. Imports nothing of train_offline."""

__version__ = "0.1.0"
