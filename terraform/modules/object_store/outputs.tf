output "store" {
  description = "Where the store is and what the buckets are called."
  value = {
    endpoint = trimsuffix(var.endpoint, "/")
    region   = var.region
    buckets  = { for key, bucket in openstack_objectstorage_container_v1.this : key => bucket.name }
  }
}

output "keys" {
  description = "S3 keys, empty when they are made by hand."
  sensitive   = true
  value = {
    access_key = var.create_keys ? openstack_identity_ec2_credential_v3.this[0].access : ""
    secret_key = var.create_keys ? openstack_identity_ec2_credential_v3.this[0].secret : ""
  }
}
