key = "AKIAIOSFODNN7EXAMPLE"
token = "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
