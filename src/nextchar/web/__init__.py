"""The door for browsers and programs: the page to play with, and an API over HTTP."""
