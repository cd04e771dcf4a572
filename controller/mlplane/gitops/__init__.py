"""What people do with a repository of manifests: validate, lock, render."""
