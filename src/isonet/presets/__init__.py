"""Options that suit a kind of sample, in small YAML files that come with the program."""
