# One private network with a way out, or one that is there already.

locals {
  own = var.existing_network_name == null
}

data "openstack_networking_network_v2" "existing" {
  count = local.own ? 0 : 1
  name  = var.existing_network_name
}

data "openstack_networking_network_v2" "external" {
  count = local.own ? 1 : 0
  name  = var.external_network_name
}

resource "openstack_networking_network_v2" "this" {
  count                 = local.own ? 1 : 0
  name                  = "${var.name}-private"
  port_security_enabled = true # without it security groups have no effect
}

resource "openstack_networking_subnet_v2" "this" {
  count           = local.own ? 1 : 0
  name            = "${var.name}-private"
  network_id      = openstack_networking_network_v2.this[0].id
  cidr            = var.cidr
  ip_version      = 4
  dns_nameservers = var.dns_nameservers
}

resource "openstack_networking_router_v2" "this" {
  count               = local.own ? 1 : 0
  name                = "${var.name}-router"
  external_network_id = data.openstack_networking_network_v2.external[0].id
}

resource "openstack_networking_router_interface_v2" "this" {
  count     = local.own ? 1 : 0
  router_id = openstack_networking_router_v2.this[0].id
  subnet_id = openstack_networking_subnet_v2.this[0].id
}
