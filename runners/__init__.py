"""Machines: leases, one-job runners, model servers, monitoring. What it provisions is in `terraform/` and `ansible/`."""
