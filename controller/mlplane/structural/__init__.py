"""Structural schemas as Kubernetes judges by them: prune, default, validate, and CEL rules. Pure.

The local API server judges every write with it, and ``gitops.validate`` the same rules before a commit.
"""
