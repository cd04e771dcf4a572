"""A cluster on a laptop: an API server and engines that play Argo, KServe, the kubelet and a GitOps agent."""
