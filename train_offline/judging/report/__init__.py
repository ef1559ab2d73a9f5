"""What a dry run found: table, JSON, page and history."""
