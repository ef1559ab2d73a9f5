"""What a training leaves for people: history, curves, pictures, facts."""
