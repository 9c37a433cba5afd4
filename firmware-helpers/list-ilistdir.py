# One folder, as tuples that begin with name and kind.
list_folder = os.ilistdir
