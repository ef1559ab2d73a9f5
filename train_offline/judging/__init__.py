"""The judge at home: runs a submission from outside, audits its masks, scores and times it, and reports."""
