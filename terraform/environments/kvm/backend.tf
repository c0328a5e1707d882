# The state holds addresses and, if asked for, S3 keys: keep it in a private bucket. What differs between projects comes
# from a file: terraform init -backend-config=backend.hcl
terraform {
  backend "s3" {
    key          = "kvm.tfstate"
    use_lockfile = true # a second run is refused while one is at work

    # Not Amazon's: nothing of AWS is to be asked.
    use_path_style              = true
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_region_validation      = true
    skip_requesting_account_id  = true
    skip_s3_checksum            = true
  }
}
