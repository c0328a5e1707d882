output "instance_id" {
  description = "The machine's id, to attach volumes to."
  value       = openstack_compute_instance_v2.this.id
}

output "machine" {
  description = "What the inventory needs to know of the machine, but for its volume."
  value = {
    role            = var.role
    site            = var.site
    address         = local.outside ? openstack_networking_floatingip_associate_v2.this[0].floating_ip : ""
    private_address = openstack_compute_instance_v2.this.access_ip_v4
    user            = var.user
    gpu             = var.role == "gpu"
    bare_metal      = local.bare_metal
    public_name     = var.public_name
  }
}
