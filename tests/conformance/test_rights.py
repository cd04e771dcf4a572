"""Roles, tokens and access reviews through kubectl, whose typed commands send protobuf."""

import json

import pytest


@pytest.fixture
def robot(cluster):
    """A service account that may get and list widgets in its namespace; arguments to be it."""
    cluster.kubectl("create", "serviceaccount", "robot")
    cluster.kubectl("create", "role", "reader", "--verb=get,list", "--resource=widgets.shop.example.com")
    account = f"{cluster.namespace}:robot"
    cluster.kubectl("create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={account}")
    return account


def test_a_token_is_made_and_used(cluster, robot):
    token = cluster.kubectl("create", "token", "robot", "--duration=20m").stdout.strip()
    configuration = json.loads(cluster.kubectl("config", "view", "--raw", "-o", "json").stdout)
    configuration["users"][0]["user"] = {"token": token}
    own = cluster.home / f"{cluster.namespace}.kubeconfig"
    own.write_text(json.dumps(configuration))
    as_robot = ("--kubeconfig", str(own))
    assert f"system:serviceaccount:{robot}" in cluster.kubectl("auth", "whoami", *as_robot).stdout
    assert cluster.kubectl("get", "widgets", *as_robot).returncode == 0
    refused = cluster.kubectl("create", "configmap", "c", *as_robot, check=False)
    assert refused.stderr == (
        f'error: failed to create configmap: configmaps is forbidden: User "system:serviceaccount:{robot}" '
        f'cannot create resource "configmaps" in API group "" in the namespace "{cluster.namespace}"\n'
    )
    cluster.kubectl("delete", "serviceaccount", "robot")
    cluster.kubectl("create", "serviceaccount", "robot")
    refused = cluster.kubectl("get", "widgets", *as_robot, check=False)
    assert "You must be logged in to the server (Unauthorized)" in refused.stderr


def test_the_admin_asks_for_others_and_acts_as_them(cluster, robot):
    who = f"--as=system:serviceaccount:{robot}"
    assert cluster.kubectl("auth", "can-i", "list", "widgets", who).stdout == "yes\n"
    assert cluster.kubectl("auth", "can-i", "delete", "widgets", who, check=False).stdout == "no\n"
    listed = cluster.kubectl("auth", "can-i", "--list", who).stdout
    assert any(
        line.split() == ["widgets.shop.example.com", "[]", "[]", "[get", "list]"]
        for line in listed.splitlines()
    )
    refused = cluster.kubectl("delete", "widgets", "--all", "--as=jane", "--as-group=team", check=False)
    assert 'User "jane" cannot list resource "widgets"' in refused.stderr


def test_cluster_roles_are_made_shown_and_described(cluster, robot):
    name = f"{cluster.namespace}-all"
    cluster.kubectl("create", "clusterrole", name, "--verb=*", "--resource=pods,pods/log")
    cluster.kubectl("create", "clusterrole", f"{name}-url", "--verb=get", "--non-resource-url=/logs/*")
    cluster.kubectl("create", "clusterrolebinding", name, f"--clusterrole={name}", "--group=team")
    assert cluster.object("clusterrole", name)["rules"] == [
        {"verbs": ["*"], "apiGroups": [""], "resources": ["pods", "pods/log"]}
    ]
    assert f"ClusterRole/{name}" in cluster.kubectl("get", "clusterrolebinding", name).stdout
    assert "robot" in cluster.kubectl("describe", "rolebinding", "reader").stdout
    assert "roleRef" in cluster.kubectl("explain", "rolebinding").stdout
    assert cluster.kubectl("auth", "can-i", "get", "pods", "--as=x", "--as-group=team").stdout == "yes\n"
