"""What every process of ours needs to speak with the others, the gateway included; it knows no business.

Settings, logs and metrics, Kafka clients and headers, signed actor assertions, sealed secrets. Imports no database.
"""
