"""From pixels to masks: tiles, the engines that run the network, and which of them a machine gets."""
