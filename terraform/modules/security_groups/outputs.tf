output "ids" {
  description = "The group's id of each role."
  value       = { for role, group in openstack_networking_secgroup_v2.this : role => group.id }
}

output "open" {
  description = "What is open: role/name/range => port."
  value       = { for key, rule in local.rules : key => rule.port.port }
}
