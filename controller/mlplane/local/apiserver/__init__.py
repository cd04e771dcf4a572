"""A Kubernetes API server on SQLite: what kubectl, Kopf and the official clients need of one."""
