#!/bin/sh
# Makes a kind cluster with Argo Workflows, KServe (Standard mode), a store and mlplane. Called by `make kind`.
# Nobody has run this to its end yet: see docs/how-to/kind.md.
set -eu
ARGO=v4.1.2
CERT_MANAGER=v1.18.2
ENVOY_GATEWAY=v1.5.0
KSERVE=v0.20.0
HERE=$(dirname "$0")
ROOT=$HERE/../../..
GITHUB=https://github.com

kind get clusters | grep -qx mlplane || kind create cluster --config "$ROOT/kind-config.yaml"
kubectl config use-context kind-mlplane

# The image, and a copy that knows the store.
docker build -f "$ROOT/manifests/Dockerfile" -t ghcr.io/mlplane/runtime:plain "$ROOT"
docker build -f "$HERE/Dockerfile" -t ghcr.io/mlplane/runtime:kind "$HERE"
kind load docker-image --name mlplane ghcr.io/mlplane/runtime:kind

kubectl create namespace argo --dry-run=client -o yaml | kubectl apply -f -
kubectl apply --server-side -n argo -f "$GITHUB/argoproj/argo-workflows/releases/download/$ARGO/install.yaml"

# KServe's webhooks need certificates; its endpoints need a gateway.
kubectl apply --server-side -f "$GITHUB/cert-manager/cert-manager/releases/download/$CERT_MANAGER/cert-manager.yaml"
kubectl -n cert-manager rollout status deployment/cert-manager-webhook --timeout=300s
kubectl apply --server-side -f "$GITHUB/envoyproxy/gateway/releases/download/$ENVOY_GATEWAY/install.yaml"
kubectl -n envoy-gateway-system rollout status deployment/envoy-gateway --timeout=300s

kubectl apply --server-side --force-conflicts -f "$GITHUB/kserve/kserve/releases/download/$KSERVE/kserve.yaml"
kubectl -n kserve rollout status deployment/kserve-controller-manager --timeout=300s
kubectl -n kserve patch configmap inferenceservice-config --type=merge --patch-file "$HERE/kserve-patch.yaml"
kubectl -n kserve rollout restart deployment/kserve-controller-manager
kubectl apply -f "$HERE/gateway.yaml"

kubectl apply --server-side -k "$HERE"
kubectl apply --server-side -k "$HERE/workspace"
kubectl -n mlplane-store rollout status statefulset/store --timeout=300s
# The bucket: the store makes it at the first request of somebody who may.
kubectl -n mlplane-store exec store-0 -- sh -c 'echo "s3.bucket.create -name mlplane" | weed shell' || true
kubectl -n mlplane-system rollout status deployment/mlplane-controller --timeout=300s
