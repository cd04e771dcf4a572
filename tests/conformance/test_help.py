"""What a person asks first: which kinds there are, what their fields mean, which version this is."""


def test_api_resources_list_built_in_and_custom_kinds(cluster):
    rows = cluster.kubectl("api-resources", "--no-headers").stdout.splitlines()
    kinds = {row.split()[-1] for row in rows}
    assert {"ConfigMap", "Pod", "Lease", "Event", "CustomResourceDefinition", "Widget"} <= kinds
    (row,) = [row for row in rows if row.endswith("Widget")]
    assert row.split() == ["widgets", "wd", "shop.example.com/v1", "true", "Widget"]


def test_api_versions_list_the_group_of_a_definition(cluster):
    assert "shop.example.com/v1" in cluster.kubectl("api-versions").stdout.splitlines()


def test_explain_tells_the_fields_of_a_custom_kind(cluster):
    text = cluster.kubectl("explain", "widgets.spec").stdout
    assert "How big." in text
    assert "enum: red, blue" in text
    assert "-required-" in text


def test_explain_recursive_shows_the_status(cluster):
    assert "conditions" in cluster.kubectl("explain", "widgets", "--recursive").stdout


def test_explain_knows_built_in_kinds(cluster):
    assert "configuration data" in cluster.kubectl("explain", "configmap").stdout


def test_version_is_within_the_skew_that_kubectl_accepts(cluster):
    done = cluster.kubectl("version")
    assert "Server Version: v1.37" in done.stdout
    assert "WARNING" not in done.stderr


def test_a_category_gets_all_its_kinds(cluster, widget):
    cluster.kubectl("create", "-f", "-", stdin=widget("in-category"))
    assert cluster.kubectl("get", "shop", "-o", "name").stdout.split() == [
        "widget.shop.example.com/in-category"
    ]


def test_an_unknown_kind_is_said_to_be_unknown(cluster):
    done = cluster.kubectl("get", "gadgets", check=False)
    assert done.returncode == 1
    assert 'the server doesn\'t have a resource type "gadgets"' in done.stderr


def test_a_new_definition_is_usable_at_once_and_gone_at_once(cluster):
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "gizmos.new.example.com"},
        "spec": {
            "group": "new.example.com",
            "scope": "Cluster",
            "names": {"plural": "gizmos", "kind": "Gizmo"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                    },
                }
            ],
        },
    }
    cluster.kubectl("create", "-f", "-", stdin=crd)
    cluster.kubectl("wait", "crd/gizmos.new.example.com", "--for=condition=Established", "--timeout=60s")
    gizmo = {"apiVersion": "new.example.com/v1", "kind": "Gizmo", "metadata": {"name": "g"}, "any": [1]}
    cluster.kubectl("create", "-f", "-", stdin=gizmo)
    assert cluster.object("gizmo", "g")["any"] == [1]
    cluster.kubectl("delete", "crd", "gizmos.new.example.com", "--timeout=60s")
    assert cluster.kubectl("get", "gizmos", check=False).returncode == 1
    assert "gizmos" not in cluster.kubectl("api-resources", "--cached=false").stdout


def test_a_broken_definition_is_refused_with_the_field(cluster):
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "wrong.new.example.com"},
        "spec": {
            "group": "new.example.com",
            "scope": "Cluster",
            "names": {"plural": "rights", "kind": "Right"},
            "versions": [{"name": "v1", "served": True, "storage": True}],
        },
    }
    done = cluster.kubectl("create", "-f", "-", stdin=crd, check=False)
    assert done.returncode == 1
    assert "metadata.name" in done.stderr
    assert "openAPIV3Schema" in done.stderr
