mock_provider "openstack" {
  mock_resource "openstack_blockstorage_volume_v3" {
    defaults = { id = "a26887c6-c47b-4654-abb5-dfadf7d3f803" }
  }
}

variables {
  name        = "glossator-data"
  size_gb     = 200
  volume_type = "ceph-ssd"
  instance_id = "99999999-9999-4999-8999-999999999999"
}

run "it_is_attached_to_the_machine" {
  command = plan

  assert {
    condition     = openstack_compute_volume_attach_v2.this[0].instance_id == var.instance_id && openstack_blockstorage_volume_v3.this.size == 200
    error_message = "the volume is not attached, or has another size"
  }
}

run "without_a_machine_it_is_left_alone" {
  command = plan
  variables {
    attached    = false
    instance_id = null
  }

  assert {
    condition     = length(openstack_compute_volume_attach_v2.this) == 0 && output.device == ""
    error_message = "the volume is attached to nothing"
  }
}

run "nothing_to_attach_it_to_is_refused" {
  command = plan
  variables { instance_id = null }
  expect_failures = [var.instance_id]
}

run "a_size_in_parts_is_refused" {
  command = plan
  variables { size_gb = 20.5 }
  expect_failures = [var.size_gb]
}

run "a_size_of_nothing_is_refused" {
  command = plan
  variables { size_gb = 0 }
  expect_failures = [var.size_gb]
}
