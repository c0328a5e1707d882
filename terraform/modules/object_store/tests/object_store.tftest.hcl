mock_provider "openstack" {}

variables {
  name     = "team-glossator"
  endpoint = "https://chi.tacc.chameleoncloud.org:7480/"
}

run "three_buckets_and_no_keys" {
  command = plan

  assert {
    condition = output.store == {
      endpoint = "https://chi.tacc.chameleoncloud.org:7480"
      region   = "us-east-1"
      buckets  = { data = "team-glossator-data", artifacts = "team-glossator-artifacts", backups = "team-glossator-backups" }
    }
    error_message = "the store is ${jsonencode(output.store)}"
  }

  assert {
    condition     = length(openstack_identity_ec2_credential_v3.this) == 0 && nonsensitive(output.keys) == { access_key = "", secret_key = "" }
    error_message = "keys were made unasked"
  }

  assert {
    condition     = alltrue([for bucket in openstack_objectstorage_container_v1.this : !bucket.force_destroy && bucket.container_read == null && bucket.container_write == null])
    error_message = "a bucket can be read by others, or be deleted with what it holds"
  }
}

run "keys_are_made_when_asked_for" {
  command = plan
  variables { create_keys = true }

  assert {
    condition     = length(openstack_identity_ec2_credential_v3.this) == 1 && issensitive(output.keys)
    error_message = "there are no keys, or they are shown"
  }
}

run "an_endpoint_without_tls_is_refused" {
  command = plan
  variables { endpoint = "http://chi.tacc.chameleoncloud.org:7480" }
  expect_failures = [var.endpoint]
}

run "an_endpoint_with_a_password_is_refused" {
  command = plan
  variables { endpoint = "https://me:secret@chi.tacc.chameleoncloud.org:7480" }
  expect_failures = [var.endpoint]
}

run "a_name_with_an_underscore_is_refused" {
  command = plan
  variables { name = "team_glossator" }
  expect_failures = [var.name]
}
