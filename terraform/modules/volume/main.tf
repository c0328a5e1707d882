# A volume for data that outlives machines and leases.

resource "openstack_blockstorage_volume_v3" "this" {
  name                 = var.name
  description          = "Data of Glossator: database, metrics, models"
  size                 = var.size_gb
  volume_type          = var.volume_type
  enable_online_resize = true

  lifecycle {
    # Neither destroy nor another type or a smaller size takes it away. To part with it for good: docs/provision-terraform.md
    prevent_destroy = true
  }
}

resource "openstack_compute_volume_attach_v2" "this" {
  count       = var.attached ? 1 : 0
  instance_id = var.instance_id
  volume_id   = openstack_blockstorage_volume_v3.this.id
}
