"""The kinds as CRDs and JSON Schemas, and the subset of foreign kinds that mlplane emits."""
