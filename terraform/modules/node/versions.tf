terraform {
  required_version = ">= 1.10" # use_lockfile of the S3 backend

  required_providers {
    openstack = {
      source  = "terraform-provider-openstack/openstack"
      version = "~> 3.0"
    }
  }
}
