"""A small real operator. It says what it does in lines that begin with the namespace; cells wait for them."""

import kopf

ANY = "matrix.example.com", "v1", "chores"


def say(namespace, text):
    print(namespace, text, flush=True)


@kopf.on.startup()
async def configure(settings, **_):
    settings.posting.enabled = True
    settings.posting.loggers = False


@kopf.on.create(*ANY)
async def created(namespace, name, spec, patch, **_):
    say(namespace, f"created {name}")
    patch.status["done"] = {"title": spec["title"]}


@kopf.on.update(*ANY, field="spec.title")
async def changed(namespace, name, old, new, patch, **_):
    say(namespace, f"changed {name} from {old} to {new}")
    patch.status["changed"] = {"to": new}


@kopf.on.event(*ANY, labels={"mark": "yes"})
async def marked(namespace, name, **_):
    say(namespace, f"marked {name}")


@kopf.on.delete(*ANY, labels={"hold": "yes"})
async def cleaned(namespace, name, **_):
    say(namespace, f"cleaned {name}")


@kopf.on.create(*ANY, labels={"stubborn": "yes"}, backoff=0.1)
async def persuaded(namespace, name, retry, patch, **_):
    say(namespace, f"{'persuaded' if retry == 2 else 'refused'} {name}")
    if retry < 2:
        raise kopf.TemporaryError("not yet", delay=0.1)
    patch.status["persuaded"] = {"tries": retry}


@kopf.on.create(*ANY, labels={"noisy": "yes"})
async def noisy(body, **_):
    kopf.event(body, type="Normal", reason="Noise", message="Something falls over.")


@kopf.on.event("back.matrix.example.com", "v1", "comebacks")
async def comeback(type, namespace, name, **_):  # noqa: A002
    if type != "DELETED":
        say(namespace, f"comeback {name}")
