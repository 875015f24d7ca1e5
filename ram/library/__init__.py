"""A folder of photos: tags where photo programs read them, looks that stay, search and undo."""
