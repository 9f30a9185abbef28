"""Real container engines for the tests, each with a store of its own and nothing left behind.

One module an engine.  Those that are daemons have ``serve(directory, ...)``, a context manager;
those that are programs have a class that keeps its state in the directory it is given.  Where an
engine can run an image at all it has ``load(archive)``, which returns the reference to run, and
``run(reference, *argv)``.
"""
