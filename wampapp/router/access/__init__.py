"""Who may join a realm, and who may do what there. Sans-I/O."""
