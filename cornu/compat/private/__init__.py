"""What packages find under private paths of Keras and cornu has under no public name.

Each function does, with objects of cornu, what the function of the same name does in Keras.
"""
