"""What a training does around its steps: saving, and where the first weights come from."""
