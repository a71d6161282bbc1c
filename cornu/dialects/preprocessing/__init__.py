"""Preprocessing of images, texts and sequences that Keras 1 and 2 had and Keras 3 dropped."""
