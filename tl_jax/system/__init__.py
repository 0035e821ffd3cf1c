"""The machine: files, parts of a study on disk, progress, processes, devices."""
