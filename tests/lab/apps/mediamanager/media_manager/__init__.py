"""A stand-in for MediaManager 1.12.3, made of the libraries that MediaManager itself uses.

It has the parts that a deployment meets: configuration, migrations, users, sign-in, health and a page.
Of the media features it has none: one background job that does nothing stands for them. What it does
wrong (a 404 page that works, keys that leak in from the environment) comes from using the same libraries
in the same way, and is wanted.
"""
