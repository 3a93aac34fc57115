"""Speed beside public peers: ``python -m benchmarks`` runs every module here."""
