output "id" {
  description = "The volume's id."
  value       = openstack_blockstorage_volume_v3.this.id
}

output "device" {
  description = "Where the machine sees it. By its serial number, as /dev/vdb may be another disk after a reboot."
  # QEMU gives a virtio disk the volume's id as its serial number, of which the kernel keeps 20 characters.
  value = var.attached ? "/dev/disk/by-id/virtio-${substr(openstack_blockstorage_volume_v3.this.id, 0, 20)}" : ""

  depends_on = [openstack_compute_volume_attach_v2.this]
}
