"""What the gateway says about itself on /metrics."""

from prometheus_client import Counter, Gauge

REFUSED = Counter("gatehouse_gateway_refused", "Calls this gateway turned down that have an event of their own")
SUMMED_UP = Counter("gatehouse_gateway_refused_summed_up", "Calls turned down that are only counted in a summary")
WAITING = Gauge("gatehouse_gateway_refusals_waiting", "Refusals that Kafka has not acknowledged yet")
