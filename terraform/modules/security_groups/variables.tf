variable "name" {
  description = "Prefix of the groups' names."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "name must have 2 to 31 characters of a-z, 0-9 and -, and start with a letter."
  }
}

variable "roles" {
  description = "Roles that machines have. Each gets a group."
  type        = set(string)
  nullable    = false

  validation {
    condition     = alltrue([for each in var.roles : contains(["services", "runner", "gpu"], each)])
    error_message = "roles must be some of services, runner and gpu."
  }
}

variable "public_roles" {
  description = "Roles whose machine has a public name. Only there Let's Encrypt's port is open to the world."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(setsubtract(var.public_roles, var.roles)) == 0
    error_message = "public_roles must be among roles."
  }
}

variable "jump_roles" {
  description = "Roles whose machines have no address outside: SSH is open to them from the services machine."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(setsubtract(var.jump_roles, var.roles)) == 0 && !contains(var.jump_roles, "services")
    error_message = "jump_roles must be among roles, without services, through which they are reached."
  }

  validation {
    condition     = length(var.jump_roles) == 0 || contains(var.roles, "services")
    error_message = "jump_roles needs the role services, through which they are reached."
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
  description = "Where the project's other machines are: models, metrics and MLflow are open to these ranges."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.inside_cidrs) > 0
    error_message = "inside_cidrs must not be empty: the machines could not reach each other."
  }

  validation {
    condition     = alltrue([for each in var.inside_cidrs : can(cidrhost(each, 0))])
    error_message = "inside_cidrs must be ranges such as 192.168.77.0/24. A single address is written with /32, or /128 for IPv6."
  }

  validation {
    condition = alltrue([
      for each in var.inside_cidrs : try(tonumber(split("/", each)[1]) >= (strcontains(each, ":") ? 32 : 8), true)
    ])
    error_message = "inside_cidrs must not be open to the world: no range wider than /8, or /32 for IPv6."
  }

  validation {
    condition     = alltrue([for each in var.inside_cidrs : try(cidrhost(each, 0) == split("/", each)[0], true)])
    error_message = "inside_cidrs must start with the range's first address, in its usual form: 192.168.77.0/24, not 192.168.77.5/24."
  }
}
