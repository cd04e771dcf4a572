"""The only files that know the field names of Argo and KServe. Pure."""
