"""Observe, plan, act, commit: the loop that all kinds share."""
