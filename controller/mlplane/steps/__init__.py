"""What runs inside the containers of a workflow: ``python -m mlplane.steps STEP``.

A step gets its task as JSON in the environment (``mlplane.tasks``), works in one directory, answers with
files in ``<work>/out``, and never calls the Kubernetes API. Doing a step again does no harm.

    ingest      source in git -> dataset version in the store
    preflight   everything a run needs is there; the run key; whether it was trained before
    train       the user's script -> model in the store
    select      scores of a sweep's trials -> the best one
    evaluate    stored model, evaluation split -> report in the store
    publish     all of it verified once more -> one JSON document for the controller
    verify      recorded outcome, report in the store -> whether they say the same
"""
