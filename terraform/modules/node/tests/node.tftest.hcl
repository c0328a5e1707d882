mock_provider "openstack" {}

variables {
  name               = "glossator-gpu"
  role               = "gpu"
  site               = "kvm"
  reservation_id     = "33333333-3333-4333-8333-333333333333"
  hardware           = "g1.h100.pci.1"
  image_name         = "CC-Ubuntu24.04-CUDA"
  key_pair_name      = "laptop"
  network_id         = "77777777-7777-4777-8777-777777777777"
  security_group_ids = ["88888888-8888-4888-8888-888888888888"]
}

run "a_boot_volume_comes_from_the_image_and_goes_with_the_machine" {
  command = plan
  variables { boot_volume_gb = 200 }

  assert {
    condition = (
      one(openstack_compute_instance_v2.this.block_device).source_type == "image"
      && one(openstack_compute_instance_v2.this.block_device).destination_type == "volume"
      && one(openstack_compute_instance_v2.this.block_device).volume_size == 200
      && one(openstack_compute_instance_v2.this.block_device).delete_on_termination
    )
    error_message = "the boot volume is not as it should be"
  }
}

run "a_virtual_machine_takes_the_reservations_flavor" {
  command = apply

  assert {
    condition     = openstack_compute_instance_v2.this.flavor_name == "reservation:33333333-3333-4333-8333-333333333333"
    error_message = "the flavor is ${openstack_compute_instance_v2.this.flavor_name}"
  }

  assert {
    condition     = length(openstack_compute_instance_v2.this.scheduler_hints) == 0 && openstack_networking_port_v2.this[0].security_group_ids == toset(var.security_group_ids)
    error_message = "a virtual machine has a hint, or no security group"
  }

  assert {
    condition     = openstack_compute_instance_v2.this.image_id == data.openstack_images_image_v2.this.id && length(openstack_compute_instance_v2.this.block_device) == 0
    error_message = "it does not boot from the image"
  }

  assert {
    condition     = output.machine.address == "" && output.machine.gpu && !output.machine.bare_metal && length(openstack_networking_floatingip_v2.this) == 0
    error_message = "the outputs are not those of a GPU machine inside: ${jsonencode(output.machine)}"
  }
}

run "a_floating_ip_is_the_address" {
  command = apply
  variables {
    floating_ip_pool = "public"
    public_name      = "gpu.example.org"
  }

  assert {
    condition     = output.machine.address == openstack_networking_floatingip_v2.this[0].address && output.machine.public_name == "gpu.example.org"
    error_message = "the address is not the floating IP"
  }

  assert {
    condition     = openstack_networking_floatingip_associate_v2.this[0].port_id == openstack_networking_port_v2.this[0].id
    error_message = "the floating IP is on another port"
  }
}

run "without_leases_the_flavor_is_asked_for_by_name" {
  command = plan
  variables { reservation_id = null }

  assert {
    condition     = openstack_compute_instance_v2.this.flavor_name == "g1.h100.pci.1" && length(data.openstack_compute_flavor_v2.reserved_by_an_active_lease) == 0
    error_message = "the flavor is not the one named"
  }
}

run "bare_metal_gets_the_hint_and_no_security_group" {
  command = apply
  variables {
    site               = "chi"
    hardware           = "compute_gigaio"
    security_group_ids = []
    floating_ip_pool   = "public"
  }

  assert {
    condition     = openstack_compute_instance_v2.this.flavor_name == "baremetal" && one(openstack_compute_instance_v2.this.scheduler_hints).additional_properties["reservation"] == var.reservation_id
    error_message = "bare metal is not asked for with its reservation"
  }

  assert {
    condition     = length(openstack_networking_port_v2.this) == 0 && openstack_compute_instance_v2.this.network[0].uuid == var.network_id
    error_message = "bare metal must get its port from Nova"
  }

  assert {
    condition     = openstack_networking_floatingip_associate_v2.this[0].port_id == data.openstack_networking_port_v2.bare_metal[0].id && output.machine.bare_metal
    error_message = "the floating IP is not on the machine's port"
  }
}

run "a_leases_name_is_refused" {
  command = plan
  variables { reservation_id = "glossator-week-47" }
  expect_failures = [var.reservation_id]
}

run "a_flavors_name_is_refused_as_reservation" {
  command = plan
  variables { reservation_id = "reservation:33333333-3333-4333-8333-333333333333" }
  expect_failures = [var.reservation_id]
}

run "bare_metal_without_a_reservation_is_refused" {
  command = plan
  variables {
    site               = "chi"
    reservation_id     = null
    security_group_ids = []
  }
  expect_failures = [var.reservation_id]
}

run "bare_metal_with_a_boot_volume_is_refused" {
  command = plan
  variables {
    site               = "chi"
    security_group_ids = []
    boot_volume_gb     = 200
  }
  expect_failures = [var.boot_volume_gb]
}

run "bare_metal_with_a_security_group_is_refused" {
  command = plan
  variables { site = "chi" }
  expect_failures = [var.security_group_ids]
}

run "a_virtual_machine_without_a_security_group_is_refused" {
  command = plan
  variables { security_group_ids = [] }
  expect_failures = [var.security_group_ids]
}

run "a_key_file_is_refused" {
  command = plan
  variables { key_pair_name = "/home/me/.ssh/id_ed25519.pub" }
  expect_failures = [var.key_pair_name]
}

run "a_public_name_without_a_floating_ip_is_refused" {
  command = plan
  variables { public_name = "gpu.example.org" }
  expect_failures = [var.public_name]
}

run "an_address_as_public_name_is_refused" {
  command = plan
  variables {
    floating_ip_pool = "public"
    public_name      = "203.0.113.7"
  }
  expect_failures = [var.public_name]
}
