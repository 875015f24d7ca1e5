"""The web page: controls in `core`, tabs in `sections`, looks in `views`, requests in `server`."""
