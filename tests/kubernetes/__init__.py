"""The manifests below runners/kubernetes."""
