# One group per role, with the ports of ../../ports.json: Ansible's firewall role reads the same file.

locals {
  ports = jsondecode(file("${path.module}/../../ports.json"))

  ssh = one([for port in local.ports : port.port if port.name == "ssh"])

  sources = {
    admin  = distinct(var.admin_cidrs)
    inside = distinct(var.inside_cidrs)
    acme   = ["0.0.0.0/0"]
  }

  rules = merge([
    for role in var.roles : {
      for pair in flatten([
        for port in local.ports : [
          for cidr in local.sources[port.from] : { port = port, cidr = cidr }
        ] if contains(port.on, role) && (port.from != "acme" || contains(var.public_roles, role))
      ]) : "${role}/${pair.port.name}/${pair.cidr}" => merge(pair, { role = role })
    }
  ]...)
}

resource "openstack_networking_secgroup_v2" "this" {
  for_each    = var.roles
  name        = "${var.name}-${each.key}"
  description = "Ports of a ${each.key} machine, from terraform/ports.json"
}

# What goes out is not restricted here: the provider leaves the group's two default rules. The runner's unit restricts
# its jobs.
resource "openstack_networking_secgroup_rule_v2" "this" {
  for_each          = local.rules
  security_group_id = openstack_networking_secgroup_v2.this[each.value.role].id
  description       = each.value.port.why
  direction         = "ingress"
  ethertype         = strcontains(each.value.cidr, ":") ? "IPv6" : "IPv4"
  protocol          = "tcp"
  port_range_min    = each.value.port.port
  port_range_max    = each.value.port.port
  remote_ip_prefix  = each.value.cidr
}

# From the services machine alone, not from the whole network: a runner runs the code of jobs.
resource "openstack_networking_secgroup_rule_v2" "jump" {
  for_each          = var.jump_roles
  security_group_id = openstack_networking_secgroup_v2.this[each.key].id
  description       = "SSH through the services machine"
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = local.ssh
  port_range_max    = local.ssh
  remote_group_id   = openstack_networking_secgroup_v2.this["services"].id
}
