mock_provider "openstack" {}

variables {
  name         = "glossator"
  roles        = ["services", "runner", "gpu"]
  admin_cidrs  = ["203.0.113.7/32", "2001:db8:7::/48"]
  inside_cidrs = ["192.168.77.0/24"]
}

run "each_port_is_open_to_its_own_ranges_only" {
  command = apply

  assert {
    condition = output.open == {
      "services/ssh/203.0.113.7/32"     = 22
      "services/ssh/2001:db8:7::/48"    = 22
      "services/door/192.168.77.0/24"   = 8443
      "services/mlflow/192.168.77.0/24" = 5443
      "runner/ssh/203.0.113.7/32"       = 22
      "runner/ssh/2001:db8:7::/48"      = 22
      "runner/door/192.168.77.0/24"     = 8443
      "gpu/ssh/203.0.113.7/32"          = 22
      "gpu/ssh/2001:db8:7::/48"         = 22
      "gpu/door/192.168.77.0/24"        = 8443
    }
    error_message = "what is open is not what ports.json says: ${jsonencode(output.open)}"
  }

  assert {
    condition     = alltrue([for rule in openstack_networking_secgroup_rule_v2.this : rule.direction == "ingress" && rule.protocol == "tcp" && rule.port_range_min == rule.port_range_max])
    error_message = "a rule opens more than one port"
  }

  assert {
    condition     = openstack_networking_secgroup_rule_v2.this["gpu/ssh/2001:db8:7::/48"].ethertype == "IPv6" && openstack_networking_secgroup_rule_v2.this["gpu/ssh/203.0.113.7/32"].ethertype == "IPv4"
    error_message = "a rule has the wrong kind of address"
  }

  assert {
    condition     = alltrue([for key, rule in openstack_networking_secgroup_rule_v2.this : rule.security_group_id == output.ids[split("/", key)[0]]])
    error_message = "a rule is in another role's group"
  }
}

run "only_acme_is_open_to_the_world" {
  command = plan
  variables { public_roles = ["gpu"] }

  assert {
    condition     = [for key, rule in openstack_networking_secgroup_rule_v2.this : key if contains(["0.0.0.0/0", "::/0"], rule.remote_ip_prefix)] == ["gpu/acme/0.0.0.0/0"]
    error_message = "more than Let's Encrypt's port of the gpu machine is open to the world"
  }
}

run "machines_without_an_address_are_reached_through_services" {
  command = apply
  variables { jump_roles = ["runner", "gpu"] }

  assert {
    condition = length(openstack_networking_secgroup_rule_v2.jump) == 2 && alltrue([
      for rule in openstack_networking_secgroup_rule_v2.jump : rule.remote_group_id == output.ids["services"] && rule.port_range_min == 22 && rule.port_range_max == 22
    ])
    error_message = "SSH is not open from the services machine alone"
  }
}

run "the_world_is_refused_for_ssh" {
  command = plan
  variables { admin_cidrs = ["0.0.0.0/0"] }
  expect_failures = [var.admin_cidrs]
}

run "the_world_in_two_halves_is_refused" {
  command = plan
  variables { admin_cidrs = ["0.0.0.0/1", "128.0.0.0/1"] }
  expect_failures = [var.admin_cidrs]
}

run "the_world_of_ipv6_is_refused" {
  command = plan
  variables { admin_cidrs = ["203.0.113.7/32", "::/0"] }
  expect_failures = [var.admin_cidrs]
}

run "an_address_without_a_length_is_refused" {
  command = plan
  variables { admin_cidrs = ["203.0.113.7"] }
  expect_failures = [var.admin_cidrs]
}

run "nobody_is_refused" {
  command = plan
  variables { admin_cidrs = [] }
  expect_failures = [var.admin_cidrs]
}

run "the_world_inside_is_refused" {
  command = plan
  variables { inside_cidrs = ["192.168.77.0/24", "0.0.0.0/0"] }
  expect_failures = [var.inside_cidrs]
}

run "a_range_with_a_host_is_refused" {
  command = plan
  variables { inside_cidrs = ["192.168.77.5/24"] }
  expect_failures = [var.inside_cidrs]
}

run "an_unknown_role_is_refused" {
  command = plan
  variables { roles = ["services", "database"] }
  expect_failures = [var.roles]
}
