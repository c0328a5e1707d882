output "network_id" {
  description = "The network's id."
  value       = local.own ? openstack_networking_network_v2.this[0].id : data.openstack_networking_network_v2.existing[0].id

  # A floating IP can be given to a port only after its network has a router.
  depends_on = [openstack_networking_router_interface_v2.this]
}

output "own_cidrs" {
  description = "The private network's range. Empty for a network that others share: their machines are no friends."
  value       = local.own ? [var.cidr] : []
}
