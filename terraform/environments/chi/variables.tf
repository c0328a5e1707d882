variable "name" {
  description = "Prefix of the names of all that is made."
  type        = string
  default     = "glossator"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,20}$", var.name))
    error_message = "name must have 2 to 21 characters of a-z, 0-9 and -, and start with a letter."
  }
}

variable "cloud" {
  description = "Entry of clouds.yaml to sign in with. Null takes the OS_* variables."
  type        = string
  default     = "chi_uc"

  validation {
    condition     = var.cloud == null || can(regex("^[A-Za-z0-9._-]+$", var.cloud))
    error_message = "cloud must be the name of an entry in clouds.yaml."
  }
}

variable "region" {
  description = "Region, such as CHI@UC. Null takes that of the credentials."
  type        = string
  default     = null

  validation {
    condition     = var.region == null || can(regex("^[A-Za-z0-9@._-]+$", var.region))
    error_message = "region must be a region's name, such as CHI@UC."
  }
}

variable "key_pair_name" {
  description = "Name of the SSH key pair at this site. The plan fails when there is none of that name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^/\\s][^/]{0,254}$", var.key_pair_name))
    error_message = "key_pair_name must be the name of a key pair in the cloud, not a file. See: openstack keypair list"
  }
}

variable "user" {
  description = "User of the images that SSH logs in as."
  type        = string
  default     = "cc"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z_][a-z0-9_-]{0,31}$", var.user))
    error_message = "user must be a Linux user's name. It is cc on Chameleon's images."
  }
}

variable "admin_cidrs" {
  description = "Where administrators come from: SSH is open to these ranges and to nobody else."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.admin_cidrs) > 0
    error_message = "admin_cidrs must not be empty: nobody could reach the machines by SSH."
  }

  validation {
    condition     = alltrue([for each in var.admin_cidrs : can(cidrhost(each, 0))])
    error_message = "admin_cidrs must be ranges such as 203.0.113.7/32. A single address is written with /32, or /128 for IPv6."
  }

  validation {
    condition = alltrue([
      for each in var.admin_cidrs : try(tonumber(split("/", each)[1]) >= (strcontains(each, ":") ? 32 : 8), true)
    ])
    error_message = "admin_cidrs must not be open to the world: no range wider than /8, or /32 for IPv6."
  }

  validation {
    condition     = alltrue([for each in var.admin_cidrs : try(cidrhost(each, 0) == split("/", each)[0], true)])
    error_message = "admin_cidrs must start with the range's first address, in its usual form: 203.0.113.0/24, not 203.0.113.7/24."
  }
}

variable "inside_cidrs" {
  description = "Where the project's other machines come from, such as the router and the floating IP of the services machine as /32."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.inside_cidrs) > 0
    error_message = "inside_cidrs must not be empty: neither the runner nor Prometheus could reach the machine."
  }

  validation {
    condition     = alltrue([for each in var.inside_cidrs : can(cidrhost(each, 0))])
    error_message = "inside_cidrs must be ranges such as 198.51.100.7/32. A single address is written with /32, or /128 for IPv6."
  }

  validation {
    condition = alltrue([
      for each in var.inside_cidrs : try(tonumber(split("/", each)[1]) >= (strcontains(each, ":") ? 32 : 8), true)
    ])
    error_message = "inside_cidrs must not be open to the world: no range wider than /8, or /32 for IPv6."
  }

  validation {
    condition     = alltrue([for each in var.inside_cidrs : try(cidrhost(each, 0) == split("/", each)[0], true)])
    error_message = "inside_cidrs must start with the range's first address, in its usual form: 198.51.100.0/24, not 198.51.100.7/24."
  }
}

variable "reservation_ids" {
  description = "Role (gpu, runner) to the id of its reservation in an active lease. A role without one has no machine."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for role in keys(var.reservation_ids) : contains(["gpu", "runner"], role)])
    error_message = "reservation_ids has a role that is not known here: use gpu and runner; services stand at KVM, where there are volumes."
  }

  validation {
    condition = alltrue([
      for id in values(var.reservation_ids) :
      can(regex("^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", id))
    ])
    error_message = "reservation_ids must hold UUIDs: the id of the reservation inside the lease, not the lease's id or name. See: glossator-ops lease show"
  }

  validation {
    condition     = length(distinct(values(var.reservation_ids))) == length(var.reservation_ids)
    error_message = "reservation_ids has the same id twice: each role has a reservation of its own. An id that is the same for all is the lease's."
  }
}

variable "node_types" {
  description = "Role to the node type that its lease reserves, such as gpu_rtx_6000."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.reservation_ids), keys(var.node_types))) == 0
    error_message = "node_types must name the node type of each role in reservation_ids."
  }

  validation {
    condition     = alltrue([for each in values(var.node_types) : can(regex("^[a-z0-9_]{2,60}$", each))])
    error_message = "node_types must be node types, such as gpu_rtx_6000 or compute_gigaio."
  }
}

variable "image_names" {
  description = "Role to its image. Bare metal with a GPU needs one with its driver. By default CC-Ubuntu24.04-CUDA for gpu, CC-Ubuntu24.04 for runner."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for role in keys(var.image_names) : contains(["gpu", "runner"], role)])
    error_message = "image_names has a role that is not known here: use gpu and runner."
  }

  validation {
    condition     = alltrue([for each in values(var.image_names) : can(regex("^\\S+$", each))])
    error_message = "image_names must be images' names, such as CC-Ubuntu24.04-CUDA. See: openstack image list"
  }
}

variable "network_name" {
  description = "Network that the machines stand in."
  type        = string
  default     = "sharednet1"
  nullable    = false

  validation {
    condition     = length(var.network_name) > 0
    error_message = "network_name must not be empty. On Chameleon it is sharednet1."
  }
}

variable "external_network_name" {
  description = "Network that floating IPs come from."
  type        = string
  default     = "public"
  nullable    = false

  validation {
    condition     = length(var.external_network_name) > 0
    error_message = "external_network_name must not be empty. On Chameleon it is public."
  }
}

variable "public_names" {
  description = "Role to the DNS name of its machine's floating IP, for a certificate by Let's Encrypt."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for role in keys(var.public_names) :
      anytrue([for port in jsondecode(file("${path.module}/../../ports.json")) : port.from == "acme" && contains(port.on, role)])
    ])
    error_message = "public_names has a role for which terraform/ports.json opens no port to Let's Encrypt. Use gpu."
  }

  validation {
    condition = alltrue([
      for each in values(var.public_names) : can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", each))
    ])
    error_message = "public_names must be hosts' full names in lower case, such as gpu.example.org."
  }
}

variable "reserved_floating_ips" {
  description = "Role to the floating IP that a lease reserves for it, in place of one that is asked for at once."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for role in keys(var.reserved_floating_ips) : contains(["gpu", "runner"], role)])
    error_message = "reserved_floating_ips has a role that is not known here: use gpu and runner."
  }

  validation {
    condition     = alltrue([for each in values(var.reserved_floating_ips) : can(cidrnetmask("${each}/32"))])
    error_message = "reserved_floating_ips must be IPv4 addresses. See: openstack floating ip list"
  }
}
