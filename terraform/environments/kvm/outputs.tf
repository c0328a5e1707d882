# What the inventory is made from: terraform output -json. The same names and shapes as in ../chi.

output "machines" {
  description = "Each machine by its name."
  value = {
    for name, role in local.machines : name => merge(
      module.node[name].machine,
      { volume_device = role == "services" ? module.data_volume.device : "" },
    )
  }
}

output "object_store" {
  description = "Where the buckets are. Empty texts when they are not made here."
  value = var.create_object_store ? module.object_store[0].store : {
    endpoint = ""
    region   = ""
    buckets  = { data = "", artifacts = "", backups = "" }
  }
}

output "object_store_keys" {
  description = "S3 keys. Empty texts when they are made by hand."
  sensitive   = true
  value       = var.create_object_store_keys ? module.object_store[0].keys : { access_key = "", secret_key = "" }
}

output "admin_cidrs" {
  description = "Where administrators come from: also from the services machine, where others are reached through it."
  value = concat(
    var.admin_cidrs,
    local.jumped_to ? ["${module.node["${var.name}-services"].machine.private_address}/32"] : [],
  )
}

output "inside_cidrs" {
  description = "Where the project's machines are."
  value       = local.inside_cidrs
}
