mock_provider "openstack" {}

mock_provider "openstack" {
  alias = "object_store"
}

variables {
  key_pair_name = "laptop"
  admin_cidrs   = ["203.0.113.7/32"]
  bucket_prefix = "team-glossator"
  long_reservation_ids = {
    services = "11111111-1111-4111-8111-111111111111"
    runner   = "22222222-2222-4222-8222-222222222222"
  }
  reservation_ids = { gpu = "33333333-3333-4333-8333-333333333333" }
}

run "three_machines_on_their_reservations" {
  command = plan

  assert {
    condition     = toset(keys(output.machines)) == toset(["glossator-services", "glossator-runner-1", "glossator-gpu"])
    error_message = "the machines are ${jsonencode(keys(output.machines))}"
  }

  assert {
    condition     = output.inside_cidrs == tolist(["192.168.77.0/24"])
    error_message = "inside is ${jsonencode(output.inside_cidrs)}"
  }

  assert {
    condition     = output.object_store.buckets == { data = "team-glossator-data", artifacts = "team-glossator-artifacts", backups = "team-glossator-backups" }
    error_message = "the buckets are ${jsonencode(output.object_store.buckets)}"
  }

  assert {
    condition     = [for name, machine in output.machines : name if machine.address == ""] == ["glossator-gpu", "glossator-runner-1"]
    error_message = "another machine than services has an address outside"
  }
}

run "more_runners_of_one_reservation" {
  command = plan
  variables { runner_count = 3 }

  assert {
    condition     = length([for machine in output.machines : 1 if machine.role == "runner"]) == 3
    error_message = "there are not three runners"
  }
}

run "without_the_gpu_lease_the_rest_stays" {
  command = plan
  variables { reservation_ids = {} }

  assert {
    condition     = toset(keys(output.machines)) == toset(["glossator-services", "glossator-runner-1"])
    error_message = "the machines are ${jsonencode(keys(output.machines))}"
  }
}

run "without_leases_only_what_must_last_stays" {
  command = plan
  variables {
    long_reservation_ids = {}
    reservation_ids      = {}
  }

  assert {
    condition     = length(output.machines) == 0 && output.object_store.buckets.backups == "team-glossator-backups" && output.admin_cidrs == tolist(["203.0.113.7/32"])
    error_message = "machines are left, or the buckets are gone"
  }
}

run "a_cloud_without_leases" {
  command = plan
  variables {
    long_reservation_ids = {}
    reservation_ids      = {}
    unreserved_roles     = ["services", "gpu"]
    flavors              = { services = "c4.large", gpu = "gpu.a100" }
  }

  assert {
    condition     = toset(keys(output.machines)) == toset(["glossator-services", "glossator-gpu"])
    error_message = "the machines are ${jsonencode(keys(output.machines))}"
  }
}

run "without_buckets_the_outputs_keep_their_shape" {
  command = plan
  variables {
    create_object_store = false
    bucket_prefix       = null
  }

  assert {
    condition     = output.object_store == { endpoint = "", region = "", buckets = { data = "", artifacts = "", backups = "" } }
    error_message = "the object store is ${jsonencode(output.object_store)}"
  }
}

run "a_shared_network_needs_inside_ranges" {
  command = plan
  variables { existing_network_name = "sharednet1" }
  expect_failures = [var.inside_cidrs]
}

run "a_leases_id_for_all_is_refused" {
  command = plan
  variables {
    long_reservation_ids = {}
    reservation_ids = {
      services = "11111111-1111-4111-8111-111111111111"
      gpu      = "11111111-1111-4111-8111-111111111111"
    }
  }
  expect_failures = [var.reservation_ids]
}

run "a_leases_name_is_refused" {
  command = plan
  variables { reservation_ids = { gpu = "glossator-week-47" } }
  expect_failures = [var.reservation_ids]
}

run "a_role_with_two_leases_is_refused" {
  command = plan
  variables { reservation_ids = { runner = "44444444-4444-4444-8444-444444444444" } }
  expect_failures = [var.long_reservation_ids]
}

run "one_id_in_both_is_refused" {
  command = plan
  variables { reservation_ids = { gpu = "11111111-1111-4111-8111-111111111111" } }
  expect_failures = [var.long_reservation_ids]
}

run "a_role_with_a_lease_and_without_is_refused" {
  command = plan
  variables { unreserved_roles = ["services"] }
  expect_failures = [var.unreserved_roles]
}

run "a_machine_that_nobody_can_reach_is_refused" {
  command = plan
  variables { long_reservation_ids = {} }
  expect_failures = [var.floating_ip_roles]
}

run "a_gpu_machine_alone_has_its_own_address" {
  command = plan
  variables {
    long_reservation_ids = {}
    floating_ip_roles    = ["gpu"]
    public_names         = { gpu = "gpu.example.org" }
  }

  assert {
    condition     = keys(output.machines) == ["glossator-gpu"] && output.machines["glossator-gpu"].public_name == "gpu.example.org"
    error_message = "the machines are ${jsonencode(keys(output.machines))}"
  }
}

run "a_flavor_for_a_role_that_nobody_has_is_refused" {
  command = plan
  variables { flavors = { gpus = "m1.large" } }
  expect_failures = [var.flavors]
}

run "a_role_that_nobody_has_is_refused" {
  command = plan
  variables { reservation_ids = { database = "11111111-1111-4111-8111-111111111111" } }
  expect_failures = [var.reservation_ids]
}

run "ssh_for_the_world_is_refused" {
  command = plan
  variables { admin_cidrs = ["0.0.0.0/0"] }
  expect_failures = [var.admin_cidrs]
}

run "the_inside_for_the_world_is_refused" {
  command = plan
  variables { inside_cidrs = ["::/0"] }
  expect_failures = [var.inside_cidrs]
}

run "no_key_pair_is_refused" {
  command = plan
  variables { key_pair_name = "" }
  expect_failures = [var.key_pair_name]
}

run "a_public_name_for_services_is_refused" {
  command = plan
  variables { public_names = { services = "services.example.org" } }
  expect_failures = [var.public_names]
}

run "a_public_name_without_a_floating_ip_is_refused" {
  command = plan
  variables { public_names = { gpu = "gpu.example.org" } }
  expect_failures = [var.public_names]
}

run "no_bucket_prefix_is_refused" {
  command = plan
  variables { bucket_prefix = null }
  expect_failures = [var.bucket_prefix]
}

run "keys_without_buckets_are_refused" {
  command = plan
  variables {
    create_object_store      = false
    create_object_store_keys = true
  }
  expect_failures = [var.create_object_store_keys]
}

run "a_small_boot_volume_is_refused" {
  command = plan
  variables { gpu_boot_volume_gb = 40 }
  expect_failures = [var.gpu_boot_volume_gb]
}

run "a_reserved_address_for_a_machine_inside_is_refused" {
  command = plan
  variables { reserved_floating_ips = { gpu = "203.0.113.99" } }
  expect_failures = [var.reserved_floating_ips]
}

run "half_a_runner_is_refused" {
  command = plan
  variables { runner_count = 1.5 }
  expect_failures = [var.runner_count]
}
