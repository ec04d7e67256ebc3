"""Promises of the local stack and of what is applied to engines anywhere: topics, ACLs, schemas, roles."""
