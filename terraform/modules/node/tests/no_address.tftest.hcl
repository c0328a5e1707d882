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

run "a_machine_without_an_address_is_found_out" {
  command = apply

  override_resource {
    target = openstack_compute_instance_v2.this
    values = { access_ip_v4 = "" }
  }

  expect_failures = [openstack_compute_instance_v2.this]
}
