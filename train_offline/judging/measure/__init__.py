"""What a run takes, and where its seconds go."""
