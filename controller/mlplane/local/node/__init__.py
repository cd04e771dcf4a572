"""Plays the kubelet: runs the containers of Pods as processes, each under a small shim that outlives it.

What is true of a pod is on disk, in its folder; everything else is worked out from that and from the
Pod object each time. So a node that was killed goes on where it was, by starting again.
"""

from mlplane.local.node.kubelet import run_node
from mlplane.local.nodenames import NODE_NAME, PORT_ANNOTATION

__all__ = ["NODE_NAME", "PORT_ANNOTATION", "run_node"]
