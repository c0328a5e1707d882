# One machine on a lease that was made before: the provider has no resource for leases.
# kvm: the lease makes a flavor of its own. chi: the flavor is baremetal, and a hint names the reservation.

locals {
  bare_metal = var.site == "chi"
  reserved   = var.reservation_id != null
  flavor     = local.bare_metal ? "baremetal" : local.reserved ? "reservation:${var.reservation_id}" : var.hardware
  outside    = var.floating_ip_pool != null || var.floating_ip != null
  port_id    = local.bare_metal ? data.openstack_networking_port_v2.bare_metal[0].id : openstack_networking_port_v2.this[0].id
}

# Fails in the plan when there is no such flavor: the lease has not begun or has ended, or the id is the lease's own.
data "openstack_compute_flavor_v2" "reserved_by_an_active_lease" {
  count = local.reserved && !local.bare_metal ? 1 : 0
  name  = local.flavor
}

data "openstack_images_image_v2" "this" {
  name        = var.image_name
  most_recent = true
}

resource "openstack_networking_port_v2" "this" {
  count              = local.bare_metal ? 0 : 1
  name               = var.name
  network_id         = var.network_id
  security_group_ids = var.security_group_ids
}

resource "openstack_compute_instance_v2" "this" {
  name        = var.name
  flavor_name = local.bare_metal || !local.reserved ? local.flavor : data.openstack_compute_flavor_v2.reserved_by_an_active_lease[0].name
  image_id    = var.boot_volume_gb == null ? data.openstack_images_image_v2.this.id : null
  key_pair    = var.key_pair_name

  metadata = {
    glossator_role     = var.role
    glossator_hardware = var.hardware
  }

  network {
    uuid = local.bare_metal ? var.network_id : null
    port = local.bare_metal ? null : openstack_networking_port_v2.this[0].id
  }

  dynamic "block_device" {
    for_each = var.boot_volume_gb == null ? [] : [var.boot_volume_gb]
    content {
      uuid                  = data.openstack_images_image_v2.this.id
      source_type           = "image"
      destination_type      = "volume"
      volume_size           = block_device.value
      boot_index            = 0
      delete_on_termination = true # nothing that must last stands on it
    }
  }

  dynamic "scheduler_hints" {
    for_each = local.bare_metal ? [var.reservation_id] : []
    content {
      additional_properties = { reservation = scheduler_hints.value }
    }
  }

  timeouts {
    create = "60m" # bare metal boots in 10 to 30 minutes
  }

  lifecycle {
    # Images are published anew under the same name, which must not rebuild a running machine.
    # To rebuild it: terraform apply -replace='module.node["..."].openstack_compute_instance_v2.this'
    ignore_changes = [image_id, block_device]

    postcondition {
      condition     = self.access_ip_v4 != null && self.access_ip_v4 != ""
      error_message = "${var.name} was made without an IPv4 address. Look at it with: openstack server show ${var.name}"
    }
  }
}

# On bare metal the port is Nova's own.
data "openstack_networking_port_v2" "bare_metal" {
  count      = local.bare_metal ? 1 : 0
  device_id  = openstack_compute_instance_v2.this.id
  network_id = var.network_id
}

resource "openstack_networking_floatingip_v2" "this" {
  count       = var.floating_ip_pool == null ? 0 : 1
  pool        = var.floating_ip_pool
  description = var.name
}

resource "openstack_networking_floatingip_associate_v2" "this" {
  count       = local.outside ? 1 : 0
  floating_ip = var.floating_ip != null ? var.floating_ip : openstack_networking_floatingip_v2.this[0].address
  port_id     = local.port_id

  depends_on = [openstack_compute_instance_v2.this]
}
