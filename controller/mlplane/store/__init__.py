"""Content-addressed artifacts over fsspec.

    <store>/<kind>/<name>/sha256-<hex>/   one artifact; kinds: datasets, models, reports, uploads
        manifest.json                     its files with sizes and sha256; written last
    <store>/runs/<hex of key>/result.json a small document that names what a run made

``uris`` says where an artifact is, ``digest`` what its name is, ``artifacts`` puts and gets it, ``archive``
whether a model archive can be loaded safely. Used by ``steps`` and ``serving``, and by adapters for ``uris``.
"""
