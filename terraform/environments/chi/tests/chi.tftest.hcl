mock_provider "openstack" {}

variables {
  key_pair_name   = "laptop"
  admin_cidrs     = ["203.0.113.7/32"]
  inside_cidrs    = ["203.0.113.40/32"]
  reservation_ids = { gpu = "44444444-4444-4444-8444-444444444444" }
  node_types      = { gpu = "compute_gigaio" }
}

run "a_gpu_machine_of_bare_metal" {
  command = apply

  assert {
    condition     = keys(output.machines) == ["glossator-chi-gpu"] && output.machines["glossator-chi-gpu"].bare_metal && output.machines["glossator-chi-gpu"].gpu
    error_message = "the machines are ${jsonencode(output.machines)}"
  }

  assert {
    condition     = output.machines["glossator-chi-gpu"].address != "" && output.machines["glossator-chi-gpu"].volume_device == ""
    error_message = "bare metal needs an address outside, and has no volume"
  }

  assert {
    condition     = output.object_store == { endpoint = "", region = "", buckets = { data = "", artifacts = "", backups = "" } }
    error_message = "the object store's shape is another than in kvm"
  }
}

run "a_reserved_address_is_taken" {
  command = plan
  variables { reserved_floating_ips = { gpu = "203.0.113.99" } }

  assert {
    condition     = output.machines["glossator-chi-gpu"].address == "203.0.113.99"
    error_message = "the address is ${output.machines["glossator-chi-gpu"].address}"
  }
}

run "without_a_lease_there_is_nothing" {
  command = plan
  variables { reservation_ids = {} }

  assert {
    condition     = length(output.machines) == 0
    error_message = "a machine is left"
  }
}

run "services_are_refused" {
  command = plan
  variables {
    reservation_ids = { services = "44444444-4444-4444-8444-444444444444" }
    node_types      = { services = "compute_skylake" }
  }
  expect_failures = [var.reservation_ids]
}

run "a_leases_name_is_refused" {
  command = plan
  variables { reservation_ids = { gpu = "glossator-week-47" } }
  expect_failures = [var.reservation_ids]
}

run "no_node_type_is_refused" {
  command = plan
  variables { node_types = {} }
  expect_failures = [var.node_types]
}

run "a_flavor_as_node_type_is_refused" {
  command = plan
  variables { node_types = { gpu = "g1.h100.pci.1" } }
  expect_failures = [var.node_types]
}

run "an_image_for_a_role_that_nobody_has_is_refused" {
  command = plan
  variables { image_names = { gpus = "CC-Ubuntu24.04" } }
  expect_failures = [var.image_names]
}

run "the_world_inside_is_refused" {
  command = plan
  variables { inside_cidrs = ["0.0.0.0/0"] }
  expect_failures = [var.inside_cidrs]
}

run "nothing_inside_is_refused" {
  command = plan
  variables { inside_cidrs = [] }
  expect_failures = [var.inside_cidrs]
}

run "ssh_for_the_world_is_refused" {
  command = plan
  variables { admin_cidrs = ["128.0.0.0/1"] }
  expect_failures = [var.admin_cidrs]
}
