# Who signs in stands in clouds.yaml or in OS_* variables, never here.

provider "openstack" {
  cloud  = var.cloud
  region = var.region
}
