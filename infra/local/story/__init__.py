"""`pipeline story`: payments through the deployed pipeline, their settlement, and the reconciliation of both."""
