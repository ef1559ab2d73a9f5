"""Which pixels count as ice: those around which more than a third of the sea is visibly ice.

Leads between them are closed, single pieces and faint streaks offshore are left out, as in hand-made labels.
"""

from __future__ import annotations

import cv2
import numpy as np

from train_offline.scenery.noise import Array, distance_to

SEEN = 0.06  # thickness from which ice can be told from water
ENOUGH = 0.36  # share of ice around a pixel from which it counts
NEAR = 3.0  # pixels, standard deviation of the window in which that share is taken
LEAD = 6.0  # pixels, half the width of the leads that are closed
MAX_LEAD_AREA = 2500  # pixels; enclosed water larger than this is a polynya and not ice
MIN_PATCH_AREA = 70  # pixels; smaller patches nobody would have outlined by hand


def label_ice(thickness: Array, level: Array, sea: Array) -> Array:
    """Label ice, bool [H, W], from thickness and extent (above 0 inside the ice), float32, and sea, bool."""
    seen = (thickness > SEEN).astype(np.float32)
    # Land counts neither way: the share is taken over the sea around each pixel.
    around = cv2.GaussianBlur(sea.astype(np.float32), (0, 0), NEAR) + 1e-3
    label = (cv2.GaussianBlur(seen, (0, 0), NEAR) > ENOUGH * around) & sea
    closed = distance_to(~(distance_to(label) < LEAD)) > LEAD
    return _fill_holes(label | (closed & sea & (level > -0.6)), sea)


def _fill_holes(label: Array, sea: Array) -> Array:
    """Fill leads that ice encloses and drop the smallest patches."""
    _, number, stats, _ = cv2.connectedComponentsWithStats((~label & sea).astype(np.uint8), connectivity=8)
    touched = np.zeros(len(stats), bool)
    border = np.concatenate([number[0], number[-1], number[:, 0], number[:, -1]])
    touched[border] = True
    coast = cv2.dilate((~sea).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    touched[np.unique(number[coast])] = True
    fill = ~touched & (stats[:, cv2.CC_STAT_AREA] < MAX_LEAD_AREA)
    fill[0] = False
    label = label | fill[number]
    _, number, stats, _ = cv2.connectedComponentsWithStats(label.astype(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= MIN_PATCH_AREA
    keep[0] = False
    return np.asarray(keep[number])
