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
  default     = "kvm"

  validation {
    condition     = var.cloud == null || can(regex("^[A-Za-z0-9._-]+$", var.cloud))
    error_message = "cloud must be the name of an entry in clouds.yaml."
  }
}

variable "region" {
  description = "Region, such as KVM@TACC. Null takes that of the credentials."
  type        = string
  default     = null

  validation {
    condition     = var.region == null || can(regex("^[A-Za-z0-9@._-]+$", var.region))
    error_message = "region must be a region's name, such as KVM@TACC."
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
  description = "Where further machines of the project are, such as a bare-metal GPU's address as /32. The private network is always inside."
  type        = list(string)
  default     = []

  validation {
    condition     = var.existing_network_name == null || length(var.inside_cidrs) > 0
    error_message = "inside_cidrs must be given with existing_network_name: others share that network, so its range is not trusted."
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
  description = "Role (services, runner, gpu) to the id of its reservation in an active lease. A role without one has no machine."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for role in keys(var.reservation_ids) : contains(["services", "runner", "gpu"], role)])
    error_message = "reservation_ids has a role that is not known here: use services, runner and gpu."
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

variable "long_reservation_ids" {
  description = "As reservation_ids, for leases of months beside a GPU lease of days. glossator-ops lease writes them into a file of their own, since a file sets the whole map."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for role in keys(var.long_reservation_ids) : contains(["services", "runner", "gpu"], role)])
    error_message = "long_reservation_ids has a role that is not known here: use services, runner and gpu."
  }

  validation {
    condition = alltrue([
      for id in values(var.long_reservation_ids) :
      can(regex("^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", id))
    ])
    error_message = "long_reservation_ids must hold UUIDs: the id of the reservation inside the lease, not the lease's id or name. See: glossator-ops lease show"
  }

  validation {
    condition     = length(setintersection(keys(var.long_reservation_ids), keys(var.reservation_ids))) == 0
    error_message = "long_reservation_ids and reservation_ids both have the same role: leave it out of one."
  }

  validation {
    condition = length(distinct(concat(values(var.long_reservation_ids), values(var.reservation_ids)))) == (
      length(var.long_reservation_ids) + length(var.reservation_ids)
    )
    error_message = "long_reservation_ids and reservation_ids have the same id: each role has a reservation of its own. An id that is the same for all is the lease's."
  }
}

variable "unreserved_roles" {
  description = "Roles whose machine is made from a flavor by its name, on a cloud without leases. Not for Chameleon."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for role in var.unreserved_roles : contains(["services", "runner", "gpu"], role)])
    error_message = "unreserved_roles must be some of services, runner and gpu."
  }

  validation {
    condition     = length(setintersection(var.unreserved_roles, keys(local.reservation_ids))) == 0
    error_message = "unreserved_roles must not name a role that has a reservation."
  }
}

variable "flavors" {
  description = "Role to the flavor that its lease reserves, or that is asked for where there are no leases. By default m1.xlarge for services, m1.large for runner, g1.h100.pci.1 for gpu."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for role in keys(var.flavors) : contains(["services", "runner", "gpu"], role)])
    error_message = "flavors has a role that is not known here: use services, runner and gpu."
  }

  validation {
    condition     = alltrue([for each in values(var.flavors) : can(regex("^[A-Za-z0-9._-]{2,60}$", each))])
    error_message = "flavors must be flavors' names, such as m1.xlarge. A reservation's id goes into reservation_ids."
  }
}

variable "runner_count" {
  description = "How many runner machines. Their lease must reserve as many."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.runner_count >= 1 && var.runner_count <= 8 && floor(var.runner_count) == var.runner_count
    error_message = "runner_count must be a whole number from 1 to 8. For none leave the role runner out of reservation_ids."
  }
}

variable "image_name" {
  description = "Image of machines without a GPU."
  type        = string
  default     = "CC-Ubuntu24.04"
  nullable    = false

  validation {
    condition     = can(regex("^\\S+$", var.image_name))
    error_message = "image_name must be an image's name, such as CC-Ubuntu24.04. See: openstack image list"
  }
}

variable "gpu_image_name" {
  description = "Image of the GPU machine, with NVIDIA's driver."
  type        = string
  default     = "CC-Ubuntu24.04-CUDA"
  nullable    = false

  validation {
    condition     = can(regex("^\\S+$", var.gpu_image_name))
    error_message = "gpu_image_name must be an image's name, such as CC-Ubuntu24.04-CUDA. See: openstack image list"
  }
}

variable "gpu_boot_volume_gb" {
  description = "Size of the volume that the GPU machine boots from, as its own disk of 40 GB holds no models. It goes with the machine."
  type        = number
  default     = 200
  nullable    = false

  validation {
    condition     = var.gpu_boot_volume_gb >= 100 && var.gpu_boot_volume_gb <= 2000 && floor(var.gpu_boot_volume_gb) == var.gpu_boot_volume_gb
    error_message = "gpu_boot_volume_gb must be a whole number from 100 to 2000: images of model servers and models need room."
  }
}

variable "data_volume_gb" {
  description = "Size of the services' data volume, which outlives machines and leases."
  type        = number
  default     = 200
  nullable    = false

  validation {
    condition     = var.data_volume_gb >= 50 && var.data_volume_gb <= 5000 && floor(var.data_volume_gb) == var.data_volume_gb
    error_message = "data_volume_gb must be a whole number from 50 to 5000."
  }
}

