"""What the node and those who make Pods for it agree on: its name, and what it writes on Pods."""

NODE_NAME = "mlplane-local"
"""``spec.nodeName`` of the Pods that run here."""

NODE_MANAGER = "mlplane-node"
"""Field manager of what the node writes."""

PORT_ANNOTATION = "node.mlplane.dev/port"
"""On Pods: where the first declared port of the first container that has one really listens, on 127.0.0.1."""

HOST_IP = "127.0.0.1"

# Reasons of Pods that ended through no fault of their own.
NODE_SHUTDOWN = "NodeShutdown"
NODE_LOST = "NodeLost"
DEADLINE_EXCEEDED = "DeadlineExceeded"

STDOUT_ANNOTATION = "node.mlplane.dev/keep-stdout"
"""On Pods: the container whose standard output the node keeps apart from its log too."""
