"""What was acknowledged, durable: SQLite for one service, PostgreSQL for several replicas.

* :mod:`~clawtrace_otel.collector.journal.interface`: what a journal promises;
* :mod:`~clawtrace_otel.collector.journal.tables`: its tables, the same for both;
* :mod:`~clawtrace_otel.collector.journal.sqlite` and
  :mod:`~clawtrace_otel.collector.journal.postgres`: where the two differ;
* :mod:`~clawtrace_otel.collector.journal.rescue`: what is saved of a damaged SQLite file;
* :mod:`~clawtrace_otel.collector.journal.open`: which of the two an address means.
"""
