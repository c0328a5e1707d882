variable "name" {
  description = "Prefix of the buckets' names. Names may be shared by all projects of a site, so choose a rare one."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,40}$", var.name))
    error_message = "name must have 3 to 41 characters of a-z, 0-9 and -, and start with a letter."
  }
}

variable "endpoint" {
  description = "Address of the store's S3 interface."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^https://[A-Za-z0-9.-]+(:[0-9]+)?/?$", var.endpoint))
    error_message = "endpoint must be an https address without a path, such as https://chi.tacc.chameleoncloud.org:7480."
  }
}

variable "region" {
  description = "Region that S3 clients sign with. Ceph takes any."
  type        = string
  default     = "us-east-1"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]+$", var.region))
    error_message = "region must be a region's name, such as us-east-1."
  }
}

variable "create_keys" {
  description = "Make S3 keys too. Their secret then stands in the state: leave it off and make them by hand if you can."
  type        = bool
  default     = false
  nullable    = false
}
