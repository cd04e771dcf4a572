"""The decisions: what should exist, and what the status says. Pure."""
