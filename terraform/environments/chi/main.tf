# Bare metal: a whole server per machine, for as long as its lease lasts, at most seven days on Chameleon. Here OpenStack
# applies no security groups, so that Ansible's firewall role is the only firewall.

locals {
  image_names = merge({ gpu = "CC-Ubuntu24.04-CUDA", runner = "CC-Ubuntu24.04" }, var.image_names)

  machines = { for role in keys(var.reservation_ids) : "${var.name}-chi-${role}" => role }
}

data "openstack_compute_keypair_v2" "this" {
  name = var.key_pair_name
}

module "network" {
  source = "../../modules/network"

  name                  = var.name
  existing_network_name = var.network_name
}

module "node" {
  source   = "../../modules/node"
  for_each = local.machines

  name             = each.key
  role             = each.value
  site             = "chi"
  reservation_id   = var.reservation_ids[each.value]
  hardware         = var.node_types[each.value]
  image_name       = local.image_names[each.value]
  key_pair_name    = data.openstack_compute_keypair_v2.this.name
  network_id       = module.network.network_id
  floating_ip      = lookup(var.reserved_floating_ips, each.value, null)
  floating_ip_pool = contains(keys(var.reserved_floating_ips), each.value) ? null : var.external_network_name
  public_name      = lookup(var.public_names, each.value, "")
  user             = var.user
}
