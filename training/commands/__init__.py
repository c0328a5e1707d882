"""The commands of `glossator-train`, one module each: options in, sentences out."""
