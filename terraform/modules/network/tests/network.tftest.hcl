mock_provider "openstack" {}

variables {
  name = "glossator"
}

run "a_private_network_with_a_way_out" {
  command = apply

  assert {
    condition     = openstack_networking_subnet_v2.this[0].cidr == "192.168.77.0/24" && openstack_networking_subnet_v2.this[0].network_id == openstack_networking_network_v2.this[0].id
    error_message = "the subnet is not in the network"
  }

  assert {
    condition     = openstack_networking_network_v2.this[0].port_security_enabled
    error_message = "without port security the security groups have no effect"
  }

  assert {
    condition     = openstack_networking_router_v2.this[0].external_network_id == data.openstack_networking_network_v2.external[0].id
    error_message = "the router leads nowhere"
  }

  assert {
    condition     = output.own_cidrs == tolist(["192.168.77.0/24"]) && output.network_id == openstack_networking_network_v2.this[0].id
    error_message = "the outputs are not the private network's"
  }
}

run "a_shared_network_is_not_trusted" {
  command = apply

  variables {
    existing_network_name = "sharednet1"
  }

  assert {
    condition     = length(openstack_networking_network_v2.this) == 0 && length(openstack_networking_router_v2.this) == 0
    error_message = "a network was made beside the existing one"
  }

  assert {
    condition     = length(output.own_cidrs) == 0
    error_message = "the range of a shared network must not count as our own"
  }
}

run "a_public_range_is_refused" {
  command = plan
  variables { cidr = "129.114.24.0/24" }
  expect_failures = [var.cidr]
}

run "a_range_with_a_host_is_refused" {
  command = plan
  variables { cidr = "192.168.77.5/24" }
  expect_failures = [var.cidr]
}

run "no_range_is_refused" {
  command = plan
  variables { cidr = "192.168.77.0" }
  expect_failures = [var.cidr]
}

run "a_range_of_ipv6_is_refused" {
  command = plan
  variables { cidr = "fd00::/64" }
  expect_failures = [var.cidr]
}

run "a_name_server_by_name_is_refused" {
  command = plan
  variables { dns_nameservers = ["dns.google"] }
  expect_failures = [var.dns_nameservers]
}
