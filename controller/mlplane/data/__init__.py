"""Data: raw files become records, records are checked and divided into splits, splits become a version."""
