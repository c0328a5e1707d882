variable "name" {
  description = "The machine's name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,50}$", var.name))
    error_message = "name must have 2 to 51 characters of a-z, 0-9 and -, and start with a letter."
  }
}

variable "role" {
  description = "What the machine is for: services, runner or gpu."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["services", "runner", "gpu"], var.role)
    error_message = "role must be services, runner or gpu."
  }
}

variable "site" {
  description = "Which kind of site it stands at: kvm (virtual machines) or chi (bare metal)."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["kvm", "chi"], var.site)
    error_message = "site must be kvm or chi."
  }
}

variable "reservation_id" {
  description = "Id of the reservation inside an active lease. Null asks for the flavor by name, on a cloud without leases."
  type        = string
  default     = null

  validation {
    condition = var.reservation_id == null || can(
      regex("^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", var.reservation_id)
    )
    error_message = "reservation_id must be a UUID: the id of the reservation inside the lease, not the lease's id or name."
  }

  validation {
    condition     = var.reservation_id != null || var.site == "kvm"
    error_message = "reservation_id is needed for bare metal."
  }
}

variable "hardware" {
  description = "What the lease reserves: a flavor such as m1.xlarge, or a node type such as gpu_rtx_6000. Kept as metadata."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]{2,60}$", var.hardware))
    error_message = "hardware must be a flavor's or a node type's name, such as m1.xlarge or gpu_rtx_6000."
  }
}

variable "image_name" {
  description = "Image to boot, such as CC-Ubuntu24.04. The newest of that name is taken when the machine is made."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.image_name) > 0
    error_message = "image_name must not be empty."
  }
}

variable "boot_volume_gb" {
  description = "Size of a volume to boot from, in GB. Null boots from the flavor's own disk."
  type        = number
  default     = null

  validation {
    condition     = var.boot_volume_gb == null || try(var.boot_volume_gb >= 20 && var.boot_volume_gb <= 2000 && floor(var.boot_volume_gb) == var.boot_volume_gb, false)
    error_message = "boot_volume_gb must be a whole number from 20 to 2000."
  }

  validation {
    condition     = var.boot_volume_gb == null || var.site == "kvm"
    error_message = "boot_volume_gb is for virtual machines: bare metal boots from its own disk."
  }
}

variable "key_pair_name" {
  description = "Name of the SSH key pair in the cloud."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^/\\s][^/]{0,254}$", var.key_pair_name))
    error_message = "key_pair_name must be the name of a key pair in the cloud, not a file."
  }
}

variable "network_id" {
  description = "Network of the machine's one port."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.network_id) > 0
    error_message = "network_id must not be empty."
  }
}

variable "security_group_ids" {
  description = "Security groups of the port. Bare metal has none: its firewall is on the machine."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = var.site == "kvm" ? length(var.security_group_ids) > 0 : length(var.security_group_ids) == 0
    error_message = "security_group_ids must be given for kvm, and left out for chi, where OpenStack does not apply them."
  }
}

variable "floating_ip_pool" {
  description = "Network to take a floating IP from. Null gives none: the machine is reached through another."
  type        = string
  default     = null

  validation {
    condition     = var.floating_ip_pool == null || try(length(var.floating_ip_pool) > 0, false)
    error_message = "floating_ip_pool must be a network's name, such as public. Leave it out to have no floating IP."
  }
}

variable "floating_ip" {
  description = "Floating IP that the project has already, such as a reserved one. In place of one from floating_ip_pool."
  type        = string
  default     = null

  validation {
    condition     = var.floating_ip == null || can(cidrnetmask("${var.floating_ip}/32"))
    error_message = "floating_ip must be an IPv4 address. See: openstack floating ip list"
  }

  validation {
    condition     = var.floating_ip == null || var.floating_ip_pool == null
    error_message = "floating_ip and floating_ip_pool exclude each other."
  }
}

variable "public_name" {
  description = "DNS name of the floating IP, for a certificate by Let's Encrypt. Empty has none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.public_name == "" || can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", var.public_name))
    error_message = "public_name must be a host's full name in lower case, such as chi-dyn-203-0-113-7.tacc.chameleoncloud.org."
  }

  validation {
    condition     = var.public_name == "" || var.floating_ip_pool != null || var.floating_ip != null
    error_message = "public_name needs a floating IP: give floating_ip_pool or floating_ip."
  }
}

variable "user" {
  description = "User of the image that SSH logs in as."
  type        = string
  default     = "cc"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z_][a-z0-9_-]{0,31}$", var.user))
    error_message = "user must be a Linux user's name, such as cc."
  }
}
