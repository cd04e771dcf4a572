"""Plays Argo Workflows: makes Pods for the steps of Workflows, and writes their status as Argo v4 does.

What a Workflow's next status is, and which Pods it needs, is a pure function of the Workflow and its
Pods (``progress.py``); the acting edge (``engine.py``) asks it again whenever something changed.
"""

from mlplane.local.workflows.engine import run_workflows

__all__ = ["run_workflows"]
