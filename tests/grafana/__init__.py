"""The dashboard for Grafana, made from the metrics of the service."""
