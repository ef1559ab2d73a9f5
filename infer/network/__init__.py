"""The networks that the job can run, and the file that holds their weights."""
