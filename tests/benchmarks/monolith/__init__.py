"""The yardstick: what a good developer writes first with FastAPI, SQLAlchemy's ORM and pydantic.

Same identity provider, same PostgreSQL (in a schema of its own), same S3, same contract models, same rows in the end:
state, one event row for each fact and the stored answer under the Idempotency-Key, all in one transaction a request.
No Kafka, no signed assertions, no audit log. It is kept fast where that costs no line: uvloop, httptools, asyncpg,
cached keys, bodies validated straight from the bytes, both HEADs at once on kept connections, no access log.
"""
