variable "name" {
  description = "The volume's name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,50}$", var.name))
    error_message = "name must have 2 to 51 characters of a-z, 0-9 and -, and start with a letter."
  }
}

variable "size_gb" {
  description = "Size in GB. It can grow and never shrink."
  type        = number
  nullable    = false

  validation {
    condition     = var.size_gb >= 10 && var.size_gb <= 5000 && floor(var.size_gb) == var.size_gb
    error_message = "size_gb must be a whole number from 10 to 5000."
  }
}

variable "volume_type" {
  description = "Kind of storage: ceph-ssd or ceph-hdd at KVM@TACC. Null takes the cloud's default."
  type        = string
  default     = null

  validation {
    condition     = var.volume_type == null || can(regex("^[A-Za-z0-9._-]+$", var.volume_type))
    error_message = "volume_type must be a volume type's name, such as ceph-ssd."
  }
}

variable "attached" {
  description = "Whether there is a machine to attach it to."
  type        = bool
  default     = true
  nullable    = false
}

variable "instance_id" {
  description = "Machine to attach it to. Null where attached is false."
  type        = string
  default     = null

  validation {
    condition     = !var.attached || try(length(var.instance_id) > 0, false)
    error_message = "instance_id is needed while attached is true."
  }
}
