# Virtual machines: services, runners and, while a GPU lease lasts, a GPU machine. All in one private network.

locals {
  reservation_ids = merge(var.long_reservation_ids, var.reservation_ids)
  roles           = setunion(keys(local.reservation_ids), var.unreserved_roles)

  flavors = merge({ services = "m1.xlarge", runner = "m1.large", gpu = "g1.h100.pci.1" }, var.flavors)

  # Without leases nothing is left but what must last: network, data volume and buckets.
  machines = merge(
    contains(local.roles, "services") ? { "${var.name}-services" = "services" } : {},
    contains(local.roles, "runner") ? { for at in range(1, var.runner_count + 1) : "${var.name}-runner-${at}" => "runner" } : {},
    contains(local.roles, "gpu") ? { "${var.name}-gpu" = "gpu" } : {},
  )

  # Machines without a floating IP are reached by SSH through the services machine, if that has one.
  jump_roles = contains(var.floating_ip_roles, "services") ? setsubtract(["runner", "gpu"], var.floating_ip_roles) : []
  jumped_to  = contains(local.roles, "services") && length(setintersection(local.jump_roles, local.roles)) > 0

  inside_cidrs = distinct(concat(module.network.own_cidrs, var.inside_cidrs))
}

data "openstack_compute_keypair_v2" "this" {
  name = var.key_pair_name
}

module "network" {
  source = "../../modules/network"

  name                  = var.name
  existing_network_name = var.existing_network_name
  cidr                  = var.network_cidr
  external_network_name = var.external_network_name
}

module "security_groups" {
  source = "../../modules/security_groups"

  name         = var.name
  roles        = ["services", "runner", "gpu"]
  public_roles = keys(var.public_names)
  jump_roles   = local.jump_roles
  admin_cidrs  = var.admin_cidrs
  inside_cidrs = local.inside_cidrs
}

module "node" {
  source   = "../../modules/node"
  for_each = local.machines

  name               = each.key
  role               = each.value
  site               = "kvm"
  reservation_id     = lookup(local.reservation_ids, each.value, null)
  hardware           = local.flavors[each.value]
  image_name         = each.value == "gpu" ? var.gpu_image_name : var.image_name
  boot_volume_gb     = each.value == "gpu" ? var.gpu_boot_volume_gb : null
  key_pair_name      = data.openstack_compute_keypair_v2.this.name
  network_id         = module.network.network_id
  security_group_ids = [module.security_groups.ids[each.value]]
  floating_ip        = lookup(var.reserved_floating_ips, each.value, null)
  floating_ip_pool   = contains(var.floating_ip_roles, each.value) && !contains(keys(var.reserved_floating_ips), each.value) ? var.external_network_name : null
  public_name        = lookup(var.public_names, each.value, "")
  user               = var.user
}

module "data_volume" {
  source = "../../modules/volume"

  name        = "${var.name}-data"
  size_gb     = var.data_volume_gb
  volume_type = var.data_volume_type
  attached    = contains(local.roles, "services")
  instance_id = try(module.node["${var.name}-services"].instance_id, null)
}

module "object_store" {
  source = "../../modules/object_store"
  count  = var.create_object_store ? 1 : 0

  providers = { openstack = openstack.object_store }

  name        = var.bucket_prefix
  endpoint    = var.object_store_endpoint
  region      = var.object_store_region
  create_keys = var.create_object_store_keys
}
