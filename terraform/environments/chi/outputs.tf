# What the inventory is made from: terraform output -json. The same names and shapes as in ../kvm.

output "machines" {
  description = "Each machine by its name."
  value       = { for name, node in module.node : name => merge(node.machine, { volume_device = "" }) }
}

output "object_store" {
  description = "Empty texts: the buckets are made in ../kvm."
  value = {
    endpoint = ""
    region   = ""
    buckets  = { data = "", artifacts = "", backups = "" }
  }
}

output "object_store_keys" {
  description = "Empty texts: the keys are made with the buckets."
  sensitive   = true
  value       = { access_key = "", secret_key = "" }
}

output "admin_cidrs" {
  description = "Where administrators come from."
  value       = var.admin_cidrs
}

output "inside_cidrs" {
  description = "Where the project's machines are."
  value       = var.inside_cidrs
}
