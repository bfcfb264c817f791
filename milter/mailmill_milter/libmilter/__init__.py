"""Serving the milter protocol with Sendmail's libmilter, through pymilter (`Milter Library = libmilter`)."""
