"""Machines: leases, one-job runners, model servers, monitoring. `terraform/` and `ansible/` provision them."""
