"""Weight files of other libraries, read and written without running anything in them."""
