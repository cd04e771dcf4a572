"""The port to a Kubernetes API and its one implementation."""