variable "data_volume_type" {
  description = "Kind of storage of the data volume: ceph-ssd or ceph-hdd at KVM@TACC. Null takes the cloud's default."
  type        = string
  default     = "ceph-ssd"

  validation {
    condition     = var.data_volume_type == null || can(regex("^[A-Za-z0-9._-]+$", var.data_volume_type))
    error_message = "data_volume_type must be a volume type's name, such as ceph-ssd. See: openstack volume type list"
  }
}

variable "network_cidr" {
  description = "Address range of the private network."
  type        = string
  default     = "192.168.77.0/24"
  nullable    = false

  validation {
    condition = (
      can(cidrnetmask(var.network_cidr))
      && try(tonumber(split("/", var.network_cidr)[1]) >= 16 && tonumber(split("/", var.network_cidr)[1]) <= 28, false)
      && try(cidrhost(var.network_cidr, 0) == split("/", var.network_cidr)[0], false)
      && can(regex("^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)", var.network_cidr))
    )
    error_message = "network_cidr must be a private IPv4 range between /16 and /28, written with its first address, such as 192.168.77.0/24."
  }
}

variable "existing_network_name" {
  description = "Network to use in place of a private one, such as sharednet1. Then inside_cidrs must be given too."
  type        = string
  default     = null

  validation {
    condition     = var.existing_network_name == null || try(length(var.existing_network_name) > 0, false)
    error_message = "existing_network_name must not be empty. Leave it out to have a private network made."
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

variable "floating_ip_roles" {
  description = "Roles whose machines get a floating IP. Others are reached by SSH through the services machine."
  type        = set(string)
  default     = ["services"]
  nullable    = false

  validation {
    condition     = alltrue([for role in var.floating_ip_roles : contains(["services", "runner", "gpu"], role)])
    error_message = "floating_ip_roles must be some of services, runner and gpu."
  }

  validation {
    condition = (
      length(setsubtract(local.roles, var.floating_ip_roles)) == 0
      || contains(local.roles, "services") && contains(var.floating_ip_roles, "services")
    )
    error_message = "floating_ip_roles leaves a machine that nobody can reach: add its role, or have a services machine with a floating IP, through which it is reached."
  }
}

variable "public_names" {
  description = "Role to the DNS name of its machine's floating IP, for a certificate by Let's Encrypt. Opens port 80 there."
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
    condition     = length(setsubtract(keys(var.public_names), var.floating_ip_roles)) == 0
    error_message = "public_names needs a floating IP for each of its roles: add them to floating_ip_roles."
  }

  validation {
    condition = alltrue([
      for each in values(var.public_names) : can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", each))
    ])
    error_message = "public_names must be hosts' full names in lower case, such as gpu.example.org."
  }
}

variable "create_object_store" {
  description = "Make the buckets. Off when they are made by hand or elsewhere."
  type        = bool
  default     = true
  nullable    = false
}

variable "object_store_cloud" {
  description = "Entry of clouds.yaml for the site with the object store: KVM@TACC has none, CHI@TACC has. Null takes the OS_* variables."
  type        = string
  default     = "chi_tacc"

  validation {
    condition     = var.object_store_cloud == null || can(regex("^[A-Za-z0-9._-]+$", var.object_store_cloud))
    error_message = "object_store_cloud must be the name of an entry in clouds.yaml."
  }
}

variable "object_store_endpoint" {
  description = "Address of the object store's S3 interface."
  type        = string
  default     = "https://chi.tacc.chameleoncloud.org:7480"
  nullable    = false

  validation {
    condition     = can(regex("^https://[A-Za-z0-9.-]+(:[0-9]+)?/?$", var.object_store_endpoint))
    error_message = "object_store_endpoint must be an https address without a path, such as https://chi.tacc.chameleoncloud.org:7480."
  }
}

variable "object_store_region" {
  description = "Region that S3 clients sign with. Ceph takes any."
  type        = string
  default     = "us-east-1"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]+$", var.object_store_region))
    error_message = "object_store_region must be a region's name, such as us-east-1."
  }
}

variable "bucket_prefix" {
  description = "Prefix of the buckets' names. A site may hold each name once for all projects, so choose a rare one."
  type        = string
  default     = null

  validation {
    condition     = var.create_object_store ? can(regex("^[a-z][a-z0-9-]{2,40}$", var.bucket_prefix)) : true
    error_message = "bucket_prefix must have 3 to 41 characters of a-z, 0-9 and -, and start with a letter. It is needed with create_object_store."
  }
}

variable "create_object_store_keys" {
  description = "Make S3 keys too. Their secret then stands in the state, readable to all who can read it."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.create_object_store_keys || var.create_object_store
    error_message = "create_object_store_keys needs create_object_store."
  }
}

variable "reserved_floating_ips" {
  description = "Role to the floating IP that a lease reserves for it, in place of one that is asked for at once."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for role in keys(var.reserved_floating_ips) : contains(["services", "runner", "gpu"], role)])
    error_message = "reserved_floating_ips has a role that is not known here: use services, runner and gpu."
  }

  validation {
    condition     = alltrue([for each in values(var.reserved_floating_ips) : can(cidrnetmask("${each}/32"))])
    error_message = "reserved_floating_ips must be IPv4 addresses. See: openstack floating ip list"
  }

  validation {
    condition     = length(setsubtract(keys(var.reserved_floating_ips), var.floating_ip_roles)) == 0
    error_message = "reserved_floating_ips has a role that floating_ip_roles has not: add it there."
  }

  validation {
    condition     = var.runner_count == 1 || !contains(keys(var.reserved_floating_ips), "runner")
    error_message = "reserved_floating_ips has one address for the role runner, and runner_count makes several machines."
  }
}
