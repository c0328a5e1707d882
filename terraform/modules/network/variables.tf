variable "name" {
  description = "Prefix of the names of what is made."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "name must have 2 to 31 characters of a-z, 0-9 and -, and start with a letter."
  }
}

variable "existing_network_name" {
  description = "Name of a network to use, such as sharednet1. Null makes a private network with a router."
  type        = string
  default     = null

  validation {
    condition     = var.existing_network_name == null || try(length(var.existing_network_name) > 0, false)
    error_message = "existing_network_name must not be empty. Leave it out to have a private network made."
  }
}

variable "cidr" {
  description = "Address range of the private network. Not used with existing_network_name."
  type        = string
  default     = "192.168.77.0/24"
  nullable    = false

  validation {
    condition = (
      can(cidrnetmask(var.cidr))
      && try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 28, false)
      && try(cidrhost(var.cidr, 0) == split("/", var.cidr)[0], false)
    )
    error_message = "cidr must be an IPv4 range between /16 and /28, written with its first address, such as 192.168.77.0/24."
  }

  validation {
    condition     = can(regex("^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)", var.cidr))
    error_message = "cidr must be private: inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16."
  }
}

variable "external_network_name" {
  description = "Network behind the router, from which floating IPs come too."
  type        = string
  default     = "public"
  nullable    = false

  validation {
    condition     = length(var.external_network_name) > 0
    error_message = "external_network_name must not be empty. On Chameleon it is public."
  }
}

variable "dns_nameservers" {
  description = "Name servers of the private network."
  type        = list(string)
  default     = ["8.8.8.8", "1.1.1.1"]
  nullable    = false

  validation {
    condition     = length(var.dns_nameservers) > 0 && alltrue([for each in var.dns_nameservers : can(cidrnetmask("${each}/32"))])
    error_message = "dns_nameservers must be IPv4 addresses, at least one."
  }
}
