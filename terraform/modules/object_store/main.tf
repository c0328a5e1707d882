# Three buckets at a site with an object store. Give the provider of that site.

locals {
  buckets = toset(["data", "artifacts", "backups"])
}

resource "openstack_objectstorage_container_v1" "this" {
  for_each      = local.buckets
  name          = "${var.name}-${each.key}"
  force_destroy = false # a bucket that holds something is not deleted

  lifecycle {
    prevent_destroy = true
  }
}

resource "openstack_identity_ec2_credential_v3" "this" {
  count = var.create_keys ? 1 : 0
}
