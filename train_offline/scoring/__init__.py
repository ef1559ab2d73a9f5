"""Scores of masks: FWIoU, IoU of ice, boundary F1."""
