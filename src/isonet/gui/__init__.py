"""The browser interface: it shows files and starts commands, and computes nothing of the method itself.

It knows the configuration models (forms), the table, the run folders (jobs) and MRC slices. It never imports torch.
"""
