"""The verbs of `./run.sh archive`: what each is called with, and what it does."""
