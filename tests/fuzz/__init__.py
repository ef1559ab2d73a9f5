"""Damaged scenes by the thousand: what the job makes of them."""
