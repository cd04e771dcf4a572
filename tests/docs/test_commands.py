"""The commands of the documents are found, and none of them hides from the test that runs them."""

import pytest

from documents import ROOT, Command, commands_of, missing_from, pages

PAGE = """# A page

    kubectl get pods
    mlplane status

1. A step.

       kubectl get nodes

```console
$ kubectl get mlplane
NAME   AGE
…
$ kubectl get run -w
digits   1s
^C
```

> Needs a cluster: there is no Deployment on a laptop

```sh
kubectl get deployments
```
"""


def test_commands_stand_in_all_kinds_of_blocks_and_have_their_output():
    assert commands_of("x.md", PAGE) == [
        Command("x.md", 3, "kubectl get pods"),
        Command("x.md", 8, "kubectl get nodes"),
        Command("x.md", 11, "kubectl get mlplane", ("NAME   AGE", "…")),
        Command("x.md", 14, "kubectl get run -w", ("digits   1s", "^C")),
        Command("x.md", 22, "kubectl get deployments", excuse="there is no Deployment on a laptop"),
    ]


def test_an_excuse_under_the_title_holds_for_the_whole_page():
    text = "# A page\n\n> Needs a cluster: all of it\n\n    kubectl get a\n\n    kubectl get b\n"
    assert [command.excuse for command in commands_of("x.md", text)] == ["all of it", "all of it"]


def test_an_output_is_as_shown_but_for_digests_times_numbers_paths_and_widths():
    shown = ("NAME       AGE", "digits-03b3d497   62s", "/home/ada/digits")
    assert missing_from("NAME AGE\ndigits-11112222     1m2s\n/tmp/x/y\n", shown) == []
    assert missing_from("NAME AGE\nletters-11112222     1m2s\n/tmp/x/y\n", shown)[0] == shown[1]
    assert missing_from("NAME AGE\n", shown) == ["3 lines are shown, 1 came"]
    assert missing_from("a\nNAME AGE\nb\ndigits-11112222 2s\n", ("…", *shown[:2])) == []


@pytest.mark.parametrize(
    "page", ["README.md", *sorted(p for p in pages() if p.startswith(("docs/tutorial", "docs/how-to")))]
)
def test_a_page_for_users_has_commands_that_run_on_a_laptop_or_says_why_not(page):
    commands = commands_of(page)
    assert [c for c in commands if c.text.startswith("kubectl ")]
    title_and_start = "\n".join((ROOT / page).read_text().splitlines()[:6])
    assert "> Needs a cluster: " in title_and_start or [c for c in commands if c.excuse is None]


def test_an_excuse_has_a_reason():
    assert not [
        str(c) for page in pages() for c in commands_of(page) if c.excuse is not None and not c.excuse
    ]
