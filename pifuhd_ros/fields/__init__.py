"""One file a system: image features to an ImplicitField."""
