"""Content-addressed artifacts over fsspec."""
