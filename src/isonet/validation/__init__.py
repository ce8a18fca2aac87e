"""The numbers and curves of a validation: predictions compared with what was withheld."""
